// Both roads out of the simulator: a folder of whole files, and files that grow.
#include <array>

#include "province/province.h"

namespace pandun::province {
namespace {

constexpr std::size_t kWriteAt = 1 << 20;

class FileSink : public LineSink {
 public:
  Result<> open(platform::FileSystem& files, const std::string& directory, const Province& province, bool go_on) {
    TRY(files.make_directories(directory));
    for (std::size_t f = 0; f < kFeeds; ++f) {
      const std::string path = platform::join(directory, std::string(file_name(static_cast<Feed>(f))));
      if (go_on) {
        TRY(put_aside(files, path, province.header(static_cast<Feed>(f))));
        TRY_ASSIGN(files_[f], files.open_append(path));
      } else {
        TRY_ASSIGN(files_[f], files.create(path));
      }
      if (files_[f]->size() == 0) buffers_[f] = province.header(static_cast<Feed>(f));
    }
    return flush();
  }
  void lines(Feed feed, std::string_view text) override {
    const auto f = static_cast<std::size_t>(feed);
    buffers_[f] += text;
    if (buffers_[f].size() >= kWriteAt) write(f);
  }
  // The first error of any write since the last flush.
  Result<> flush() {
    for (std::size_t f = 0; f < kFeeds; ++f) write(f);
    return std::exchange(result_, Result<>{});
  }

 private:
  // A file whose columns are another version's cannot be gone on with.
  static Result<> put_aside(platform::FileSystem& files, const std::string& path, std::string_view header) {
    const auto file = files.open_read(path);
    if (!file.ok()) return {};
    std::string first(header.size(), '\0');
    TRY_ASSIGN(const std::size_t got, (*file)->read_at(0, first.data(), first.size()));
    if (got == 0 || (got == first.size() && first == header)) return {};
    return files.rename(path, path + ".before");
  }
  void write(std::size_t f) {
    if (buffers_[f].empty()) return;
    if (result_.ok()) result_ = files_[f]->append(buffers_[f]);
    buffers_[f].clear();
  }
  std::array<std::unique_ptr<platform::WritableFile>, kFeeds> files_;
  std::array<std::string, kFeeds> buffers_;
  Result<> result_;
};

class TailedFiles : public LiveFeed {
 public:
  explicit TailedFiles(const Config& config) : province_(config) {}
  Result<> open(platform::FileSystem& files, const std::string& directory) {
    return sink_.open(files, directory, province_, true);
  }
  Result<> run_until(EventMs until) override {
    province_.next(until, sink_);
    return sink_.flush();
  }
  EventMs now() const override { return province_.now(); }
  const Province::Counts& counts() const override { return province_.counts(); }

 private:
  Province province_;
  FileSink sink_;
};

}  // namespace

Result<Province::Counts> write_files(platform::FileSystem& files, const std::string& directory, const Config& config,
                                     const std::function<void(double)>& progress) {
  Province province(config);
  FileSink sink;
  TRY(sink.open(files, directory, province, false));
  const auto total = static_cast<std::int64_t>(config.hours * 3'600'000.0);
  constexpr std::int64_t kStep = 600'000;
  for (std::int64_t done = 0; done < total;) {
    done = std::min(done + kStep, total);
    province.next({config.start.ms + done}, sink);
    TRY(sink.flush());
    if (progress) progress(static_cast<double>(done) / static_cast<double>(total));
  }
  TRY(platform::replace_file(files, platform::join(directory, "province.toml"), province.describe()));
  return province.counts();
}

Result<std::unique_ptr<LiveFeed>> LiveFeed::open(platform::FileSystem& files, const std::string& directory,
                                                 const Config& config) {
  auto feed = std::make_unique<TailedFiles>(config);
  TRY(feed->open(files, directory));
  return std::unique_ptr<LiveFeed>(std::move(feed));
}

}  // namespace pandun::province
