// How a cell's recent traffic is stored; what it means is in cell_activity.h.
//
// Shape    an entry of the table is 64 bytes. A busy cell notes what it is told, and counts 9 contacts at a time, or when it is
//          asked: what it knows is the same at any moment. Its entry knows how many there can be of a kind in a window, so
//          that most questions need not be asked.
// Safety   numbers and devices are hashes: nothing here can be read back.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "detect/features/cell_activity.h"
#include "detect/features/cell_activity_counts.h"
#include "detect/features/cell_days.h"
#include "detect/features/options.h"
#include "detect/features/seen_things.h"
#include "detect/slab.h"
#include "detect/state_table.h"
#include "model/event.h"

namespace pandun::detect {

struct CellContact {
  enum Counter : std::size_t {
    kCallsOut,
    kCallsIn,
    kMessages,
    kInternational,
    kNew,
    kAnswered,  // of calls made, as all below
    kUnanswered,
    kShort,
    kRoaming,
    kTalk,
    kCounters
  };
  std::uint32_t time_s;
  std::uint32_t number;    // 0 = not known
  std::uint16_t device;    // 0 = not known
  std::uint16_t kind : 2;  // kCallsOut, kCallsIn or kMessages
  std::uint16_t international : 1;
  std::uint16_t fresh : 1;
  std::uint16_t answered : 2;  // model::Answered of a call made
  std::uint16_t roaming : 1;
  std::uint16_t talk : 9;  // talk_code() of one that was answered
  // To each counter what this adds; kNew 1 where it is fresh.
  CellCounts::Counts counts() const;
};
static_assert(sizeof(CellContact) == 12 && CellContact::kCounters == CellCounts::kCounters);

// Who was there within the running and the previous span of 7 days: three marks a number and span, of a share of the numbers
// (1 in 2^level) so large that at most kMost of a span are marked. Both spans' marks of a number lie in one line of memory.
class CellMarks {
 public:
  static constexpr std::uint32_t kSpanS = 7 * 24 * 3600;
  static constexpr std::size_t kMost = 384;
  // Marks the number; how many new ones it stands for: 0 when it was marked, or is not of the share. An older time marks the
  // running span.
  std::uint32_t add(std::uint32_t number, std::uint32_t time_s);
  void prefetch(std::uint32_t number) const { fetch_line(&blocks_[block_of(mix64(number))]); }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr std::size_t kBlocks = 10, kWords = 4;
  static constexpr unsigned kLevelMost = 8;
  struct Block {  // a line of memory, where the marks begin one
    std::array<std::uint64_t, kWords> now{}, before{};
  };
  static std::size_t block_of(std::uint64_t mixed) { return (mixed & 0xffffffffU) * kBlocks >> 32; }
  void turn(std::uint32_t span);
  std::uint32_t allowed(std::uint32_t time_s) const;

  std::array<Block, kBlocks> blocks_{};
  std::uint32_t span_ = 0;
  std::uint32_t marked_ = 0;  // in the running span, of those that pass its level by now
  std::uint8_t level_ = 0, level_before_ = 0;
  bool first_ = true;  // no span went before: how many there will be is not known
};

struct alignas(64) BusyCell {
  static constexpr std::size_t kNoted = 9;  // with which a busy cell is 1,024 bytes, a size that allocators have
  CellMarks marks;
  std::array<CellContact, kNoted> noted;  // in the order of arrival, not yet counted; CellRecord::noted of them
  SeenOfMonth numbers;
  SeenThings devices;
  CellCounts counts;
  CellDays days;

  void prefetch() const {
    numbers.prefetch();
    devices.prefetch();
    counts.prefetch();
  }
  void count(std::span<const CellContact> contacts);  // in the order of arrival
  std::uint64_t bytes() const {
    return (sizeof(*this) + 8 + 15) / 16 * 16 + numbers.heap_bytes() + devices.heap_bytes() + counts.heap_bytes() +
           days.heap_bytes();
  }
  void save(StateWriter& out) const;
  void load(StateReader& in);
};

struct ListedCell {
  std::vector<CellContact> contacts;  // in the order of arrival
};

struct CellRecord {
  static constexpr std::size_t kListedMost = 32;
  std::uint32_t first_s = 0, newest_s = 0;
  std::uint32_t listed = 0, busy = 0;  // handles + 1 of the one or the other
  // How many contacts are listed or noted; of a busy one, of which kinds they are, and how many contacts of each kind the windows held when it counted last; 0xffff: as many
  // as you like.
  std::array<std::array<std::uint16_t, 3>, 3> counted{};  // by kind and window
  std::array<std::uint8_t, 3> noted_of{};
  std::uint8_t noted = 0;
  std::uint16_t silence_h : 12 = 0;  // its latest silence, 0 = none
  std::uint16_t woke_h : 12 = 0;     // hour in which that ended, modulo 4096
};
static_assert(sizeof(CellRecord) == 44 && sizeof(BusyCell) == 1024);

struct CellVisit {
  EventMs time;
  CellContact::Counter kind{};
  model::NumberKey number;
  std::uint64_t device = 0;  // hash of its key; 0 = not known
  bool international = false, roaming = false;
  model::Answered answered = model::Answered::kUnknown;
  std::int32_t talk_s = -1;
};

class CellActivities {
 public:
  explicit CellActivities(std::chrono::seconds local_offset = NumberOptions().local_offset)
      : local_offset_(local_offset), table_(std::chrono::hours(24 * 14)) {}

  void prefetch(std::uint64_t hash, unsigned stage) const { table_.prefetch_hash(hash, stage); }
  void prefetch_more(model::EntityKey cell,
                     std::uint64_t hash) const;  // a stage later: where the contact will be noted
  // The record stays where it is until the next call; not everything in it need be counted.
  const CellRecord& update(model::EntityKey cell, std::uint64_t hash, const CellVisit& visit, EventMs watermark);
  // Everything counted.
  const CellRecord* find(model::EntityKey cell, std::uint64_t hash, EventMs watermark) {
    CellRecord* record = table_.find_hash(cell, hash, watermark);
    if (record != nullptr && record->busy != 0 && record->noted != 0) count(*record);
    return record;
  }

  void evict(EventMs watermark);
  void save(StateWriter& out) const;
  Result<> load(StateReader& in);

  std::uint64_t size() const { return table_.size(); }
  std::uint64_t evicted() const { return table_.evicted(); }
  std::uint64_t too_old() const { return too_old_; }
  std::uint64_t bytes() const;

  std::span<const CellContact> contacts(const CellRecord& record) const {
    return record.listed == 0 ? std::span<const CellContact>() : listed_.at(record.listed - 1).contacts;
  }
  const BusyCell& busy(const CellRecord& record) const { return busy_.at(record.busy - 1); }
  std::chrono::seconds local_offset() const { return local_offset_; }

 private:
  void add_listed(CellRecord& record, CellContact contact);
  void append(CellRecord& record, const CellContact& contact);
  void drop_list(CellRecord& record);
  void note(CellRecord& record, const CellContact& contact);
  void count(CellRecord& record);
  void release(CellRecord& record);
  void save_record(StateWriter& out, const CellRecord& record) const;
  void load_record(StateReader& in, CellRecord& record);

  std::chrono::seconds local_offset_;
  StateTable<model::EntityKey, CellRecord> table_;
  ObjectPool<ListedCell> listed_;
  ObjectPool<BusyCell> busy_;
  std::uint64_t too_old_ = 0, listed_bytes_ = 0;
};

}  // namespace pandun::detect
