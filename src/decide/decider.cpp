#include "decide/decider.h"

#include <algorithm>

#include "decide/judge.h"
#include "decide/number_list.h"
#include "decide/record_ring.h"
#include "decide/snapshot.h"

namespace pandun::decide {
namespace {

constexpr std::size_t kOverlayMin = 1024;  // below it, working patches into the base is never worth it
constexpr std::string_view kHex = "0123456789abcdef";

std::size_t stripe() {
  static thread_local const char here = 0;  // its address tells threads apart
  return reinterpret_cast<std::uintptr_t>(&here) >> 12;
}

}  // namespace

FixedText<18> decision_id(std::uint64_t id) {
  char text[18] = {'d', '-'};
  for (std::size_t i = 0; i < 16; ++i) text[2 + i] = kHex[id >> (60 - 4 * i) & 0xF];
  return std::string_view(text, sizeof text);
}

std::optional<std::uint64_t> parse_decision_id(std::string_view text) {
  if (text.size() != 18 || !text.starts_with("d-")) return std::nullopt;
  std::uint64_t id = 0;
  for (const char c : text.substr(2)) {
    const std::size_t digit = kHex.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    id = id << 4 | digit;
  }
  return id;
}

Decider::Decider() : Decider(DeciderLimits{}) {}

Decider::Decider(const DeciderLimits& limits)
    : findings_(std::make_shared<const FindingTable>(Findings{})),
      velocity_(std::make_unique<Velocity>(limits.callers, limits.pairs)),
      ring_(std::make_unique<RecordRing>(limits.records)),
      first_id_(limits.first_id) {}

Decider::~Decider() = default;

void Decider::put(std::shared_ptr<const Base> base, std::shared_ptr<const FindingTable> findings, Patches patches) {
  base_ = std::move(base);
  findings_ = std::move(findings);
  patches_ = std::move(patches);
  const std::uint64_t version = version_.load(std::memory_order_relaxed) + 1;
  snapshot_.replace(std::make_unique<const Snapshot>(base_, findings_, patches_, version));
  version_.store(version, std::memory_order_relaxed);
  measures_.store(base_->input().measures.size(), std::memory_order_relaxed);
  overlay_.store(patches_.size(), std::memory_order_relaxed);
}

void Decider::publish(SnapshotInput input) {
  const std::scoped_lock lock(publishing_);
  auto findings = std::make_shared<const FindingTable>(Findings{std::move(input.scores), std::move(input.alerted)});
  auto base = std::make_shared<const Base>(std::move(input));
  put(std::move(base), std::move(findings), {});
  snapshots_.fetch_add(1, std::memory_order_relaxed);
}

void Decider::publish_findings(const Findings& findings) {
  const std::scoped_lock lock(publishing_);
  auto fresh = std::make_shared<const FindingTable>(findings);
  if (base_ == nullptr) {
    findings_ = std::move(fresh);
  } else {
    put(base_, std::move(fresh), patches_);
  }
}

void Decider::change(Change change) {
  const std::scoped_lock lock(publishing_);
  if (base_ == nullptr || change.empty()) return;
  Patches patches = merge(patches_, std::move(change));
  if (patches.size() <= std::max(kOverlayMin, base_->numbers() / 64)) return put(base_, findings_, std::move(patches));
  put(base_, findings_, patches);  // at once; the rebuild may take a while
  put(std::make_shared<const Base>(flatten(*base_, patches)), findings_, {});
}

Answer Decider::decide(const Question& question, bool message) const {
  Answer answer;
  DecisionRecord record;
  ring_->prefetch();
  snapshot_.read([&](const Snapshot* snapshot) {
    if (snapshot == nullptr) {
      answer.reason = Reason::kNoSnapshot;
      return;
    }
    Judge judge(*snapshot, *velocity_, holds_, question, message, answer, record);
    judge.run();
  });
  finish(question, message, answer, record);
  return answer;
}

void Decider::prefetch(model::NumberKey from, model::NumberKey to) const {
  velocity_->prefetch(from, to);
  snapshot_.read([&](const Snapshot* snapshot) {
    if (snapshot == nullptr) return;
    snapshot->prefetch(from, to);
    const auto& lists = snapshot->settings().lists;
    if (lists.empty()) return;
    const std::uint64_t hash = lists.front()->hash(from);
    for (const auto& list : lists) list->prefetch(hash);
  });
}

void Decider::offer_turn(std::size_t least) const {
  ring_->ask(least);
}

bool Decider::turn_due(std::size_t least) const {
  return ring_->waiting() >= least;
}

Answer Decider::let_pass(const Question& question) const {
  Answer answer;
  DecisionRecord record;
  answer.reason = Reason::kDeadline;
  finish(question, false, answer, record);
  return answer;
}

Answer Decider::judge_ending(const Question& question, DecisionRecord& record) const {
  Answer answer;
  snapshot_.read([&](const Snapshot* snapshot) {
    if (snapshot == nullptr) {
      answer.reason = Reason::kNoSnapshot;
      return;
    }
    Judge judge(*snapshot, *velocity_, holds_, question, false, answer, record);
    judge.run_ending();
  });
  return answer;
}

bool Decider::ends_call(const Question& question) const {
  DecisionRecord record;
  return judge_ending(question, record).verdict == Verdict::kReject;
}

Answer Decider::end_call(const Question& question) const {
  DecisionRecord record;
  Answer answer = judge_ending(question, record);
  if (answer.verdict != Verdict::kReject) return answer;
  record.ending = true;
  if (!write_down(question, answer, record)) answer.id = 0;
  return answer;
}

void Decider::finish(const Question& q, bool message, Answer& answer, DecisionRecord& record) const {
  if (q.rehearsal) return;
  Counts& mine = counts_[stripe() % kStripes];
  mine.by_verdict[static_cast<std::size_t>(answer.verdict)].fetch_add(1, std::memory_order_relaxed);
  mine.by_reason[static_cast<std::size_t>(answer.reason)].fetch_add(1, std::memory_order_relaxed);
  record.message = message;
  write_down(q, answer, record);
}

bool Decider::write_down(const Question& q, Answer& answer, DecisionRecord& record) const {
  const std::int64_t second = std::clamp<std::int64_t>(q.at.ms / 1000, 0, UINT32_MAX);
  // Every stripe has ids of its own: threads do not wait for one another's.
  const std::size_t own = stripe() % kStripes;
  const std::uint64_t nth = counts_[own].ids.fetch_add(1, std::memory_order_relaxed);
  answer.id = static_cast<std::uint64_t>(second) << 32 | ((first_id_ + nth * kStripes + own) & UINT32_MAX);
  if (answer.verdict == Verdict::kReject && !answer.redress_url.empty()) {
    answer.redress_url.append(answer.measure.empty() || info(answer.reason).basis != Basis::kMeasure
                                  ? decision_id(answer.id).view()
                                  : answer.measure.view());
  }
  record.id = answer.id;
  record.at = q.at;
  record.from = q.from;
  record.to = q.to;
  record.diverted_by = q.diverted_by;
  record.verdict = answer.verdict;
  record.reason = answer.reason;
  record.score = answer.score;
  record.identity = static_cast<std::uint8_t>(q.identity);
  record.diversions = q.diversions;
  record.trunk = q.route;
  record.measure = answer.measure;
  return ring_->push(record);
}

Decider::Figures Decider::figures() const {
  Figures out;
  for (const Counts& counts : counts_) {
    for (std::size_t i = 0; i < 3; ++i) out.by_verdict[i] += counts.by_verdict[i].load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < kReasons; ++i) out.by_reason[i] += counts.by_reason[i].load(std::memory_order_relaxed);
  }
  out.measures = measures_.load(std::memory_order_relaxed);
  out.snapshots = snapshots_.load(std::memory_order_relaxed);
  out.version = version_.load(std::memory_order_relaxed);
  out.overlay = overlay_.load(std::memory_order_relaxed);
  out.records_dropped = ring_->dropped();
  out.rates_evicted = velocity_->evicted();
  out.holds = out.by_reason[static_cast<std::size_t>(Reason::kPolicyHold)];
  out.bytes = velocity_->bytes() + ring_->bytes();
  return out;
}

}  // namespace pandun::decide
