// What sim_box keeps of a device; of a cell see cell.h.
//
// Units    seconds since 1970. A device's counts are those of the latest 12 to 24 hours.
// Shape    a device that one or two numbers use costs nothing here; from the third number on about 400 and 16 for each number.
#pragma once

#include <memory>
#include <vector>

#include "detect/small_state.h"
#include "detect/state_table.h"
#include "detectors/sim_box/routes.h"
#include "model/number.h"

namespace pandun::detectors::sim_box {

inline constexpr std::uint32_t kDeviceSpanS = 12 * 3600;
inline constexpr std::size_t kDeviceNumbersMax = 64;

// A device's key: 64 bits of its text.
struct DeviceKey {
  std::uint64_t bits = 0;
  friend bool operator==(DeviceKey, DeviceKey) = default;
};
inline std::uint64_t state_hash(DeviceKey key) {
  return hash_of(model::EntityKey{0, key.bits});
}
inline void write_key(detect::StateWriter& out, DeviceKey key) {
  out.u64(key.bits);
}
inline void read_key(detect::StateReader& in, DeviceKey& key) {
  key.bits = in.u64();
}

struct DeviceNumber {
  model::NumberKey number;
  detect::TwoSpans<> calls;
  std::uint32_t last_s = 0;
};

struct Device {
  detect::SpanClock clock;
  std::vector<DeviceNumber> numbers;
  detect::TwoSpans<std::uint32_t> calls, switches, calls_in;
  detect::TwoSpansDistinct<256> callees;
  detect::TwoSpansDistinct<64> cells;
  model::NumberKey last;
  detect::Said said;  // of the numbers in use
  std::uint32_t first_s = 0;
  detect::LatestRecords<8> records;
  Routes routes;

  std::uint64_t bytes() const { return sizeof(*this) + numbers.capacity() * sizeof(DeviceNumber) + routes.bytes(); }
  void advance(std::uint32_t time_s) {
    clock.advance(time_s, kDeviceSpanS, [this](bool adjacent) {
      calls.turn(adjacent);
      switches.turn(adjacent);
      calls_in.turn(adjacent);
      callees.turn(adjacent);
      cells.turn(adjacent);
      for (DeviceNumber& n : numbers) n.calls.turn(adjacent);
    });
  }
  // When there is no room, the one that was silent longest gives way.
  DeviceNumber& seat(model::NumberKey number) {
    for (DeviceNumber& n : numbers)
      if (n.number == number) return n;
    if (numbers.size() < kDeviceNumbersMax) {
      detect::grow(numbers, 4, kDeviceNumbersMax);
      numbers.push_back({number, {}, 0});
      return numbers.back();
    }
    auto oldest = numbers.begin();
    for (auto it = numbers.begin(); it != numbers.end(); ++it)
      if (it->last_s < oldest->last_s) oldest = it;
    *oldest = {number, {}, 0};
    return *oldest;
  }
  void save(detect::StateWriter& w) const {
    w.u32(clock.span);
    w.varint(numbers.size());
    for (const DeviceNumber& n : numbers) {
      w.u64(n.number.bits());
      n.calls.save(w);
      w.u32(n.last_s);
    }
    calls.save(w);
    switches.save(w);
    calls_in.save(w);
    callees.save(w);
    cells.save(w);
    w.u64(last.bits());
    said.save(w);
    w.u32(first_s);
    records.save(w);
    routes.save(w);
  }
  void load(detect::StateReader& r) {
    clock.span = r.u32();
    const std::uint64_t size = r.varint();
    if (size > kDeviceNumbersMax) return r.fail("more numbers than a device may have");
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
      detect::grow(numbers, 4, kDeviceNumbersMax);
      DeviceNumber& n = numbers.emplace_back();
      n.number = model::NumberKey::from_bits(r.u64());
      n.calls.load(r);
      n.last_s = r.u32();
    }
    calls.load(r);
    switches.load(r);
    calls_in.load(r);
    callees.load(r);
    cells.load(r);
    last = model::NumberKey::from_bits(r.u64());
    said.load(r);
    first_s = r.u32();
    records.load(r);
    routes.load(r);
  }
};

}  // namespace pandun::detectors::sim_box
