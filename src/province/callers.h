// What planted telephone fraud shares: several numbers that work together, each at its own time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "province/plant.h"

namespace pandun::province {

inline std::string device_text(std::uint64_t hash) {
  std::string out;
  append_imei(out, hash);
  return out;
}
inline std::string cell_text(std::uint64_t cell) {
  std::string out;
  append_cell_id(out, cell);
  return out;
}
struct Person {
  std::string number, device;
};
inline Person victim(World& world, Prng& random) {
  Person out;
  const std::uint32_t who = world.people.anyone(random);
  world.people.append_number(out.number, who);
  world.people.append_device(out.device, who);
  return out;
}
// The first time from `ms` on whose local hour is one of from .. to - 1.
inline std::int64_t in_hours(std::int64_t ms, std::int64_t from, std::int64_t to, Prng& random) {
  constexpr std::int64_t kZone = 8 * kHour;
  const std::int64_t midnight = (ms + kZone) / kDay * kDay - kZone, hour = (ms - midnight) / kHour;
  if (hour >= from && hour < to) return ms;
  return midnight + (hour < from ? 0 : kDay) + from * kHour +
         static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(kHour)));
}
// Who lets it ring on purpose: 3 to 5 rings of 1 s and 4 s of silence.
inline std::int32_t few_rings(const World& world, std::int64_t ms, std::string_view a, std::string_view b) {
  return static_cast<std::int32_t>(world.beside(ms, a, b).between(11, 25));
}

// Several callers working together; each acts at its own time, the plant at the earliest.
struct Caller {
  std::string number, device;
  std::int64_t next_ms = 0, first_ms = 0, end_ms = 0;
  bool told = false;
};

class Callers : public Plant {
 public:
  void act(World& world) final {
    const auto it = earliest();
    Caller& caller = *it;
    if (!caller.told) {
      caller.told = true;
      world.truth(next_ms_, "fraud", "number", caller.number, pattern_, caller.first_ms, caller.end_ms, note_);
    }
    const std::int64_t gap = caller_act(world, caller);
    caller.next_ms += std::max<std::int64_t>(gap, 1);
    if (caller.next_ms >= caller.end_ms) caller.next_ms = kNever;
    next_ms_ = earliest()->next_ms;
  }

 protected:
  Callers(std::int64_t start_ms, std::uint64_t seed, std::string_view pattern, std::string_view note)
      : Plant(start_ms, seed), pattern_(pattern), note_(note) {}
  void add(std::string number, std::string device, std::int64_t first_ms, std::int64_t end_ms) {
    callers_.push_back({std::move(number), std::move(device), first_ms, first_ms, end_ms, false});
    next_ms_ = earliest()->next_ms;
  }
  // Acts at caller.next_ms; returns the time to its next act.
  virtual std::int64_t caller_act(World& world, Caller& caller) = 0;
  std::vector<Caller>::iterator earliest() {
    return std::min_element(callers_.begin(), callers_.end(),
                            [](const Caller& a, const Caller& b) { return a.next_ms < b.next_ms; });
  }
  std::vector<Caller> callers_;
  std::string_view pattern_, note_;
};

inline std::string some_segment(Prng& random) {
  constexpr std::array<std::string_view, 8> kSegments{"170", "171", "165", "167", "162", "192", "131", "153"};
  return std::string(kSegments[random.below(kSegments.size())]);
}

}  // namespace pandun::province
