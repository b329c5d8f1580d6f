// Any bytes as a table of the numbering plan or as the protected groups: faults with their lines, or a plan that reads any number. The
// first byte chooses the table; the others are the first lines of the shipped ones.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "registry/numbering_plan.h"
#include "registry/protected_groups.h"

namespace {

using namespace pandun;
using namespace pandun::registry;

constexpr std::array<std::string_view, 4> kFiles{"countries.csv", "cn_areas.csv", "cn_segments.csv", "cn_services.csv"};

std::string first_lines(const std::string& text, int lines) {
  std::size_t end = 0;
  for (int i = 0; i < lines && end != std::string::npos; ++i) end = text.find('\n', end == 0 ? 0 : end + 1);
  return text.substr(0, end == std::string::npos ? end : end + 1);
}

std::array<PlanSource, 4> shipped(int lines) {
  std::array<PlanSource, 4> out;
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    const std::string name(kFiles[i]);
    const auto text =
        platform::read_file(platform::posix_files(), PANDUN_SOURCE_DIR "/content/numbering/" + name, 1U << 24);
    CHECK(text.ok());
    out[i] = {name, first_lines(*text, lines)};
  }
  return out;
}

constexpr std::array<std::string_view, 16> kNumbers{
    "+8613800138000", "13800138000", "0571-8888 8888", "8888888",       "10086",       "95588", "+8610086",
    "1064912345678",  "110",         "+4520123456",    "0045 20123456", "17951138001", "",      "+999999999",
    "400 810 1234",   "+86"};

void ask(const NumberingPlan& plan) {
  for (const std::string_view text : kNumbers) {
    for (const std::string_view area : {std::string_view(), std::string_view("571"), std::string_view("10")}) {
      NumberContext context;
      context.home_area = area;
      const PhoneFacts facts = plan.facts(plan.parse(text, context));
      CHECK(!name(facts.kind).empty());
    }
  }
  for (std::uint32_t five = 10'000; five < 100'000; five += 777) (void)plan.told_by_five(five);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array<PlanSource, 4> kShipped = shipped(12);
  static const NumberingPlan kWhole = [] {
    const auto all = shipped(100'000);
    auto plan = NumberingPlan::compile(all[0], all[1], all[2], all[3]);
    CHECK(plan.ok());
    return std::move(plan).value();
  }();
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t which = data[0] % 5;
  if (which == 4) {
    const auto groups = ProtectedGroups::parse("g.toml", text, kWhole);
    if (!groups.ok()) {
      CHECK(!groups.error().message.empty());
      return 0;
    }
    for (const std::string_view number : kNumbers) {
      const model::NumberKey key = kWhole.parse(number);
      CHECK(groups->protected_group(key).empty() == (groups->find(key) == nullptr));
    }
    return 0;
  }
  std::array<PlanSource, 4> sources = kShipped;
  sources[which].text = text;
  const auto plan = NumberingPlan::compile(sources[0], sources[1], sources[2], sources[3]);
  if (plan.ok()) ask(*plan);
  return 0;
}
