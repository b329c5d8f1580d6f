// The words of an answer: verdict, reason, and what kind of ground the reason is.
//
// Rule     only kFact, kMeasure, kCallee and kPolicy may reject; kFinding warns at most (safeguard 7). Keep the kinds apart in
//          codes, statistics and appeals: the law treats a fact and an analysis differently.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pandun::decide {

enum class Verdict : std::uint8_t { kAllow, kWarn, kReject };
std::string_view name(Verdict verdict);  // "allow", "warn", "reject"

// Names are the API's: the enumerator in snake_case. docs/decisions_at_the_switch.md explains each.
enum class Reason : std::uint8_t {
  kClear,
  kNoSnapshot,
  kNumberWithheld,
  kEmergency,
  kProtected,
  kMeasureInForce,
  kNumberCannotExist,
  kInternationalTrunkDomesticCaller,
  kBlockedByCallee,
  kAlertOpen,
  kCalleeBlocksAbroad,
  kInternationalTrunkNotRoaming,
  kCallerFormImpossible,
  kOwnNumber,
  kDoNotOriginate,
  kListEntry,
  kDivertingMeasureInForce,
  kPolicyHold,
  kPolicyWarn,
  kScore,
  kLabelled,
  kRoamingUnknown,
  kIdentityFailed,
  kForeignCaller,
  kDeadline,          // a door's own: it could not wait, and let the call pass
  kIdentityRequired,  // a door's own: its trunk takes signed callers only
};
inline constexpr std::size_t kReasons = 26;

enum class Basis : std::uint8_t {
  kNone,     // nothing speaks against it, or it may not be touched, or we do not know
  kFact,     // true whatever anybody thinks of the caller
  kMeasure,  // two people approved it, with ground, notice and appeal
  kCallee,   // the called person's own choice
  kPolicy,   // a brief hold under a policy that two people approved
  kFinding,  // alerts, scores, labels, counters: a warning at most
};
std::string_view name(Basis basis);

struct ReasonInfo {
  std::string_view name, zh, en;
  Basis basis = Basis::kNone;
};
const ReasonInfo& info(Reason reason);
std::string_view name(Reason reason);
std::optional<Reason> parse_reason(std::string_view text);

}  // namespace pandun::decide
