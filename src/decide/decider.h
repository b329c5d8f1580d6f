// May this call or message go through? Answered from an immutable snapshot in well under two microseconds: no lock, no
// allocation, no system call.
//
// Rule     a call is rejected only because of an approved measure or list in force, a fact, the callee's own block, or a brief
//          hold under a policy that two people approved. Scores, labels, counters and open alerts warn at most
//          (safeguard 7). Emergency numbers are never touched. Order and reasons: docs/decisions_at_the_switch.md.
// Fails    open: without a snapshot, or with a measure past its expiry, the call is allowed, and the reason says so.
// Threads  call() and message() from any thread, also while something is published; publishing from any thread, one at a time.
// Safety   number keys stay in memory; answers carry ids, labels and links, never numbers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "decide/fixed_text.h"
#include "decide/reasons.h"
#include "decide/snapshot_cell.h"
#include "decide/snapshot_input.h"
#include "model/number.h"

namespace pandun::decide {

// What the identity of the caller rests on (RFC 8224 PASSporT, or verstat from a trusted neighbour).
enum class Identity : std::uint8_t { kNone, kFullA, kPartialB, kGatewayC, kFailed, kNotChecked };

// The first five fields are enough for an answer; each of the rest may be left out.
struct Question {
  model::NumberKey from{}, to{};
  std::string_view route{};                   // the trunk's name, as in content/decide/trunks.toml
  bool international = false;                 // the door knows that the trunk comes from abroad
  WallMs at{};                                // now, by the door's clock
  std::string_view from_text{};               // the caller exactly as presented, before any normalising
  model::NumberKey diverted_by{};             // who forwarded it last (Diversion, History-Info)
  std::uint8_t diversions = 0;                // how often it was forwarded
  Direction direction = Direction::kUnknown;  // overrides the trunk's
  Identity identity = Identity::kNone;
  bool identity_refused = false;  // the trunk takes signed callers only, and this one's signature is missing or wrong
  bool trusted = false;           // the door knows that this trunk's callers are screened, whatever trunks.toml says
  bool rehearsal = false;         // what would be answered: nothing is counted, held or recorded
};

// Plain bytes of its own: good for as long as the caller keeps it.
struct Answer {
  Verdict verdict = Verdict::kAllow;
  Reason reason = Reason::kClear;
  std::uint8_t score = 0;                // 0..100 as published; says nothing when 0
  std::uint64_t id = 0;                  // of this decision; 0: a rehearsal
  FixedText<63> measure{};               // the measure, list entry ("list:row") or policy that decided; empty: none
  FixedText<191> redress_url{};          // for every reject, when the site has an appeal page
  FixedText<63> label_zh{}, label_en{};  // for the called person's screen: country or region, or a mark
};

// "d-00000000692f1a2b" and back. The upper half is the second (Unix time), so the record is found without an index.
FixedText<18> decision_id(std::uint64_t id);
std::optional<std::uint64_t> parse_decision_id(std::string_view text);

struct DecisionRecord;  // decide/record.h
class RecordRing;       // decide/record_ring.h
class Base;             // decide/snapshot.h
class FindingTable;
class Snapshot;
struct Patch;
using Patches = std::vector<std::shared_ptr<const Patch>>;
class Velocity;  // decide/velocity.h
class Desk;      // decide/desk.h

struct DeciderLimits {
  std::uint64_t callers =
      1U << 16;                    // numbers whose rates are kept at once, per side; 72 bytes each, taken at the start
  std::uint64_t pairs = 1U << 16;  // 24 bytes each
  std::uint64_t records = 1U << 14;  // decisions that may wait to be written; beyond it they are counted as dropped
  std::uint64_t first_id = 1;        // where the lower halves of ids begin; random per start, so that ids never repeat
};

class Decider {
 public:
  Decider();
  explicit Decider(const DeciderLimits& limits);
  ~Decider();

  // The whole truth anew, built aside; readers see the old or the new, never a part.
  void publish(SnapshotInput input);
  // A few numbers changed: costs the change and not the list. Before the first publish() nothing happens.
  void change(Change change);
  // Scores and open alerts anew.
  void publish_findings(const Findings& findings);

  Answer call(const Question& question) const { return decide(question, false); }
  Answer message(const Question& question) const { return decide(question, true); }
  // Ahead of call(): what it will look up is on its way from memory while the door does something else.
  void prefetch(model::NumberKey from, model::NumberKey to) const;
  // Of a call that was answered and lasts: kReject when an approved measure or list in force stops its caller, and then it is
  // recorded as an ending; id 0: the record could not be taken just now. Nothing else ends a call: no fact, hold or choice, and none to an emergency or protected number.
  Answer end_call(const Question& question) const;
  // The same, without a record: is the ground still there?
  bool ends_call(const Question& question) const;
  // For a door whose deadline passed or whose queue is full: allowed, counted and recorded as kDeadline.
  Answer let_pass(const Question& question) const;

  // A door has a moment (nobody waits for an answer): so many of the decisions that wait to be written are written now rather
  // than beside the next call, if as many wait.
  void offer_turn(std::size_t least) const;
  bool turn_due(std::size_t least) const;

  struct Figures {
    std::array<std::uint64_t, 3> by_verdict{};
    std::array<std::uint64_t, kReasons> by_reason{};
    std::uint64_t measures = 0, snapshots = 0, version = 0, overlay = 0;
    std::uint64_t records_dropped = 0, rates_evicted = 0, holds = 0;
    std::uint64_t bytes = 0;  // counters and ring; constant
  };
  Figures figures() const;

  // Drained by one thread (server), which writes them down.
  RecordRing& records() const { return *ring_; }
  // What the API may ask of the decision room beyond deciding; null where nobody set it.
  Desk* desk() const { return desk_.load(std::memory_order_acquire); }
  void set_desk(Desk* desk) { desk_.store(desk, std::memory_order_release); }

 private:
  static constexpr std::size_t kStripes = 8;
  struct alignas(64) Counts {
    std::array<std::atomic<std::uint64_t>, 3> by_verdict{};
    std::array<std::atomic<std::uint64_t>, kReasons> by_reason{};
    std::atomic<std::uint64_t> ids{0};  // given by this stripe
  };

  Answer decide(const Question& question, bool message) const;
  Answer judge_ending(const Question& question, DecisionRecord& record) const;
  void finish(const Question& question, bool message, Answer& answer, DecisionRecord& record) const;
  bool write_down(const Question& question, Answer& answer, DecisionRecord& record) const;  // false: it was dropped
  void put(std::shared_ptr<const Base> base, std::shared_ptr<const FindingTable> findings, Patches patches);

  SnapshotCell<Snapshot> snapshot_;
  std::mutex publishing_;
  // What the newest snapshot is made of; under publishing_.
  std::shared_ptr<const Base> base_;
  std::shared_ptr<const FindingTable> findings_;
  Patches patches_;
  std::unique_ptr<Velocity> velocity_;
  std::unique_ptr<RecordRing> ring_;
  std::atomic<Desk*> desk_{nullptr};
  mutable std::array<Counts, kStripes> counts_;
  mutable std::array<std::atomic<std::uint64_t>, kPoliciesMax> holds_{};  // hour << 32 | holds in it, by policy
  mutable std::atomic<std::uint64_t> held_{0};
  std::uint64_t first_id_;
  alignas(64) std::atomic<std::uint64_t> measures_{0}, snapshots_{0}, version_{0}, overlay_{0};
};

}  // namespace pandun::decide
