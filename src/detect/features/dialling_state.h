// How dialling at pace is stored; what it means is in dialling_activity.h.
//
// Safety   cells and devices are hashes; a call's `callee`, the low 32 bits of the callee's digits, is a clear identity and stays
//          in engine memory and sealed files.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "detect/features/dialling_activity.h"
#include "detect/features/travel.h"
#include "detect/state_table.h"
#include "model/event.h"

namespace pandun::detect {

// Whom a number met within 7 d, the day last met: 29 bits of hash and the day in four bytes.
class DialSet {
 public:
  static constexpr std::uint32_t kMost = 8192, kDays = 7;

  void advance(std::uint32_t day);  // the newest; who was last met before its 7 d goes
  bool contains(std::uint32_t hash) const { return size_ != 0 && *find(hash) != 0; }
  void add(std::uint32_t hash, std::uint32_t day);                       // not newer than the newest
  std::uint64_t bytes() const { return room_ * sizeof(std::uint32_t); }  // besides itself
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr std::uint32_t kListed = 16;  // so many are simply looked through
  static constexpr std::uint32_t kDayBits = 7;  // in a slot: day % 7 + 1; a slot of 0 is free
  static std::uint32_t mark(std::uint32_t day) { return day % kDays + 1; }
  std::uint32_t age(std::uint32_t slot) const { return (day_ + kDays + 1 - (slot & kDayBits)) % kDays; }
  std::uint32_t* find(std::uint32_t hash) const;  // its slot or the free one where it belongs; there must be one
  void rebuild(std::uint32_t room, std::uint32_t older_by);

  std::unique_ptr<std::uint32_t[]> slots_;
  std::uint32_t day_ = 0;
  std::uint16_t size_ = 0, room_ = 0;
};

class DialRecord {
 public:
  static constexpr std::size_t kCallsMax = 128, kChangesMax = 64;

  std::uint32_t newest_s() const { return newest_s_; }
  std::uint32_t unpack(std::array<DialCall, kCallsMax>& out) const;  // by time; returns how many
  std::span<const std::uint32_t> device_changes() const {
    return changes_ == nullptr ? std::span<const std::uint32_t>() : std::span<const std::uint32_t>(*changes_);
  }

  // False when the time is more than 24 h behind the newest: nothing else changed.
  bool begin(std::uint32_t time_s);
  // Whether it was called, or called or heard from, within 7 d; and that it is called now.
  void meet(std::uint32_t callee_hash, std::uint32_t time_s, bool& fresh, bool& first);
  void add(const DialCall& call);
  void change_device(std::uint16_t device, std::uint32_t time_s);
  // Whether it is too far from the place before; that becomes this one.
  bool move(const CellPlace& place, std::uint32_t time_s);
  bool placed() const { return last_place_.time_s != 0; }
  void hear(std::uint32_t hash, std::uint32_t time_s);

  std::uint64_t bytes() const {
    return sizeof(*this) + room_ * sizeof(Packed) + called_.bytes() + heard_.bytes() +
           (changes_ == nullptr ? 0 : sizeof(*changes_) + changes_->capacity() * sizeof(std::uint32_t));
  }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  // callee 32, seconds since base_s_ 17, flags 7, ring 8; region 10, cell 14.
  using Packed = std::array<std::uint8_t, 11>;
  static constexpr std::uint32_t kTimeBits = 17, kFlagBits = 7;
  Packed pack(const DialCall& call) const;
  DialCall unpack(const Packed& packed) const;
  std::uint32_t time_of(const Packed& packed) const;
  void make_room(std::uint32_t oldest_s, std::uint32_t time_s);
  void resize(std::size_t room);

  std::unique_ptr<Packed[]> calls_;
  std::unique_ptr<std::vector<std::uint32_t>> changes_;
  std::uint32_t newest_s_ = 0, heard_s_ = 0, base_s_ = 0;
  std::uint16_t last_device_ = 0;
  std::uint8_t size_ = 0, room_ = 0;
  DialSet called_, heard_;
  TravelPoint last_place_;
};
static_assert(sizeof(DialRecord) == 72);

class DiallingActivities {
 public:
  DiallingActivities() : table_(std::chrono::hours(24 * 7)) {}

  // A call out at pace.
  void update(model::NumberKey number, std::uint64_t hash, const model::Call& call, EventMs time, EventMs watermark,
              bool suspect, const CellPlace& place);
  // A call or message in; nothing for numbers without a record.
  void hear(model::NumberKey number, std::uint64_t hash, model::NumberKey from, EventMs time, EventMs watermark);
  const DialRecord* find(model::NumberKey number, std::uint64_t hash, EventMs watermark) {
    std::unique_ptr<DialRecord>* held = size() == 0 ? nullptr : table_.find_hash(number, hash, watermark);
    return held == nullptr ? nullptr : held->get();
  }

  void evict(EventMs watermark) {
    table_.evict(watermark, [this](std::unique_ptr<DialRecord>& r) { drop(r); });
  }
  void save(StateWriter& out) const;
  Result<> load(StateReader& in);
  std::uint64_t size() const { return table_.size(); }
  std::uint64_t evicted() const { return table_.evicted(); }
  std::uint64_t bytes() const { return table_.bytes() + heap_bytes_; }

 private:
  void drop(std::unique_ptr<DialRecord>& record) {
    if (record != nullptr) heap_bytes_ -= record->bytes();
  }
  StateTable<model::NumberKey, std::unique_ptr<DialRecord>> table_;
  std::uint64_t heap_bytes_ = 0;
};

}  // namespace pandun::detect
