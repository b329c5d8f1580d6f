// Any bytes as an indicator list: never a crash, every line accounted for, every accepted indicator matches itself.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "intel/canonical.h"
#include "intel/library.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  intel::ReadReport report;
  const auto list = intel::read_indicator_list("fuzz", text, {}, report);
  if (!list.ok()) return 0;
  const auto again = intel::IndicatorList::load((*list)->save(), "fuzz");
  CHECK(again.ok() && again->rows().size() == (*list)->rows().size());
  const auto matcher = intel::Matcher::build({*list}, nullptr, {});
  for (const intel::IndicatorList::Row& row : (*list)->rows()) {
    const auto value = (*list)->value(row);
    if (row.type == intel::IndicatorType::kDomain) CHECK(matcher->domain(value) != nullptr);
    if (row.type == intel::IndicatorType::kFileHash) CHECK(matcher->hash(value) != nullptr);
    if (row.type == intel::IndicatorType::kIp) CHECK(matcher->address(intel::parse_range(value)->first) != nullptr);
    if (row.type == intel::IndicatorType::kUrl) CHECK(matcher->exact(row.type, value) != nullptr);
  }
  return 0;
}
