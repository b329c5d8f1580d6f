#include "learn/derived.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/toml.h"

namespace pandun::learn {
namespace {

float one(const Derived& derived, const float* inputs, std::size_t count) {
  if (derived.kind == DerivedKind::kMissingCount) {
    int missing = 0;
    for (std::size_t i = 0; i < count; ++i) missing += std::isnan(inputs[i]) ? 1 : 0;
    return static_cast<float>(missing);
  }
  const float a = inputs[derived.a], b = inputs[derived.b];
  const float out = derived.kind == DerivedKind::kRatio ? (b == 0 ? std::numeric_limits<float>::quiet_NaN() : a / b)
                    : derived.kind == DerivedKind::kDifference ? a - b
                                                               : a + b;
  return std::isfinite(out) ? out : std::numeric_limits<float>::quiet_NaN();
}

std::string place(const std::string& where, const toml::node& node) {
  const auto& at = node.source().begin;
  return where + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

}  // namespace

void derive(const std::vector<Derived>& derived, const float* inputs, std::size_t count, float* out) {
  for (std::size_t i = 0; i < derived.size(); ++i) out[i] = one(derived[i], inputs, count);
}

Result<std::vector<Derived>> read_derived(std::string_view text, const std::string& where,
                                          const std::vector<std::string>& inputs) {
  toml::table root;
  if (const auto fault = read_toml(text, where, root))
    return error(Errc::kBadConfig, where + ":" + std::to_string(fault->line) + ":" + std::to_string(fault->column),
                 fault->message);
  std::vector<Derived> out;
  const toml::array* list = root["derived"].as_array();
  if (list == nullptr) return error(Errc::kBadConfig, where, "holds no [[derived]] entry");
  std::set<std::string> names(inputs.begin(), inputs.end());
  for (const toml::node& node : *list) {
    const toml::table* entry = node.as_table();
    if (entry == nullptr) return error(Errc::kBadConfig, place(where, node), "an entry that is no table");
    for (const auto& [key, value] : *entry)
      if (key != "name" && key != "kind" && key != "a" && key != "b")
        return error(Errc::kBadConfig, place(where, value),
                     "unknown key '" + std::string(key.str()) + "'; name, kind, a, b");
    Derived made;
    made.name = (*entry)["name"].value_or(std::string());
    const auto kind = parse_derived_kind((*entry)["kind"].value_or(std::string()));
    if (!kind) return error(Errc::kBadConfig, place(where, node), "kind is ratio, difference, sum or missing_count");
    if (made.name.empty() || !names.insert(made.name).second)
      return error(Errc::kBadConfig, place(where, node), "the name '" + made.name + "' is empty or taken");
    made.kind = *kind;
    if (made.kind != DerivedKind::kMissingCount)
      for (const auto& [key, to] : {std::pair{"a", &made.a}, {"b", &made.b}}) {
        const std::string column = (*entry)[key].value_or(std::string());
        const auto found = std::find(inputs.begin(), inputs.end(), column);
        if (found == inputs.end())
          return error(Errc::kBadConfig, place(where, node), "the table has no column '" + column + "'");
        *to = static_cast<std::uint32_t>(found - inputs.begin());
      }
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace pandun::learn
