// How a cell's recent traffic is stored; what it means is in cell_activity.h.
//
// Safety   numbers and devices are hashes: nothing here can be read back.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "detect/distinct.h"
#include "detect/features/cell_activity.h"
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

// Who was there within the running and the previous span of 7 days.
class CellMarks {
 public:
  static constexpr std::uint32_t kSpanS = 7 * 24 * 3600;
  // Marks the number; true when it was not marked. An older time marks the running span.
  bool add(std::uint32_t number, std::uint32_t time_s);
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr std::uint32_t kBits = 32768;
  using Bits = std::array<std::uint64_t, kBits / 64>;
  std::uint32_t span_ = 0;
  Bits now_{}, before_{};
};

struct BusyCell {
  WindowRings<CellContact::kCounters, std::uint32_t, 3> counts;
  DistinctWindows numbers{Window::k24h}, devices{Window::k24h};
  CellMarks marks;
  std::uint32_t clock_s = 0;

  void add(const CellContact& contact, std::uint32_t now_s);
  std::uint64_t bytes() const { return sizeof(*this) + numbers.bytes() + devices.bytes(); }
  void save(StateWriter& out) const;
  void load(StateReader& in);
};

struct CellRecord {
  using Contacts = SlabPool<CellContact, 4, 4>;
  std::uint32_t first_s = 0, newest_s = 0;
  SlabList<CellContact, Contacts> contacts;  // in the order of arrival
  std::uint32_t busy = 0;                    // handle + 1, 0 = listed
};

struct CellVisit {
  EventMs time;
  CellContact::Counter kind{};
  model::NumberKey number;
  std::string_view device;
  bool international = false;
};

class CellActivities {
 public:
  CellActivities() : table_(std::chrono::hours(24 * 14)) {}

  void prefetch(std::uint64_t hash, unsigned stage) const { table_.prefetch_hash(hash, stage); }
  void update(model::EntityKey cell, std::uint64_t hash, const CellVisit& visit, EventMs watermark);
  const CellRecord* find(model::EntityKey cell, std::uint64_t hash, EventMs watermark) {
    return table_.find_hash(cell, hash, watermark);
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
  void release(CellRecord& record);
  void save_record(StateWriter& out, const CellRecord& record) const;
  void load_record(StateReader& in, CellRecord& record);

  StateTable<model::EntityKey, CellRecord> table_;
  CellRecord::Contacts contacts_;
  ObjectPool<BusyCell> busy_;
  std::uint64_t too_old_ = 0;
};

}  // namespace pandun::detect
