// The decider's knowledge, laid out for one cache miss a question: one table over all numbers that anything is known about.
//
// Shape    open addressing, linear probing, at most half full; 16 bytes a slot.
// Threads  immutable once made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "decide/decider.h"

namespace pandun::decide {

class Snapshot {
 public:
  explicit Snapshot(SnapshotInput input);

  enum Flag : std::uint32_t { kEmergencyFlag = 1, kProtectedFlag = 2, kAlertedFlag = 4, kBlocksFlag = 8 };
  struct Slot {
    std::uint64_t number = 0;  // 0: empty; a withheld number is never stored
    std::uint32_t flags = 0;
    std::uint32_t measures = 0;  // 1-based index of the first of its measures; 0: none
  };

  const Slot& find(model::NumberKey number) const;  // an empty slot when nothing is known
  // The strictest of the number's measures that is in force at `at`; null if none is.
  const MeasureEntry* measure(const Slot& slot, WallMs at) const;
  bool blocks(model::NumberKey callee, model::NumberKey caller) const;
  bool international(std::string_view trunk) const;
  // Fixed lines of the home country; mobiles roam, so an international trunk may well present one.
  bool domestic_fixed_line(model::NumberKey number) const;
  bool warn_on_alert() const { return input_.warn_on_alert; }
  const std::string& redress_base() const { return input_.redress_base; }
  std::size_t measures() const { return input_.measures.size(); }

 private:
  Slot& slot_for(std::uint64_t number);

  SnapshotInput input_;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
};

}  // namespace pandun::decide
