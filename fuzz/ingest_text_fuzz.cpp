// Any text as a number, a name, a host and a reject's excerpt: no crash, canonical forms are fixed points, no telephone number
// leaves an excerpt.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ingest/domains.h"
#include "ingest/rejects.h"
#include "registry/numbering_plan.h"

using namespace pandun;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

void numbers(std::string_view text) {
  static const registry::NumberingPlan plan =
      std::move(registry::NumberingPlan::load(platform::posix_files(), PANDUN_SOURCE_DIR "/content/numbering")).value();
  for (const std::uint16_t home : {std::uint16_t{86}, std::uint16_t{45}, std::uint16_t{999}}) {
    registry::NumberContext context;
    context.home_country = home;
    const model::NumberKey key = plan.parse(text, context);
    (void)plan.facts(key);
    const bool number = key.kind() == model::NumberKind::kE164 || key.kind() == model::NumberKind::kService;
    if (home == 86 && number) expect(plan.parse(key.text()) == key);
  }
}

void names(std::string_view text) {
  static ingest::Domains domains = std::move(ingest::Domains::open()).value();
  model::Arena arena;
  for (const bool host : {false, true}) {
    const ingest::NormalName first = host ? domains.host(text, arena) : domains.name(text, arena);
    expect(first.name.ends_with(first.registrable));
    if (first.registrable.empty()) continue;
    const ingest::NormalName second = domains.name(first.name, arena);
    expect(second.name == first.name && second.registrable == first.registrable);
  }
}

void excerpts(std::string_view text) {
  const std::string masked = ingest::mask_digits(text);
  expect(masked.size() <= 160);
  int run = 0;
  for (std::size_t i = 0; i < masked.size(); ++i) {
    run = masked[i] >= '0' && masked[i] <= '9' ? run + 1 : 0;
    expect(run < 5);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  numbers(text);
  names(text);
  excerpts(text);
  return 0;
}
