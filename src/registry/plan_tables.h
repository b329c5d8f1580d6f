// What the plan's files compile to: rows, and flat tables that find them by leading digits.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "registry/numbering_plan.h"

namespace pandun::registry {

struct CountryRow {
  std::string prefix;  // longer than the calling code where several countries share it
  std::uint16_t code = 0;
  std::uint8_t code_digits = 0, min = 0, max = 0;
  std::string iso, zh, en;
  bool unverified = false;
};

struct AreaRow {
  std::string code, province, province_zh, province_en, region_zh, region_en;
  bool unverified = false;
};

enum class RuleKind : std::uint8_t {
  kMobile,
  kMobileVirtual,
  kIot,
  kSatellite,
  kArea,
  kEmergency,
  kShort,
  kService,
  kTollFree,
  kDialPrefix,
};

struct Rule {
  std::uint64_t prefix = 0;       // leading digits as one integer
  std::uint8_t digits = 0;        // how many
  std::uint8_t min = 0, max = 0;  // of the whole national number
  RuleKind kind{};
  std::uint16_t area = 0;  // index, for kArea
  std::string prefix_text, carrier, zh, en;
  bool unverified = false;
};

inline constexpr std::uint16_t kNoRow = 0xffff;

struct NumberingPlan::Tables {
  static constexpr std::size_t kCountryDigits = 4, kRuleDigits = 5;

  std::vector<CountryRow> country_rows;
  std::vector<std::uint16_t> long_countries;       // rows whose prefix is longer than kCountryDigits, longest first
  std::array<std::uint16_t, 10'000> by_country{};  // by the first four digits of the E.164 form
  std::vector<AreaRow> area_rows;
  std::vector<Rule> rules;
  std::vector<std::uint16_t> chains;   // lists of rules, longest prefix first, each ended by kNoRow
  std::vector<std::uint16_t> by_rule;  // by the first five digits of the national number: start in chains

  const CountryRow* country(std::string_view e164) const;  // null: no such calling code
  const CountryRow* home_row(std::uint16_t code) const;    // the first row of a calling code
  const std::uint16_t* chain(std::string_view national) const;
};

// The number formed by the first `count` digits of `text`, as if zeros stood behind its end.
inline std::uint32_t leading(std::string_view text, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = value * 10 + (i < text.size() ? static_cast<std::uint32_t>(text[i] - '0') : 0);
  return value;
}

}  // namespace pandun::registry
