// How dialling at pace is stored; what it means is in dialling_activity.h.
//
// Safety   callees, cells and devices are hashes; `tail`, the low 32 bits of the callee's digits, is a clear identity and stays
//          in engine memory and sealed files.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "detect/distinct.h"
#include "detect/features/dialling_activity.h"
#include "detect/state_table.h"
#include "model/event.h"

namespace pandun::detect {

struct DialCall {
  enum Flag : std::uint8_t { kE164 = 1, kInternational = 2, kRoaming = 4, kNew = 8, kFirst = 16, kSuspect = 32 };
  std::uint32_t time_s, callee, tail;
  std::int16_t ring_s;  // -1 = not told
  std::uint16_t region, cell;
  std::uint8_t flags;
  bool is(Flag flag) const { return (flags & flag) != 0; }
};
static_assert(sizeof(DialCall) == 20);

struct DialRecord {
  static constexpr std::size_t kCallsMax = 128, kChangesMax = 64;
  std::uint32_t newest_s = 0, heard_s = 0;
  std::uint16_t last_device = 0;
  std::vector<DialCall> calls;  // by time
  std::vector<std::uint32_t> changes;
  DistinctWindows called{Window::k7d}, heard{Window::k7d};

  void add(const DialCall& call);
  void change_device(std::uint16_t device, std::uint32_t time_s);
  std::uint64_t bytes() const {
    return sizeof(*this) + calls.capacity() * sizeof(DialCall) + changes.capacity() * sizeof(std::uint32_t) +
           called.bytes() + heard.bytes() - 2 * sizeof(DistinctWindows);
  }
  void save(StateWriter& out) const;
  void load(StateReader& in);
};

class DiallingActivities {
 public:
  DiallingActivities() : table_(std::chrono::hours(24 * 7)) {}

  // A call out at pace.
  void update(model::NumberKey number, std::uint64_t hash, const model::Call& call, EventMs time, EventMs watermark,
              bool suspect);
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
