// A ring of numbers in a case, for tests of batches and appeals.
#pragma once

#include <set>

#include "casework/testing/desk.h"

namespace pandun::casework::testing {

inline constexpr std::uint64_t kMember = 8613700000000;  // members are kMember + 1 …

inline model::Signal ring_signal(std::uint64_t position, int members, std::uint8_t severity = 80,
                                 std::int64_t at_ms = kStart.ms) {
  model::Signal signal = call_signal(position, at_ms, model::NumberKey::e164(kMember));
  signal.detector = "ring";
  signal.topic = "ring";
  signal.severity = severity;
  signal.peers.clear();
  for (int i = 1; i <= members; ++i)
    signal.peers.push_back(model::Entity::of(model::NumberKey::e164(kMember + static_cast<std::uint64_t>(i))));
  signal.peers.push_back(model::Entity::text(model::EntityKind::kCell, "460-00-1"));
  return signal;
}

// A confirmed case about a ring of `members` numbers and the one that was alerted.
struct RingDesk : Desk {
  explicit RingDesk(int members = 4, store::SqliteOptions options = {}, const std::string& protect = {})
      : Desk(std::move(options)) {
    groups.protect = protect;
    opened = open(ingest(ring_signal(1, members)));
    must(act(analyst, opened, "confirm", {{"finding", "一伙"}}));
  }
  NewBatch terms(const std::string& kind = "reverify", const std::string& skip = {}) const {
    NewBatch wish;
    wish.terms = {
        kind,         "fraud", "afl-11", "号码", "同一团伙", skip, rfc3339(clock.wall().ms + 86'400'000LL * 20),
        "请重新核验", "12321"};
    return wish;
  }
  BatchView propose(const std::string& kind = "reverify", const std::string& skip = {}) {
    return must(desk->propose_batch(analyst, opened.summary.id, terms(kind, skip)));
  }
  BatchView approved(const std::string& kind = "reverify", const std::string& skip = {}) {
    const std::string id = propose(kind, skip).summary.id;
    return must(desk->approve_batch(approver, id, {}, ""));
  }
  BatchView ordered(const std::string& kind = "reverify", const std::string& skip = {}) {
    return must(desk->order_batch(analyst, approved(kind, skip).summary.id));
  }
  std::vector<MeasureView> members(const BatchView& batch) const {
    return must(desk->batch_members(batch.summary.id, {0, 500, false})).items;
  }
  std::set<std::string> active() const {
    std::set<std::string> out;
    for (const ActiveMeasure& measure : must(desk->active_measures())) out.insert(measure.id);
    return out;
  }
  std::string state_of(const std::string& measure) const { return must(desk->measure(analyst, measure)).measure.state; }
  CaseView opened;
};

}  // namespace pandun::casework::testing
