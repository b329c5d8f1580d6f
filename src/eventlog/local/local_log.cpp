#include "eventlog/local/local_log.h"

#include "eventlog/local/core.h"

namespace pandun::eventlog {
namespace {

class LocalLogFace final : public LocalLog {
 public:
  explicit LocalLogFace(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  LocalLogFace(const LocalLogFace&) = delete;
  LocalLogFace& operator=(const LocalLogFace&) = delete;
  ~LocalLogFace() override { core_->close(); }

  Result<> append(const model::EventBatch& batch, const std::vector<SourceProgress>& progress) override {
    return core_->append(batch, progress);
  }
  std::uint64_t first_position() const override {
    const std::scoped_lock lock(core_->mutex);
    const std::uint64_t first = core_->segments.front().header.first_position;
    return first <= core_->last_position ? first : 0;
  }
  std::uint64_t last_position() const override {
    const std::scoped_lock lock(core_->mutex);
    return core_->last_position;
  }
  EventMs watermark() const override {
    const std::scoped_lock lock(core_->mutex);
    return {core_->watermark};
  }
  std::vector<SourceProgress> progress() const override {
    const std::scoped_lock lock(core_->mutex);
    return core_->progress_list();
  }
  Result<std::unique_ptr<Reader>> read_from(std::uint64_t position) override { return make_reader(core_, position); }
  Result<> commit(const std::string& consumer, std::uint64_t position) override {
    return core_->commit(consumer, position);
  }
  std::uint64_t committed(const std::string& consumer) const override {
    const std::scoped_lock lock(core_->mutex);
    const auto it = core_->consumers.find(consumer);
    return it == core_->consumers.end() ? 0 : it->second;
  }
  LocalLogStats stats() const override {
    const std::scoped_lock lock(core_->mutex);
    LocalLogStats out = core_->stats;
    out.segments = core_->segments.size();
    for (const Segment& segment : core_->segments) out.bytes += segment.limit;
    return out;
  }
  Result<> enforce_retention() override { return core_->enforce_retention(); }

 private:
  std::shared_ptr<Core> core_;
};

Result<> check(const LocalLogOptions& options) {
  const auto bad = [](const char* what) { return error(Errc::kBadConfig, "eventlog", what); };
  if (options.directory.empty()) return bad("directory is empty");
  if (options.segment_bytes < 4096 || options.segment_bytes > (4ULL << 30))
    return bad("segment_bytes must be between 4 KiB and 4 GiB");
  if (options.record_bytes_max < 4096 || options.record_bytes_max > (1ULL << 30))
    return bad("record_bytes_max must be between 4 KiB and 1 GiB");
  if (options.retention_bytes != 0 && options.retention_bytes < options.segment_bytes)
    return bad("retention_bytes must be 0 or at least segment_bytes");
  if (options.retention_age.count() < 0 || options.gap_wait.count() < 0) return bad("a time must not be negative");
  return {};
}

}  // namespace

Result<std::unique_ptr<LocalLog>> open_local_log(platform::FileSystem& files, platform::Clock& clock,
                                                 const platform::SealKey& key, LocalLogOptions options) {
  TRY(check(options));
  auto core = std::make_shared<Core>(files, clock, key, std::move(options));
  TRY(recover(*core));
  TRY(core->enforce_retention());
  return std::unique_ptr<LocalLog>(std::make_unique<LocalLogFace>(std::move(core)));
}

}  // namespace pandun::eventlog
