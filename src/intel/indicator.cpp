#include "intel/indicator.h"

#include <algorithm>
#include <array>

namespace pandun::intel {
namespace {
constexpr std::array<std::string_view, kIndicatorTypes> kTypeNames = {
    "ip", "network", "domain", "url", "file_hash", "certificate", "mail", "number", "package"};
constexpr std::array<std::string_view, 5> kMarkingNames = {"clear", "green", "amber", "amber+strict", "red"};
}  // namespace

std::string_view name(IndicatorType type) {
  return kTypeNames[static_cast<std::size_t>(type)];
}
std::string_view name(Marking marking) {
  return kMarkingNames[static_cast<std::size_t>(marking)];
}

std::optional<Marking> parse_marking(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::string_view word = lower;
  if (word.substr(0, 4) == "tlp:") word.remove_prefix(4);
  if (word == "white") return Marking::kClear;  // TLP 1.0's word
  for (std::size_t i = 0; i < kMarkingNames.size(); ++i)
    if (word == kMarkingNames[i]) return static_cast<Marking>(i);
  return std::nullopt;
}

}  // namespace pandun::intel
