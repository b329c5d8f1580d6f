// Policies on rates: what the site does when a number calls too often, within limits that two people approved.
//
// Rule     a policy that warns needs nobody's approval; one that holds is refused without two different approvers, an
//          approval time, an expiry, a hold of at most 15 minutes and a bound of holds per hour. All start switched off.
// Format   content/decide/policies.toml: [[policy]], explained there.
// Errors   parse_policies(): kBadConfig with every fault as file:line:column.
// Threads  plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "decide/trunk.h"

namespace pandun::decide {

enum class Measured : std::uint8_t {
  kCallerSecond,
  kCallerMinute,
  kCallerHour,
  kCallerDistinct,  // different numbers reached within the hour
  kCalleeMinute,
  kCalleeHour,
  kCalleeDistinct,  // different numbers that called it within the hour
  kPairMinute,
  kPairHour,
};
inline constexpr std::size_t kMeasuredKinds = 9;
std::string_view name(Measured what);  // "caller_second", …

struct Policy {
  std::string id{}, title_zh{}, title_en{};
  bool enabled = false;
  Measured measure = Measured::kCallerMinute;
  std::uint32_t above = 0;  // acts when the count is greater
  bool calls = true, messages = false;
  Direction direction = Direction::kUnknown;  // kUnknown: any
  bool hold = false;                          // else warn
  std::uint32_t hold_s = 0;
  std::uint32_t holds_per_hour_max = 0;
  std::vector<std::string> approved_by{};
  WallMs approved_at{}, expires_at{};
};
inline constexpr std::uint32_t kHoldSecondsMax = 900;
inline constexpr std::size_t kPoliciesMax = 32;

Result<std::vector<Policy>> parse_policies(std::string_view file, std::string_view toml);

}  // namespace pandun::decide
