#include "decide/judge.h"

#include <algorithm>

#include "decide/number_list.h"

namespace pandun::decide {
namespace {

constexpr std::string_view kFromAbroadZh = "来自境外，谨防冒充", kFromAbroadEn = "from abroad; may be impersonated";
constexpr std::size_t kDigitsMax = 24;
constexpr std::uint64_t kBriefE164 =
    100'000'000'000;  // 86, an area and five digits are less; home's other numbers are more

// The digits of a presented number without its visual separators; empty when anything else stands in it.
struct Digits {
  char text[kDigitsMax];
  std::size_t size = 0;
  bool plus = false;
  std::string_view view() const { return {text, size}; }
};
Digits digits_of(std::string_view presented) {
  Digits out;
  for (std::size_t i = 0; i < presented.size(); ++i) {
    const char c = presented[i];
    if (c == '+' && out.size == 0) {
      out.plus = true;
    } else if (c >= '0' && c <= '9') {
      if (out.size == kDigitsMax) return {};
      out.text[out.size++] = c;
    } else if (c != '-' && c != '.' && c != ' ' && c != '(' && c != ')') {
      return {};
    }
  }
  return out;
}

}  // namespace

bool Judge::say(Verdict verdict, Reason reason) {
  a_.verdict = verdict;
  a_.reason = reason;
  if (verdict == Verdict::kReject) a_.redress_url = s_.settings().redress_base;
  return true;
}

bool Judge::say(const MeasureEntry& measure, Reason reason) {
  say(measure.verdict, reason);
  a_.measure = measure.measure;
  if (measure.verdict == Verdict::kWarn && !s_.settings().redress_base.empty()) {
    a_.redress_url = s_.settings().redress_base;
    a_.redress_url.append(measure.measure);
  }
  return true;
}

bool Judge::say(const NumberList& list, std::uint32_t row) {
  const ListKind kind = list.kind();
  say(kind == ListKind::kWarn ? Verdict::kWarn : Verdict::kReject,
      kind == ListKind::kDoNotOriginate ? Reason::kDoNotOriginate : Reason::kListEntry);
  a_.measure = list.manifest().name;
  char text[12] = {':'};
  std::size_t size = 1;
  for (std::uint32_t scale = 1'000'000'000; scale > 0; scale /= 10) {
    if (row >= scale || scale == 1) text[size++] = static_cast<char>('0' + row / scale % 10);
  }
  a_.measure.append({text, size});
  return true;
}

void Judge::gather() {
  const auto& lists = s_.settings().lists;
  if (!lists.empty()) list_hash_ = lists.front()->hash(q_.from);
  for (const auto& list : lists) list->prefetch(list_hash_);
  place();
  from_ = s_.find(q_.from);
  to_ = s_.find(q_.to);
  found_ = s_.finding(q_.from);
  a_.score = found_.score;
  r_.snapshot = s_.version();
  r_.direction = direction_;
}

void Judge::run_ending() {
  gather();
  if (emergency(from_, q_.from) || emergency(to_, q_.to)) {
    say(Verdict::kAllow, Reason::kEmergency);
  } else if ((to_.flags & kProtectedFlag) != 0 ||
             (s_.settings().notes != nullptr && s_.settings().notes->is_protected(q_.to))) {
    say(Verdict::kAllow, Reason::kProtected);
  } else if (!q_.from.known() || !order(Verdict::kReject)) {
    say(Verdict::kAllow, Reason::kClear);
  }
}

void Judge::run() {
  s_.prefetch(q_.from, q_.to);
  velocity_.prefetch(q_.from, q_.to);
  gather();
  const bool from_emergency = emergency(from_, q_.from);
  if (from_emergency || emergency(to_, q_.to)) {
    say(Verdict::kAllow, Reason::kEmergency);
    if (from_emergency && direction_ == Direction::kInternationalIn) {
      a_.label_zh = kFromAbroadZh;
      a_.label_en = kFromAbroadEn;
    }
    return;
  }
  if (!decided()) say(Verdict::kAllow, Reason::kClear);
  label();
}

// The site's list, and whatever the plan knows to be one: 999, or 96110 behind an area code. Who has a long number is not asked.
bool Judge::emergency(const Known& known, model::NumberKey number) const {
  if ((known.flags & kEmergencyFlag) != 0) return true;
  const bool brief = number.kind() == model::NumberKind::kService ||
                     (number.kind() == model::NumberKind::kE164 && number.value() < kBriefE164);
  return brief && s_.settings().notes != nullptr && s_.settings().notes->is_emergency(number);
}

void Judge::place() {
  trunk_ = s_.trunk(q_.route);
  direction_ = q_.direction;
  if (direction_ == Direction::kUnknown && trunk_ != nullptr) direction_ = trunk_->direction;
  if (direction_ == Direction::kUnknown && q_.international) direction_ = Direction::kInternationalIn;
}

bool Judge::decided() {
  if (q_.rehearsal) {
    r_.rates = velocity_.look(q_.from, q_.to, q_.at);
    return certain() || hold() || order(Verdict::kWarn) || finding();
  }
  const Velocity::Reserved reserved = velocity_.reserve(q_.from, q_.to, q_.at);
  const bool sure = certain();
  // A call that is held does not count towards the next hold.
  held_ = velocity_.held(reserved);
  r_.rates = held_.held ? velocity_.look(q_.from, q_.to, q_.at) : velocity_.count(reserved);
  return sure || hold() || order(Verdict::kWarn) || finding();
}

// What needs no counting.
bool Judge::certain() {
  if (choice_of_callee()) return true;
  if (!q_.from.known()) return say(Verdict::kAllow, Reason::kNumberWithheld);
  return fact() || order(Verdict::kReject);
}

bool Judge::choice_of_callee() {
  if (s_.blocks(to_, q_.to, q_.from)) return say(Verdict::kReject, Reason::kBlockedByCallee);
  const std::uint8_t wanted = message_ ? kNoMessagesFromAbroad : kNoCallsFromAbroad;
  if ((to_.choices & wanted) == 0) return false;
  const bool withheld_from_abroad = !q_.from.known() && direction_ == Direction::kInternationalIn;
  if (!withheld_from_abroad && !s_.foreign(q_.from)) return false;
  return say(Verdict::kReject, Reason::kCalleeBlocksAbroad);
}

bool Judge::fact() {
  if (q_.from.kind() == model::NumberKind::kInvalid) return say(Verdict::kReject, Reason::kNumberCannotExist);
  if (fact_of_form() || fact_of_trunk()) return true;
  if (q_.identity_refused) return say(Verdict::kReject, Reason::kIdentityRequired);
  const bool from_outside = direction_ == Direction::kInternationalIn || direction_ == Direction::kInterNetwork;
  if (from_outside && q_.from == q_.to && !q_.diverted_by.known() && q_.from.kind() == model::NumberKind::kE164)
    return say(Verdict::kReject, Reason::kOwnNumber);
  for (const auto& list : s_.settings().lists) {
    if (list->kind() != ListKind::kDoNotOriginate) continue;
    if (const NumberList::Hit hit = list->find_hash(list_hash_, q_.at); hit.found) return say(*list, hit.row);
  }
  return false;
}

bool Judge::fact_of_form() {
  if (q_.from_text.empty()) return false;
  const Digits digits = digits_of(q_.from_text);
  if (digits.size >= 3 && digits.view().find_first_not_of('0') == std::string_view::npos)
    return say(Verdict::kReject, Reason::kNumberCannotExist);
  if (direction_ == Direction::kUnknown || direction_ == Direction::kIntraNetwork || digits.plus) return false;
  for (const FalseForm& form : s_.settings().false_forms) {
    if (form.direction == direction_ && !form.prefix.empty() && digits.view().starts_with(form.prefix))
      return say(Verdict::kReject, Reason::kCallerFormImpossible);
  }
  return false;
}

bool Judge::fact_of_trunk() {
  if (direction_ != Direction::kInternationalIn) return false;
  const NumberSort sort = caller_note().sort;
  if (sort == NumberSort::kDomesticFixed || sort == NumberSort::kDomesticService)
    return say(Verdict::kReject, Reason::kInternationalTrunkDomesticCaller);
  if (sort != NumberSort::kDomesticMobile) return false;
  Roaming roaming = Roaming::kUnknown;
  if (s_.settings().roaming != nullptr) roaming = s_.settings().roaming->roaming(q_.from, q_.at);
  for (const auto& list : s_.settings().lists) {
    if (roaming != Roaming::kUnknown) break;
    if (list->kind() == ListKind::kRoaming && list->in_force(q_.at))
      roaming = on_list(ListKind::kRoaming) ? Roaming::kAbroad : Roaming::kAtHome;
  }
  roaming_ = roaming;
  return roaming == Roaming::kAtHome && say(Verdict::kReject, Reason::kInternationalTrunkNotRoaming);
}

bool Judge::order(Verdict wanted) {
  const MeasureEntry* measure = Snapshot::measure(from_, q_.at);
  if (measure != nullptr && measure->verdict == wanted) return say(*measure, Reason::kMeasureInForce);
  bool via_counts = false;
  if (q_.diverted_by.known()) {
    const Known via = s_.find(q_.diverted_by);
    via_counts = !emergency(via, q_.diverted_by);
    measure = via_counts ? Snapshot::measure(via, q_.at) : nullptr;
    if (measure != nullptr && measure->verdict == wanted) return say(*measure, Reason::kDivertingMeasureInForce);
  }
  const ListKind kind = wanted == Verdict::kReject ? ListKind::kReject : ListKind::kWarn;
  for (const auto& list : s_.settings().lists) {
    if (list->kind() != kind) continue;
    if (const NumberList::Hit hit = list->find_hash(list_hash_, q_.at); hit.found) return say(*list, hit.row);
    if (!via_counts) continue;
    if (const NumberList::Hit hit = list->find_hash(list->hash(q_.diverted_by), q_.at); hit.found) {
      say(*list, hit.row);
      a_.reason = Reason::kDivertingMeasureInForce;
      return true;
    }
  }
  return false;
}

bool Judge::applies(const Policy& policy) const {
  return policy.enabled && (message_ ? policy.messages : policy.calls) &&
         (policy.direction == Direction::kUnknown || policy.direction == direction_) &&
         (policy.expires_at.ms == 0 || q_.at < policy.expires_at);
}

// Whoever cannot be told from a spoofer is never held: the hold would hit the number's true owner.
bool Judge::hold() {
  const std::vector<Policy>& policies = s_.settings().policies;
  if (policies.empty()) return false;
  const bool believed = q_.trusted || (trunk_ != nullptr && trunk_->trusted) || q_.identity == Identity::kFullA;
  if (!believed || q_.identity == Identity::kFailed) return false;
  if (q_.rehearsal) held_ = velocity_.held(q_.from, q_.at);
  if (held_.held && held_.policy < policies.size()) {
    const Policy& policy = policies[held_.policy];
    if (!policy.hold || !applies(policy) || protected_caller()) return false;
    a_.measure = policy.id;
    return say(Verdict::kReject, Reason::kPolicyHold);
  }
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const Policy& policy = policies[i];
    if (policy.hold && applies(policy) && r_.rates[static_cast<std::size_t>(policy.measure)] > policy.above &&
        !protected_caller() && start_hold(policy, i))
      return true;
  }
  return false;
}

bool Judge::start_hold(const Policy& policy, std::size_t index) {
  const auto hour = static_cast<std::uint64_t>(std::max<std::int64_t>(q_.at.ms, 0) / 3'600'000) & UINT32_MAX;
  std::uint64_t seen = holds_[index].load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t held = seen >> 32 == hour ? seen & UINT32_MAX : 0;
    if (held >= policy.holds_per_hour_max) return false;
    if (q_.rehearsal) break;
    if (holds_[index].compare_exchange_weak(seen, hour << 32 | (held + 1), std::memory_order_relaxed)) break;
  }
  if (!q_.rehearsal) {
    const std::int64_t seconds = std::min(policy.hold_s, kHoldSecondsMax);
    velocity_.hold(q_.from, WallMs{q_.at.ms + seconds * 1000}, static_cast<std::uint8_t>(index));
  }
  a_.measure = policy.id;
  return say(Verdict::kReject, Reason::kPolicyHold);
}

bool Judge::on_list(ListKind kind) const {
  for (const auto& list : s_.settings().lists) {
    if (list->kind() == kind && list->find_hash(list_hash_, q_.at).found) return true;
  }
  return false;
}

bool Judge::protected_caller() {
  if ((from_.flags & kProtectedFlag) != 0) return true;
  if (s_.settings().notes != nullptr && s_.settings().notes->is_protected(q_.from)) return true;
  return on_list(ListKind::kProtected);
}

bool Judge::finding() {
  const SnapshotInput& settings = s_.settings();
  Reason reason = Reason::kClear;
  const auto propose = [&](bool holds, Reason what) {
    if (holds && reason == Reason::kClear) reason = what;
  };
  propose(settings.warn_on_alert && found_.alerted, Reason::kAlertOpen);
  const Policy* exceeded = nullptr;
  for (const Policy& policy : settings.policies) {
    if (exceeded == nullptr && applies(policy) && r_.rates[static_cast<std::size_t>(policy.measure)] > policy.above)
      exceeded = &policy;
  }
  propose(exceeded != nullptr, Reason::kPolicyWarn);
  propose(settings.warn_at_score != 0 && found_.score >= settings.warn_at_score, Reason::kScore);
  propose(info(from_.label).warns, Reason::kLabelled);
  propose(settings.warn_roaming_unknown && direction_ == Direction::kInternationalIn &&
              caller_note().sort == NumberSort::kDomesticMobile && roaming_ == Roaming::kUnknown,
          Reason::kRoamingUnknown);
  propose(q_.identity == Identity::kFailed, Reason::kIdentityFailed);
  propose(settings.foreign_reminder && s_.foreign(q_.from), Reason::kForeignCaller);
  if (reason == Reason::kClear) return false;
  if (protected_caller()) return say(Verdict::kAllow, Reason::kProtected);
  if (reason == Reason::kPolicyWarn) a_.measure = exceeded->id;
  return say(Verdict::kWarn, reason);
}

const NumberNote& Judge::caller_note() {
  if (!noted_) note_ = s_.note(q_.from);
  noted_ = true;
  return note_;
}

// Country or region of a caller from abroad, then the mark it bears.
void Judge::label() {
  if (!q_.from.known()) return;
  const LabelInfo& mark = info(from_.label);
  if (s_.foreign(q_.from)) {
    a_.label_zh = caller_note().place_zh;
    a_.label_en = caller_note().place_en;
  }
  if (from_.label == Label::kNone) return;
  if (!a_.label_zh.empty()) a_.label_zh.append(" · ");
  if (!a_.label_en.empty()) a_.label_en.append(" · ");
  a_.label_zh.append(mark.zh);
  a_.label_en.append(mark.en);
}

}  // namespace pandun::decide
