// A mapped list: how long the compiler takes, how long from a start to the first answer, and nanoseconds a look-up.
//   decide_list_bench DIRECTORY [ENTRIES]     default 10,000,000
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/hash.h"
#include "decide/number_list.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/process.h"

namespace {

using namespace pandun;

std::int64_t now_ns() {
  return platform::system_clock().steady().count();
}

std::uint64_t number(std::uint64_t i) {
  return 8613000000000ULL + mix64(i) % 5'000'000'000ULL;
}

class Digits final : public decide::NumberReader {
 public:
  model::NumberKey read(std::string_view text) const override {
    std::uint64_t out = 0;
    for (const char c : text) out = out * 10 + static_cast<std::uint64_t>(c - '0');
    return model::NumberKey::e164(out);
  }
};

int run(const std::string& directory, std::uint64_t entries) {
  platform::FileSystem& files = platform::posix_files();
  const std::string csv = platform::join(directory, "numbers.csv"), out = platform::join(directory, "numbers.list");
  std::string text = "number\n";
  for (std::uint64_t i = 0; i < entries; ++i) text += fmt::format("{}\n", number(i));
  if (!files.make_directories(directory).ok() || !platform::replace_file(files, csv, text).ok()) return 1;
  text = {};
  const platform::SealKey key{{7}};
  const std::int64_t begin = now_ns();
  const auto compiled = decide::compile_list(files, csv, out, key, Digits());
  const std::int64_t compile_ms = (now_ns() - begin) / 1'000'000;
  if (!compiled.ok()) return 1;

  decide::ListManifest manifest;
  manifest.expires_at = WallMs{2};
  const std::int64_t start = now_ns();
  const auto list = decide::NumberList::open(out, manifest, key);
  if (!list.ok() || !(*list)->find(model::NumberKey::e164(number(0)), WallMs{1}).found) return 1;
  const std::int64_t first_ms = (now_ns() - start) / 1'000'000;
  std::vector<std::int64_t> ns(500'000);
  for (std::uint64_t i = 0; i < ns.size(); ++i) {
    const model::NumberKey wanted = model::NumberKey::e164(number(i * 7919));
    const std::int64_t one = now_ns();
    const bool found = (*list)->find(wanted, WallMs{1}).found;
    ns[i] = now_ns() - one;
    if (i * 7919 < entries && !found) return 1;
  }
  std::sort(ns.begin(), ns.end());
  fmt::print(
      "{{\"name\":\"decide_list\",\"entries\":{},\"compile_ms\":{},\"start_to_first_answer_ms\":{},\"p50_ns\":{},"
      "\"p99_ns\":{}}}\n",
      compiled->entries, compile_ms, first_ms, ns[ns.size() / 2], ns[ns.size() * 99 / 100]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return run(argv[1], argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000'000);
}
