// How a device's recent use is stored; what it means is in device_activity.h.
//
// Shape    a device of one number is 10 bytes (device_singles.h). One of more is an entry of 64 bytes, one line of memory, and
//          lists: 12 bytes for each further number, 8 for each cell and use. Lists and counters are two stores of the same
//          thing: which one is used can change at any time without changing any feature.
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
#include "detect/features/device_singles.h"
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

struct DeviceUse {
  std::uint32_t time_s;
  std::uint32_t callee : 24;  // of a call made; 0 = none, or not known
  std::uint32_t kind : 2;     // DeviceKind
  std::uint32_t answered : 2;
  std::uint32_t brief : 1;
  std::uint32_t switched : 1;
  std::uint32_t moved : 1;
  std::uint32_t unused : 1;
};
static_assert(sizeof(DeviceUse) == 8);
enum DeviceKind : std::uint32_t { kDeviceCallOut, kDeviceCallIn, kDeviceMessage };

struct SeenNumber {
  std::uint32_t hash = 0, first_s = 0, last_s = 0;
};
struct SeenCell {
  std::uint32_t hash = 0, last_s = 0;
};

static_assert(sizeof(SeenCell) == sizeof(DeviceUse));

struct DeviceRecord {
  static constexpr std::size_t kUsesMax = 256, kCellsMax = 64, kNumbersMax = 64;
  std::uint32_t first_s = 0, newest_s = 0;
  SeenNumber number;  // of the latest use; hash 0 = none yet
  SeenCell cell;
  BlockList<SeenNumber> numbers;  // those before it, which are others
  // The cells before the latest use's, as bytes of a use each, then the uses by time: one place in memory.
  BlockList<DeviceUse> things;
  std::uint32_t busy = 0;  // handle + 1, 0 = listed
  std::uint8_t cells = 0;  // how many of the things are cells
  std::uint32_t uses() const { return things.size() - cells; }
};

struct BusyDevice {
  enum Counter : std::size_t {
    kCallsOut,
    kCallsIn,
    kMessagesOut,
    kAnswered,
    kUnanswered,
    kShort,
    kSwitches,
    kMoves,
    kCounters
  };
  WindowRings<kCounters, std::uint32_t, 3> counts;
  DistinctWindows callees{Window::k24h};
  std::uint32_t clock_s = 0;
  // Once it is quiet enough uses are listed again; when the list covers 24 h, the device leaves here.
  bool listing = false;
  std::uint32_t listing_from_s = 0;
  std::vector<DeviceUse> list;

  void add(const DeviceUse& use, std::uint32_t now_s);
  std::uint64_t total_24h() const;
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
};

class DeviceActivities {
 public:
  DeviceActivities() : table_(std::chrono::hours(24 * 30)) {}

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

  std::span<const DeviceUse> uses(const DeviceRecord& record) const { return uses_of(record); }
  std::span<const SeenNumber> numbers(const DeviceRecord& record) const { return record.numbers.in(blocks_); }
  std::span<const DeviceUse> cells(const DeviceRecord& record) const {  // each to be read by seen_cell()
    return record.things.in(blocks_).first(record.cells);
  }
  const BusyDevice& busy(const DeviceRecord& record) const { return busy_.at(record.busy - 1); }

 private:
  DeviceRecord* second_number(DeviceKey key, std::uint64_t hash, const DeviceContact& contact, EventMs watermark);
  bool shared(const DeviceRecord& record) const;
  void make_single(DeviceKey key, std::uint64_t hash, DeviceRecord& record, const DeviceContact& contact,
                   EventMs watermark);
  bool see_number(DeviceRecord& record, std::uint32_t hash, std::uint32_t time_s);  // another than before?
  bool see_cell(DeviceRecord& record, std::uint32_t hash, std::uint32_t time_s);
  std::span<DeviceUse> uses_of(const DeviceRecord& record) const {
    return record.things.in(blocks_).subspan(record.cells);
  }
  void keep_cell(DeviceRecord& record, std::uint32_t from_s);
  void drop_uses(DeviceRecord& record, std::uint32_t before_s);
  void add_listed(DeviceRecord& record, const DeviceUse& use);
  void add_busy(DeviceRecord& record, const DeviceUse& use);
  void release(DeviceRecord& record);
  void save_record(StateWriter& out, const DeviceRecord& record) const;
  void load_record(StateReader& in, DeviceRecord& record);

  StateTable<DeviceKey, DeviceRecord> table_;
  DeviceSingles singles_;
  BlockPool blocks_;
  std::uint32_t sweeps_ = 0;
  ObjectPool<BusyDevice> busy_;
  std::uint64_t too_old_ = 0;
};

inline SeenCell seen_cell(const DeviceUse& thing) {
  return std::bit_cast<SeenCell>(thing);
}

void save_use(StateWriter& out, const DeviceUse& use);
DeviceUse load_use(StateReader& in);

}  // namespace pandun::detect
