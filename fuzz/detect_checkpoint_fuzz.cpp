// Any bytes as the state of numbers, hosts or rules, and as a whole checkpoint: refused, or usable without a crash, for what
// was loaded must carry on when events come. The first byte chooses.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/hash.h"
#include "detect/checkpoint.h"
#include "detect/features/catalog.h"
#include "detect/features/host_state.h"
#include "detect/features/number_state.h"
#include "detect/rules/rule_runner.h"

namespace {

using namespace pandun;
using namespace pandun::detect;

constexpr std::uint32_t kStart = 1'772'416'800;

// Goes on with a loaded number: a day of calls, and every feature at each.
void numbers(std::string_view state) {
  NumberActivities all{NumberOptions{}};
  StateReader in(state);
  if (!all.load(in).ok()) return;
  const model::NumberKey number = model::NumberKey::e164(8613800000001);
  const std::uint64_t hash = hash_of(model::key_of(number));
  for (std::uint32_t i = 0; i < 40; ++i) {
    const EventMs at{(kStart + i * 20000LL) * 1000};
    all.update(
        number, hash,
        {at, model::NumberKey::e164(8613900000000 + i), i % 3 != 0, i % 5 == 0, model::Answered::kYes, 9, "d", "c"},
        EventMs{0});
    const NumberRecord* record = all.find(number, hash, EventMs{0});
    if (record == nullptr) std::abort();
    const NumberActivity activity(all, *record, number);
    for (const Feature& f : features())
      if (f.number != nullptr) (void)f.number(activity);
    for (const Window w : kAllWindows) (void)activity.calls_out_series(w);
  }
  all.evict(EventMs{INT64_MAX});
  StateWriter out;
  all.save(out);
}

void hosts(std::string_view state) {
  HostActivities all{HostOptions{}};
  StateReader in(state);
  if (!all.load(in).ok()) return;
  const model::IpAddress host = model::IpAddress::v4(0x0a000001);
  for (std::uint32_t i = 0; i < 100; ++i) {
    all.update(host, hash_of(host),
               {kStart + i * 300, i, 1, 2, static_cast<std::uint16_t>(i),
                i % 2 == 0 ? HostContact::kFlow : HostContact::kDns, 2},
               EventMs{0});
    const HostRecord* record = all.find(host, hash_of(host), EventMs{0});
    if (record == nullptr) std::abort();
    const HostActivity activity(all, *record, host);
    for (const Feature& f : features())
      if (f.host != nullptr) (void)f.host(activity);
  }
  StateWriter out;
  all.save(out);
}

void rules(std::string_view state) {
  RuleRunner runner;
  StateReader in(state);
  if (runner.load(in).ok()) runner.evict(EventMs{INT64_MAX});
}

// One file that is nothing but the input.
class OneFile final : public platform::ReadableFile {
 public:
  explicit OneFile(std::string_view bytes) : bytes_(bytes) {}
  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    return bytes_.copy(out, bytes, offset);
  }
  Result<platform::FileInfo> info() const override {
    platform::FileInfo out;
    out.size = bytes_.size();
    return out;
  }

 private:
  std::string_view bytes_;
};
class OneFileSystem final : public platform::FileSystem {
 public:
  explicit OneFileSystem(std::string_view bytes) : bytes_(bytes) {}
  Result<std::unique_ptr<platform::WritableFile>> open_append(const std::string&, unsigned) override {
    return refused();
  }
  Result<std::unique_ptr<platform::WritableFile>> create(const std::string&, unsigned) override { return refused(); }
  Result<std::unique_ptr<platform::ReadableFile>> open_read(const std::string&) override {
    return std::unique_ptr<platform::ReadableFile>(std::make_unique<OneFile>(bytes_));
  }
  Result<platform::FileInfo> info(const std::string&) override { return OneFile(bytes_).info(); }
  Result<std::vector<std::string>> list(const std::string&) override {
    return std::vector<std::string>{"checkpoint-0000000001.manifest"};
  }
  Result<> make_directories(const std::string&) override { return {}; }
  Result<> rename(const std::string&, const std::string&) override { return refused(); }
  Result<> remove(const std::string&) override { return refused(); }
  Result<> sync_directory(const std::string&) override { return {}; }
  Result<std::uint64_t> free_bytes(const std::string&) override { return std::uint64_t{0}; }

 private:
  static Error refused() { return error(Errc::kIo, "", "read only"); }
  std::string_view bytes_;
};

void whole(std::string_view bytes) {
  OneFileSystem files(bytes);
  const CheckpointPlace place{files, "d", nullptr};
  std::vector<std::string> refused;
  (void)list_checkpoints(place, refused);
  Manifest manifest;
  manifest.generation = 1;
  manifest.parts = {{bytes.size(), 1, crc32c(bytes)}};
  auto reader = PartReader::open(place, manifest, 0);
  while (reader.ok()) {
    const auto section = (*reader)->next_section();
    if (!section.ok() || section->name.empty()) break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      numbers(rest);
      break;
    case 1:
      hosts(rest);
      break;
    case 2:
      rules(rest);
      break;
    default:
      whole(rest);
  }
  return 0;
}
