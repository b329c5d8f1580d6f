// What the decision room is told: measures, facts, choices of the called, findings. `server` gathers it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "decide/policy.h"
#include "decide/reasons.h"
#include "decide/trunk.h"
#include "model/number.h"

namespace pandun::decide {

class NumberList;  // decide/number_list.h

// An approved measure in force, for one number.
struct MeasureEntry {
  model::NumberKey number;
  Verdict verdict = Verdict::kWarn;  // what the measure orders: warn or reject
  WallMs expires;                    // from here on it does not apply
  std::string measure;               // its id, told to the switch and to the appeal desk; at most 63 bytes
};

struct CalleeBlock {
  model::NumberKey callee, caller;
};

// What a subscriber asked for (按需关闭): bits.
enum Choice : std::uint8_t { kNoCallsFromAbroad = 1, kNoMessagesFromAbroad = 2 };
struct CalleeChoice {
  model::NumberKey callee;
  std::uint8_t choices = 0;
};

// A mark shown to the called person (标记). The list is closed: what a caller does for a living or is suspected of, nothing else.
enum class Label : std::uint8_t {
  kNone,
  kSuspectedFraud,
  kHarassment,
  kTelemarketing,
  kAgency,
  kCourier,
  kDelivery,
  kTaxi,
  kCustomerService,
  kPublicService,
};
inline constexpr std::size_t kLabels = 10;
struct LabelInfo {
  std::string_view name, zh, en;
  bool warns = false;
};
const LabelInfo& info(Label label);
std::optional<Label> parse_label(std::string_view name);

struct NumberLabel {
  model::NumberKey number;
  Label label = Label::kNone;
};
struct NumberScore {
  model::NumberKey number;
  std::uint8_t score = 0;  // 0..100
};

// What software found, without a person: it may warn, never reject.
struct Findings {
  std::vector<NumberScore> scores{};
  std::vector<model::NumberKey> alerted{};
};

// What is publicly known of a number. Texts must live as long as the port.
enum class NumberSort : std::uint8_t { kUnknown, kDomesticMobile, kDomesticFixed, kDomesticService, kForeign };
struct NumberNote {
  NumberSort sort = NumberSort::kUnknown;
  std::string_view place_zh{}, place_en{};  // country or region
};
class NumberNotes {
 public:
  virtual ~NumberNotes() = default;
  virtual NumberNote note(model::NumberKey number) const = 0;
  virtual bool is_protected(model::NumberKey number) const = 0;  // hospitals, couriers…
  // One of the plan's emergency numbers, or of the site's list behind an area code. Asked of short numbers only.
  virtual bool is_emergency(model::NumberKey number) const = 0;
};

// Is this mobile abroad just now? The home register knows; kUnknown lets the call pass.
enum class Roaming : std::uint8_t { kUnknown, kAbroad, kAtHome };
class RoamingPort {
 public:
  virtual ~RoamingPort() = default;
  virtual Roaming roaming(model::NumberKey number, WallMs at) const = 0;
};

// Order does not matter; of two measures for one number the stricter wins. Ports must outlive the decider.
struct SnapshotInput {
  std::vector<MeasureEntry> measures{};
  std::vector<model::NumberKey> emergency{};  // 110, 119, 120, 122, 12110… : neither caller nor callee is ever touched
  std::vector<model::NumberKey> protected_{};  // hospitals, couriers…: never warned about because of a mere finding
  std::vector<model::NumberKey> alerted{};     // with an open alert; used only if warn_on_alert
  std::vector<CalleeBlock> callee_blocks{};
  std::vector<std::string> international_trunks{};
  std::uint64_t home_country_code = 86;
  bool warn_on_alert = false;
  std::string redress_base{};  // "https://…/appeal/"; the measure's or the decision's id is appended

  std::vector<CalleeChoice> callee_choices{};
  std::vector<NumberLabel> labels{};
  std::vector<NumberScore> scores{};
  std::vector<Trunk> trunks{};
  std::vector<FalseForm> false_forms{};
  std::vector<Policy> policies{};  // at most kPoliciesMax
  std::vector<std::shared_ptr<const NumberList>> lists{};
  const NumberNotes* notes = nullptr;
  const RoamingPort* roaming = nullptr;
  bool foreign_reminder = false;     // warn with country or region when the caller is from abroad
  bool warn_roaming_unknown = true;  // a domestic mobile from abroad that nobody can vouch for
  std::uint8_t warn_at_score = 0;    // 0: scores are shown, never warned about
};

// What changed since; each entry replaces everything of its kind known of its number.
struct Change {
  struct Measures {
    model::NumberKey number;
    std::vector<MeasureEntry> entries{};  // empty: lifted
  };
  struct Callee {
    model::NumberKey callee;
    std::uint8_t choices = 0;
    std::vector<model::NumberKey> blocked{};
  };
  std::vector<Measures> measures{};
  std::vector<Callee> callees{};
  std::vector<NumberLabel> labels{};  // Label::kNone: none any more
  bool empty() const { return measures.empty() && callees.empty() && labels.empty(); }
};

}  // namespace pandun::decide
