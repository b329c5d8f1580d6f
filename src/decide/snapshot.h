// The decider's knowledge, laid out for one cache miss a number: a base that is rebuilt aside when lists change, and in front
// of it an overlay of the few numbers that changed since.
//
// Shape    base: open addressing, linear probing, at most half full, 16 bytes a slot. Overlay: the same, one patch a number.
//          A Snapshot shares the base with the one before it; only the overlay and small settings are its own.
// Threads  immutable once made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "decide/snapshot_input.h"

namespace pandun::decide {

// What is known of one number, gathered from base and overlay.
struct Known {
  std::uint32_t flags = 0;
  Label label = Label::kNone;
  std::uint8_t choices = 0;
  const MeasureEntry* measures = nullptr;  // strictest first
  std::size_t measure_count = 0;
  const std::vector<model::NumberKey>* blocked = nullptr;  // the overlay's, when it replaces the base's
};

enum Flag : std::uint32_t { kEmergencyFlag = 1, kProtectedFlag = 2, kBlocksFlag = 4 };

class Base {
 public:
  explicit Base(SnapshotInput input);
  Known find(model::NumberKey number) const;
  void prefetch(model::NumberKey number) const;
  bool blocks(model::NumberKey callee, model::NumberKey caller) const;
  const SnapshotInput& input() const { return input_; }
  std::size_t numbers() const { return numbers_; }
  const Trunk* trunk(std::string_view name) const;

 private:
  struct Slot {
    std::uint64_t number = 0;    // 0: empty; a withheld number is never stored
    std::uint32_t flags = 0;     // Flag | choices << 8 | label << 16 | how many measures << 24
    std::uint32_t measures = 0;  // 1-based index of the first of its measures; 0: none
  };
  Slot& slot_for(std::uint64_t number);
  const Slot& slot(model::NumberKey number) const;

  SnapshotInput input_;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0, numbers_ = 0;
};

// Scores and open alerts, which change all the time and may only warn: a table of their own, 8 bytes a slot: 56 bits of the
// number's hash, then the score and a bit for an open alert.
class FindingTable {
 public:
  explicit FindingTable(const Findings& findings);
  struct Finding {
    std::uint8_t score = 0;
    bool alerted = false;
  };
  Finding find(model::NumberKey number) const;
  void prefetch(model::NumberKey number) const { __builtin_prefetch(&slots_[mix64(number.bits()) & mask_]); }

 private:
  std::uint64_t& at(model::NumberKey number);

  std::vector<std::uint64_t> slots_;  // 0: empty
  std::size_t mask_ = 0;
};

// What replaces the base's knowledge of one number, by kind.
struct Patch {
  model::NumberKey number;
  bool has_measures = false, has_callee = false, has_label = false;
  std::vector<MeasureEntry> measures{};
  std::uint8_t choices = 0;
  std::vector<model::NumberKey> blocked{};
  Label label = Label::kNone;
};
using Patches = std::vector<std::shared_ptr<const Patch>>;

class Snapshot {
 public:
  Snapshot(std::shared_ptr<const Base> base, std::shared_ptr<const FindingTable> findings, Patches patches,
           std::uint64_t version);

  Known find(model::NumberKey number) const;
  FindingTable::Finding finding(model::NumberKey number) const { return findings_->find(number); }
  void prefetch(model::NumberKey from, model::NumberKey to) const {
    base_->prefetch(from);
    base_->prefetch(to);
    findings_->prefetch(from);
  }
  bool blocks(const Known& callee_known, model::NumberKey callee, model::NumberKey caller) const;
  // The strictest of the number's measures that is in force at `at`; null if none is.
  static const MeasureEntry* measure(const Known& known, WallMs at);
  const Trunk* trunk(std::string_view name) const { return name.empty() ? nullptr : base_->trunk(name); }
  bool foreign(model::NumberKey number) const;     // by its digits alone: cheap
  NumberNote note(model::NumberKey number) const;  // asks the port

  const SnapshotInput& settings() const { return base_->input(); }
  const std::shared_ptr<const Base>& base() const { return base_; }
  const std::shared_ptr<const FindingTable>& findings() const { return findings_; }
  const Patches& patches() const { return patches_; }
  std::uint64_t version() const { return version_; }

 private:
  const Patch* patch(model::NumberKey number) const;

  std::shared_ptr<const Base> base_;
  std::shared_ptr<const FindingTable> findings_;
  Patches patches_;                   // by number
  std::vector<std::uint32_t> slots_;  // 1-based index into patches_
  std::size_t mask_ = 0;
  std::uint64_t version_ = 0;
};

// Patches with the changes on top: of the same number the newer kind wins.
Patches merge(const Patches& before, Change change);
// The base with the patches worked in: what a rebuild starts from.
SnapshotInput flatten(const Base& base, const Patches& patches);

}  // namespace pandun::decide
