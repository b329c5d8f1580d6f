// A cell's counters by step for 5 min, 1 h and 24 h, in as few bits as its busiest step needs.
//
// Units    steps as window.h has them; counts up to 2^32 - 1 in a window.
// Shape    23 lanes, one for each counter and window that has it: no bits at all until it counts something, then 2, 4, 8, 16 or
//          32 for each of its steps. A cell of 3,600 contacts a day: 650 bytes in a block of its own.
// Windows  5 min has the first 5 counters, 1 h 8, 24 h all; of others the count is 0.
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "detect/fetch.h"
#include "detect/window.h"

namespace pandun::detect {

class CellCounts {
 public:
  static constexpr std::size_t kCounters = 10, kWindowCount = 3;
  static constexpr std::array<std::size_t, kWindowCount> kHas{5, 8, kCounters}, kFirst{0, 5, 13};
  using Counts = std::array<std::uint32_t, kCounters>;

  std::uint32_t clock_s() const { return clock_s_; }
  void prefetch() const {
    for (std::size_t at = 0; at < bytes_; at += 64) fetch_line(bits_.get() + at);
  }
  void advance(std::uint32_t now_s);
  void add(std::uint32_t time_s, const Counts& n);  // not newer than the clock: to each counter its own
  std::uint64_t total(Window w, std::size_t counter) const {
    return counter < kHas[index(w)] ? sums_[lane_of(index(w), counter)] : 0;
  }
  // The count `back` steps before the current one, in steps of that window.
  std::uint32_t at(Window w, std::uint32_t back, std::size_t counter) const;
  std::uint64_t heap_bytes() const { return bytes_ == 0 ? 0 : (std::uint64_t{bytes_} + 8 + 15) / 16 * 16; }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr std::size_t kLanes = 23;
  static_assert(kFirst[2] + kHas[2] == kLanes && kFirst[2] == kFirst[1] + kHas[1] && kFirst[1] == kHas[0]);
  static std::size_t index(Window w) { return std::min(static_cast<std::size_t>(w), kWindowCount - 1); }
  static constexpr std::size_t lane_of(std::size_t window, std::size_t counter) { return kFirst[window] + counter; }
  static constexpr std::size_t window_of(std::size_t lane) { return lane < kFirst[1] ? 0 : lane < kFirst[2] ? 1 : 2; }
  static constexpr std::uint32_t steps_of(std::size_t lane) { return kWindowSpecs[window_of(lane)].steps; }
  static constexpr std::uint32_t step_s_of(std::size_t lane) { return kWindowSpecs[window_of(lane)].step_s; }
  std::uint32_t get(std::size_t lane, std::uint32_t slot) const;
  void set(std::size_t lane, std::uint32_t slot, std::uint32_t value);  // widens the lane where it must
  void widen(std::size_t lane, std::uint32_t value);
  void pass(std::size_t lane, std::uint32_t from_step, std::uint32_t to_step);

  std::uint32_t clock_s_ = 0;
  std::array<std::uint32_t, kLanes> sums_{};
  std::array<std::uint16_t, kLanes> begin_{};  // its first byte
  std::array<std::uint8_t, kLanes> width_{};   // bits a step
  std::uint16_t bytes_ = 0;
  std::unique_ptr<std::uint8_t[]> bits_;
};

}  // namespace pandun::detect
