// One question worked through against one snapshot, step by step: the order of safeguard 7. Inside this folder only.
//
// Order    emergency · the called person's choice · withheld · facts · approved measures and lists · a hold under an approved
//          policy · findings, which only warn.
#pragma once

#include <array>
#include <atomic>

#include "decide/decider.h"
#include "decide/record.h"
#include "decide/snapshot.h"
#include "decide/velocity.h"

namespace pandun::decide {

enum class ListKind : std::uint8_t;  // decide/number_list.h

using HoldCounts = std::array<std::atomic<std::uint64_t>, kPoliciesMax>;

class Judge {
 public:
  Judge(const Snapshot& snapshot, Velocity& velocity, HoldCounts& holds, const Question& question, bool message,
        Answer& answer, DecisionRecord& record)
      : s_(snapshot), velocity_(velocity), holds_(holds), q_(question), message_(message), a_(answer), r_(record) {}
  void run();
  // Of a call that lasts: is there an approved measure or list in force that stops its caller? Nothing else is asked.
  void run_ending();

 private:
  bool say(Verdict verdict, Reason reason);
  bool say(const MeasureEntry& measure, Reason reason);
  bool say(const NumberList& list, std::uint32_t row);
  void place();
  void gather();
  bool emergency(const Known& known, model::NumberKey number) const;
  bool decided();
  bool certain();
  bool choice_of_callee();
  bool fact();
  bool fact_of_form();
  bool fact_of_trunk();
  bool order(Verdict wanted);  // measures and lists that say so
  bool hold();
  bool start_hold(const Policy& policy, std::size_t index);
  bool finding();
  bool protected_caller();
  bool applies(const Policy& policy) const;
  bool on_list(ListKind kind) const;  // the caller
  const NumberNote& caller_note();
  void label();

  const Snapshot& s_;
  Velocity& velocity_;
  HoldCounts& holds_;
  const Question& q_;
  const bool message_;
  Answer& a_;
  DecisionRecord& r_;
  Known from_{}, to_{};
  FindingTable::Finding found_{};
  const Trunk* trunk_ = nullptr;
  Direction direction_ = Direction::kUnknown;
  NumberNote note_{};
  bool noted_ = false;
  Roaming roaming_ = Roaming::kUnknown;
  Velocity::Held held_{};
  std::uint64_t list_hash_ = 0;  // of the caller, as lists hold it
};

}  // namespace pandun::decide
