// How a device's recent use is stored; what it means is in device_activity.h.
//
// Shape    a device of one number is 10 bytes (device_singles.h). One of more is an entry of 64 bytes, one line of memory, and
//          lists: 12 bytes for each further number, 8 for each cell and use of 24 h; device_days.h says what 7 d and 30 d
//          take. Lists and counters are two
//          stores of the same thing: which one is used can change at any time without changing any feature.
// Safety   numbers, cells and callees are hashes: nothing here can be read back.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "detect/block_pool.h"
#include "detect/distinct.h"
#include "detect/features/block_list.h"
#include "detect/features/device_activity.h"
#include "detect/features/device_days.h"
#include "detect/features/device_singles.h"
#include "detect/features/options.h"
#include "detect/features/talk_code.h"
#include "detect/slab.h"
#include "detect/state_table.h"
#include "model/event.h"

namespace pandun::detect {

struct DeviceKey {
  std::uint64_t bits = 0;
  friend bool operator==(DeviceKey, DeviceKey) = default;
};
inline std::uint64_t state_hash(DeviceKey key) {
  return hash_of(model::EntityKey{0, key.bits});
}
inline void write_key(StateWriter& out, DeviceKey key) {
  out.u64(key.bits);
}
inline void read_key(StateReader& in, DeviceKey& key) {
  key.bits = in.u64();
}

// One use, and as it is stored: 8 bytes, its time as the last 17 bits, to be read with the device's newest one.
struct DeviceUse {
  static constexpr std::uint32_t kRingMost = 62, kRingUntold = 63;
  std::uint32_t time_s = 0;
  std::uint32_t callee = 0;  // of a call made: its region, 10 bits, above 15 bits of hash; 0 = not known
  std::uint16_t kind = 0;    // DeviceKind
  std::uint16_t ring_s = kRingUntold;
  std::uint16_t talk = 0;                                // of an answered call made, as talk_code() has it
  model::Answered answered = model::Answered::kUnknown;  // of a call made
  bool switched = false, moved = false;
  bool returned = false;  // a call received from a number called on it within 24 h
  bool roaming = false, abroad = false;

  std::uint32_t region() const { return callee >> 15; }
  std::uint32_t talk_s() const { return talk_of(talk); }
  bool is_answered() const { return answered == model::Answered::kYes; }
  bool is_unanswered() const { return answered == model::Answered::kNo; }
  bool is_short() const { return is_answered() && talk_s() <= kShortTalkS; }
};
struct DeviceThing {
  std::uint64_t bits;
  static DeviceThing of(const DeviceUse& use);
  std::uint32_t time_s(std::uint32_t newest_s) const {
    return newest_s - ((newest_s - static_cast<std::uint32_t>(bits)) & 0x1ffffU);
  }
  DeviceUse use(std::uint32_t newest_s) const;
};
enum DeviceKind : std::uint32_t { kDeviceCallOut, kDeviceCallIn, kDeviceMessage };

struct SeenNumber {
  std::uint32_t hash = 0, first_s = 0, last_s = 0;
};
struct SeenCell {
  std::uint32_t hash = 0, last_s = 0;
};

static_assert(sizeof(SeenCell) == sizeof(DeviceThing));

struct DeviceRecord {
  static constexpr std::size_t kUsesMax = 256, kCellsMax = 64, kNumbersMax = 64;
  std::uint32_t first_s = 0, newest_s = 0;
  SeenNumber number;  // of the latest use; hash 0 = none yet
  SeenCell cell;
  BlockList<SeenNumber> numbers;  // those before it, which are others
  // The cells before the latest use's, the packed days, then the uses of 24 h by time: one place in memory.
  BlockList<DeviceThing> things;
  std::uint32_t busy : 24 = 0;       // handle + 1, 0 = listed
  std::uint32_t days : 8 = 0;        // so many of the things
  std::uint32_t cells : 8 = 0;       // likewise
  std::uint32_t silence_h : 12 = 0;  // its latest silence, 0 = none
  std::uint32_t woke_h : 12 = 0;     // hour in which that ended, modulo 4096
  std::uint32_t uses() const { return things.size() - cells - days; }
};
static_assert(sizeof(DeviceRecord) == 52);

struct BusyDevice : DeviceCounters {
  enum Counter : std::size_t { kTalk = kShared, kRings, kRing, kCounters };
  enum Square : std::size_t { kTalkSquares, kRingSquares, kSquares };
  static constexpr std::size_t kGapCalls = 128, kRegions = 1024;
  WindowRings<kCounters, std::uint32_t, 3> counts;
  StepRing<spec(Window::k24h).steps, kSquares, std::uint64_t> squares;  // of 24 h
  DistinctWindows callees{Window::k24h};
  std::array<std::uint32_t, kRegions> region_step{};  // last half-hour + 1 each region was called in
  std::vector<std::uint32_t> calls_1h;                // times of the latest calls made, ascending
  std::uint32_t clock_s = 0;
  // Once it is quiet enough uses are listed again; when the list covers 24 h, the device leaves here.
  bool listing = false;
  std::uint32_t listing_from_s = 0;
  std::vector<DeviceUse> list;

  void add(const DeviceUse& use, std::uint32_t now_s);
  void add_call_time(std::uint32_t time_s);
  std::uint64_t total_24h() const;
  std::uint64_t bytes() const {
    return sizeof(*this) + callees.bytes() + list.capacity() * sizeof(DeviceUse) +
           calls_1h.capacity() * sizeof(std::uint32_t);
  }
  void save(StateWriter& out) const;
  void load(StateReader& in);
};

// One use as an event tells it.
struct DeviceContact {
  EventMs time;
  DeviceKind kind{};
  model::NumberKey number, peer;
  model::Answered answered = model::Answered::kUnknown;
  std::int32_t talk_s = -1;
  std::uint64_t cell = 0;  // hash of its key; 0 = not known
  std::int32_t ring_s = -1;
  bool international = false, roaming = false;
};

class DeviceActivities {
 public:
  explicit DeviceActivities(std::chrono::seconds local_offset = NumberOptions().local_offset)
      : local_offset_(local_offset), table_(std::chrono::hours(24 * 30)) {}

  void prefetch(std::uint64_t hash, unsigned stage) const {
    if (!singles_.prefetch(hash, stage)) table_.prefetch_hash(hash, stage);
  }
  void prefetch_more(model::EntityKey device, std::uint64_t hash) const;  // a stage later: its lists
  // Null while one number alone uses it. The record stays where it is until the next call.
  const DeviceRecord* update(model::EntityKey device, std::uint64_t hash, const DeviceContact& contact,
                             EventMs watermark);
  const DeviceRecord* find(model::EntityKey device, std::uint64_t hash, EventMs watermark) {
    return table_.find_hash(DeviceKey{device.lo}, hash, watermark);
  }

  void evict(EventMs watermark);
  void save(StateWriter& out) const;
  Result<> load(StateReader& in);

  std::uint64_t size() const { return table_.size() + singles_.size(); }
  std::uint64_t evicted() const { return table_.evicted() + singles_.evicted(); }
  std::uint64_t too_old() const { return too_old_; }
  std::uint64_t bytes() const;

  std::span<const DeviceThing> uses(const DeviceRecord& record) const { return uses_of(record); }
  DeviceDays days(const DeviceRecord& record) const;
  std::span<const SeenNumber> numbers(const DeviceRecord& record) const { return record.numbers.in(blocks_); }
  std::span<const DeviceThing> cells(const DeviceRecord& record) const {  // each to be read by seen_cell()
    return record.things.in(blocks_).first(record.cells);
  }
  const BusyDevice& busy(const DeviceRecord& record) const { return busy_.at(record.busy - 1); }
  std::chrono::seconds local_offset() const { return local_offset_; }

 private:
  DeviceRecord* second_number(DeviceKey key, std::uint64_t hash, const DeviceContact& contact, EventMs watermark);
  bool shared(const DeviceRecord& record) const;
  void make_single(DeviceKey key, std::uint64_t hash, DeviceRecord& record, const DeviceContact& contact,
                   EventMs watermark);
  bool see_number(DeviceRecord& record, std::uint32_t hash, std::uint32_t time_s);  // another than before?
  bool see_cell(DeviceRecord& record, std::uint32_t hash, std::uint32_t time_s);
  std::span<DeviceThing> uses_of(const DeviceRecord& record) const {
    return record.things.in(blocks_).subspan(record.cells + record.days);
  }
  void keep_cell(DeviceRecord& record, std::uint32_t from_s);
  void drop_uses(DeviceRecord& record, std::uint32_t before_s);
  void add_listed(DeviceRecord& record, const DeviceUse& use);
  void add_busy(DeviceRecord& record, const DeviceUse& use);
  void append_use(DeviceRecord& record, const DeviceUse& use);
  void add_day(DeviceRecord& record, const DeviceUse& use);
  void keep_days(DeviceRecord& record, const DeviceDays& days);
  void load_days(StateReader& in, DeviceRecord& record);
  void advance(DeviceRecord& record, std::uint32_t time_s);
  bool called(const DeviceRecord& record, std::uint32_t callee) const;  // within 24 h
  void release(DeviceRecord& record);
  void save_record(StateWriter& out, const DeviceRecord& record) const;
  void load_record(StateReader& in, DeviceRecord& record);

  std::chrono::seconds local_offset_;
  StateTable<DeviceKey, DeviceRecord> table_;
  DeviceSingles singles_;
  BlockPool blocks_;
  std::uint32_t sweeps_ = 0;
  ObjectPool<BusyDevice> busy_;
  std::uint64_t too_old_ = 0;
};

inline SeenCell seen_cell(const DeviceThing& thing) {
  return std::bit_cast<SeenCell>(thing);
}

}  // namespace pandun::detect
