// A segment file with any bytes in it, opened and read both ways: an error or a shorter log, never a crash or a hang.
//
// The input edits a true segment: each edit says where, how many bytes to cut, and what to put there. Frame
// headers get a fitting checksum afterwards, so that false lengths and positions are believed at first.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "base/hash.h"
#include "eventlog/local/local_log.h"

namespace {

using namespace pandun;

// The whole disk in memory.
class MemoryFiles final : public platform::FileSystem {
 public:
  std::map<std::string, std::shared_ptr<std::string>> files;

  Result<std::unique_ptr<platform::WritableFile>> open_append(const std::string& path, unsigned) override {
    auto& content = files[path];
    if (content == nullptr) content = std::make_shared<std::string>();
    return std::unique_ptr<platform::WritableFile>(std::make_unique<Writable>(content));
  }
  Result<std::unique_ptr<platform::WritableFile>> create(const std::string& path, unsigned) override {
    auto content = files[path] = std::make_shared<std::string>();
    return std::unique_ptr<platform::WritableFile>(std::make_unique<Writable>(content));
  }
  Result<std::unique_ptr<platform::ReadableFile>> open_read(const std::string& path) override {
    const auto it = files.find(path);
    if (it == files.end()) return error(Errc::kNotFound, path, "is absent");
    return std::unique_ptr<platform::ReadableFile>(std::make_unique<Readable>(it->second));
  }
  Result<platform::FileInfo> info(const std::string& path) override {
    TRY_ASSIGN(const auto file, open_read(path));
    return file->info();
  }
  Result<std::vector<std::string>> list(const std::string&) override {
    std::vector<std::string> names;
    for (const auto& [path, content] : files) names.push_back(platform::name_of(path));
    return names;
  }
  Result<> make_directories(const std::string&) override { return {}; }
  Result<> rename(const std::string& from, const std::string& to) override {
    files[to] = files[from];
    files.erase(from);
    return {};
  }
  Result<> remove(const std::string& path) override {
    files.erase(path);
    return {};
  }
  Result<> sync_directory(const std::string&) override { return {}; }
  Result<std::uint64_t> free_bytes(const std::string&) override { return 1ULL << 40; }

 private:
  struct Writable final : platform::WritableFile {
    explicit Writable(std::shared_ptr<std::string> c) : content(std::move(c)) {}
    Result<> append(std::string_view bytes) override {
      content->append(bytes);
      return {};
    }
    Result<> sync() override { return {}; }
    Result<> truncate(std::uint64_t size) override {
      content->resize(size);
      return {};
    }
    std::uint64_t size() const override { return content->size(); }
    std::shared_ptr<std::string> content;
  };
  struct Readable final : platform::ReadableFile {
    explicit Readable(std::shared_ptr<std::string> c) : content(std::move(c)) {}
    Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const override {
      return offset >= content->size() ? 0 : content->copy(out, bytes, offset);
    }
    Result<platform::FileInfo> info() const override {
      platform::FileInfo info;
      info.size = content->size();
      return info;
    }
    std::shared_ptr<std::string> content;
  };
};

eventlog::LocalLogOptions options(eventlog::OnCorruption on_corruption) {
  eventlog::LocalLogOptions out;
  out.directory = "log";
  out.segment_bytes = 4096;
  out.on_corruption = on_corruption;
  return out;
}

const MemoryFiles& true_log() {
  static const MemoryFiles made = [] {
    MemoryFiles files;
    platform::ManualClock clock(WallMs{1});
    auto log = eventlog::open_local_log(files, clock, platform::SealKey({1}), options(eventlog::OnCorruption::kStop));
    if (!log.ok()) std::abort();
    for (std::uint64_t i = 1; i <= 8; ++i) {
      model::EventBatch batch;
      batch.events.resize(1);
      batch.events[0].position = i;
      if (!(*log)->append(batch, {{"s", std::to_string(i)}}).ok()) std::abort();
    }
    return files;
  }();
  return made;
}

void open_and_read(const MemoryFiles& disk, eventlog::OnCorruption on_corruption) {
  MemoryFiles files;
  for (const auto& [path, content] : disk.files) files.files[path] = std::make_shared<std::string>(*content);
  platform::ManualClock clock(WallMs{1});
  auto log = eventlog::open_local_log(files, clock, platform::SealKey({1}), options(on_corruption));
  if (!log.ok()) return;
  auto reader = (*log)->read_from(0);
  if (!reader.ok()) return;
  eventlog::Record record;
  std::uint64_t last = 0;
  while (true) {
    const auto more = (*reader)->next(record, std::chrono::milliseconds(0));
    if (!more.ok() || !*more) break;
    if (record.first_position <= last || record.last_position < record.first_position) std::abort();
    last = record.last_position;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  MemoryFiles disk;
  for (const auto& [path, content] : true_log().files) disk.files[path] = std::make_shared<std::string>(*content);
  std::string& segment = *disk.files.begin()->second;
  // Edits, each: offset (2 bytes), bytes to cut (1), bytes to put in (1), those bytes.
  while (size >= 4) {
    const std::size_t offset =
        std::min<std::size_t>((std::size_t{data[0]} << 8 | data[1]) % (segment.size() + 1), segment.size());
    const std::size_t cut = data[2], put = std::min<std::size_t>(data[3], size - 4);
    segment.replace(offset, cut, std::string(reinterpret_cast<const char*>(data + 4), put));
    data += 4 + put;
    size -= 4 + put;
  }
  constexpr std::size_t kSummed = 40;
  for (std::size_t at = segment.find("PLF"); at != std::string::npos; at = segment.find("PLF", at + 1)) {
    if (segment.size() - at < kSummed + 4) break;
    const std::uint32_t crc = crc32c(std::string_view(segment).substr(at, kSummed));
    std::memcpy(segment.data() + at + kSummed, &crc, sizeof crc);
  }
  open_and_read(disk, eventlog::OnCorruption::kStop);
  open_and_read(disk, eventlog::OnCorruption::kSkipAndCount);
  return 0;
}
