#include "decide/decider.h"

#include <array>

#include "base/check.h"
#include "decide/snapshot.h"

namespace pandun::decide {
namespace {

constexpr std::array<std::string_view, 3> kVerdicts{"allow", "warn", "reject"};
constexpr std::array<std::string_view, kReasons> kReasonNames{"clear",
                                                              "no_snapshot",
                                                              "number_withheld",
                                                              "emergency",
                                                              "protected",
                                                              "measure_in_force",
                                                              "number_cannot_exist",
                                                              "international_trunk_domestic_caller",
                                                              "blocked_by_callee",
                                                              "alert_open"};

Answer of(Verdict verdict, Reason reason) {
  return {verdict, reason, {}, {}};
}

Answer of(const MeasureEntry& measure, const Snapshot& snapshot) {
  Answer answer = of(measure.verdict, Reason::kMeasureInForce);
  answer.measure = measure.measure;
  if (!snapshot.redress_base().empty()) answer.redress_url = snapshot.redress_base() + measure.measure;
  return answer;
}

// Facts first, then people's decisions, then findings that may only warn.
Answer answer_from(const Snapshot& s, const Question& q) {
  const Snapshot::Slot& from = s.find(q.from);
  const Snapshot::Slot& to = s.find(q.to);
  if (((from.flags | to.flags) & Snapshot::kEmergencyFlag) != 0) return of(Verdict::kAllow, Reason::kEmergency);
  if ((to.flags & Snapshot::kBlocksFlag) != 0 && s.blocks(q.to, q.from)) {
    return of(Verdict::kReject, Reason::kBlockedByCallee);
  }
  if (!q.from.known()) return of(Verdict::kAllow, Reason::kNumberWithheld);
  if (q.from.kind() == model::NumberKind::kInvalid) return of(Verdict::kReject, Reason::kNumberCannotExist);
  if (const MeasureEntry* measure = s.measure(from, q.at)) return of(*measure, s);
  if ((q.international || s.international(q.route)) && s.domestic_fixed_line(q.from)) {
    return of(Verdict::kReject, Reason::kInternationalTrunkDomesticCaller);
  }
  if (s.warn_on_alert() && (from.flags & Snapshot::kAlertedFlag) != 0) {
    if ((from.flags & Snapshot::kProtectedFlag) != 0) return of(Verdict::kAllow, Reason::kProtected);
    return of(Verdict::kWarn, Reason::kAlertOpen);
  }
  return of(Verdict::kAllow, Reason::kClear);
}

}  // namespace

std::string_view name(Verdict verdict) {
  return kVerdicts[static_cast<std::size_t>(verdict)];
}
std::string_view name(Reason reason) {
  return kReasonNames[static_cast<std::size_t>(reason)];
}

Decider::Decider() = default;
Decider::~Decider() = default;

void Decider::publish(SnapshotInput input) {
  auto fresh = std::make_unique<const Snapshot>(std::move(input));
  measures_.store(fresh->measures(), std::memory_order_relaxed);
  snapshot_.replace(std::move(fresh));
  snapshots_.fetch_add(1, std::memory_order_relaxed);
}

Answer Decider::decide(const Question& question) const {
  const Answer answer = snapshot_.read([&](const Snapshot* snapshot) {
    return snapshot == nullptr ? of(Verdict::kAllow, Reason::kNoSnapshot) : answer_from(*snapshot, question);
  });
  by_verdict_[static_cast<std::size_t>(answer.verdict)].fetch_add(1, std::memory_order_relaxed);
  by_reason_[static_cast<std::size_t>(answer.reason)].fetch_add(1, std::memory_order_relaxed);
  return answer;
}

Decider::Figures Decider::figures() const {
  Figures out;
  for (std::size_t i = 0; i < 3; ++i) out.by_verdict[i] = by_verdict_[i].load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kReasons; ++i) out.by_reason[i] = by_reason_[i].load(std::memory_order_relaxed);
  out.measures = measures_.load(std::memory_order_relaxed);
  out.snapshots = snapshots_.load(std::memory_order_relaxed);
  return out;
}

}  // namespace pandun::decide
