// How a cell's recent traffic is stored; what it means is in cell_activity.h.
//
// Shape    an entry of the table is 64 bytes. A busy cell notes what it is told, and counts 64 contacts at a time, or when it is
//          asked: what it knows is the same at any moment. Its entry knows how many there can be of a kind in a window, so
//          that most questions need not be asked.
// Safety   numbers and devices are hashes: nothing here can be read back.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "detect/features/cell_activity.h"
#include "detect/features/seen_things.h"
#include "detect/features/slab_list.h"
#include "detect/state_table.h"
#include "model/event.h"

namespace pandun::detect {

struct CellContact {
  enum Counter : std::size_t { kCallsOut, kCallsIn, kMessages, kInternational, kNew, kCounters };
  std::uint32_t time_s;
  std::uint32_t number, device;  // 0 = not known
  std::uint8_t kind;             // kCallsOut, kCallsIn or kMessages
  bool international, fresh;
};
static_assert(sizeof(CellContact) == 16);

// Who was there within the running and the previous span of 7 days: two marks a number, in one line of memory for both spans.
class CellMarks {
 public:
  static constexpr std::uint32_t kSpanS = 7 * 24 * 3600;
  // Marks the number; true when it was not marked. An older time marks the running span.
  bool add(std::uint32_t number, std::uint32_t time_s);
  bool runs(std::uint32_t time_s) const { return time_s / kSpanS == span_; }  // is it of the running span?
  void prefetch(std::uint32_t number) const { fetch_line(&blocks_[mix64(number) % kBlocks]); }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr std::size_t kBlocks = 128, kWords = 4;
  struct alignas(64) Block {
    std::array<std::uint64_t, kWords> now{}, before{};
  };
  std::uint32_t span_ = 0;
  std::array<Block, kBlocks> blocks_{};
};

struct BusyCell {
  static constexpr std::size_t kNoted = 64;
  std::array<CellContact, kNoted> noted;  // in the order of arrival, not yet counted; CellRecord::noted of them
  WindowRings<CellContact::kCounters, std::uint32_t, 3> counts;
  SeenThings numbers, devices;
  CellMarks marks;
  std::uint32_t clock_s = 0;

  void count(std::span<CellContact> contacts);  // in the order of arrival
  std::uint64_t bytes() const { return sizeof(*this) + numbers.bytes() + devices.bytes(); }
  void save(StateWriter& out) const;
  void load(StateReader& in);
};

struct CellRecord {
  using Contacts = SlabPool<CellContact, 4, 4>;
  std::uint32_t first_s = 0, newest_s = 0;
  SlabList<CellContact, Contacts> contacts;  // in the order of arrival
  std::uint32_t busy = 0;                    // handle + 1, 0 = listed
  // Of a busy one: what it noted, and how many contacts of each kind the windows held when it counted last; 0xffff: as many
  // as you like.
  std::array<std::array<std::uint16_t, 3>, 3> counted{};  // by kind and window
  std::array<std::uint8_t, 3> noted_of{};
  std::uint8_t noted = 0;
};

struct CellVisit {
  EventMs time;
  CellContact::Counter kind{};
  model::NumberKey number;
  std::uint64_t device = 0;  // hash of its key; 0 = not known
  bool international = false;
};

class CellActivities {
 public:
  CellActivities() : table_(std::chrono::hours(24 * 14)) {}

  void prefetch(std::uint64_t hash, unsigned stage) const { table_.prefetch_hash(hash, stage); }
  void prefetch_more(model::EntityKey cell,
                     std::uint64_t hash) const;  // a stage later: where the contact will be noted
  // The record stays where it is until the next call; not everything in it need be counted.
  const CellRecord& update(model::EntityKey cell, std::uint64_t hash, const CellVisit& visit, EventMs watermark);
  // Everything counted.
  const CellRecord* find(model::EntityKey cell, std::uint64_t hash, EventMs watermark) {
    CellRecord* record = table_.find_hash(cell, hash, watermark);
    if (record != nullptr && record->noted != 0) count(*record);
    return record;
  }

  void evict(EventMs watermark);
  void save(StateWriter& out) const;
  Result<> load(StateReader& in);

  std::uint64_t size() const { return table_.size(); }
  std::uint64_t evicted() const { return table_.evicted(); }
  std::uint64_t too_old() const { return too_old_; }
  std::uint64_t bytes() const;

  std::span<const CellContact> contacts(const CellRecord& record) const { return record.contacts.in(contacts_); }
  const BusyCell& busy(const CellRecord& record) const { return busy_.at(record.busy - 1); }

 private:
  void add_listed(CellRecord& record, CellContact contact);
  void note(CellRecord& record, const CellContact& contact);
  void count(CellRecord& record);
  void release(CellRecord& record);
  void save_record(StateWriter& out, const CellRecord& record) const;
  void load_record(StateReader& in, CellRecord& record);

  StateTable<model::EntityKey, CellRecord> table_;
  CellRecord::Contacts contacts_;
  ObjectPool<BusyCell> busy_;
  std::uint64_t too_old_ = 0;
};

}  // namespace pandun::detect
