// A cell's counters by step for 5 min, 1 h and 24 h, in as few bits as its busiest step needs.
//
// Units    steps as window.h has them; counts up to 2^32 - 1 in a window.
// Shape    15 lanes, one for each counter and window: no bits at all until it counts something, then 2, 4, 8, 16 or 32 for each
//          of its steps. A cell of 3,600 contacts a day: 450 bytes in a block of its own.
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
  static constexpr std::size_t kCounters = 5, kWindowCount = 3;
  using Counts = std::array<std::uint32_t, kCounters>;

  std::uint32_t clock_s() const { return clock_s_; }
  void prefetch() const {
    for (std::size_t at = 0; at < bytes_; at += 64) fetch_line(bits_.get() + at);
  }
  void advance(std::uint32_t now_s);
  void add(std::uint32_t time_s, const Counts& n);  // not newer than the clock: to each counter its own
  std::uint64_t total(Window w, std::size_t counter) const { return sums_[lane_of(w, counter)]; }
  // The count `back` steps before the current one, in steps of that window.
  std::uint32_t at(Window w, std::uint32_t back, std::size_t counter) const;
  std::uint64_t heap_bytes() const { return bytes_ == 0 ? 0 : (std::uint64_t{bytes_} + 8 + 15) / 16 * 16; }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr std::size_t kLanes = kCounters * kWindowCount;
  static std::size_t lane_of(Window w, std::size_t counter) {
    return std::min(static_cast<std::size_t>(w), kWindowCount - 1) * kCounters + counter;
  }
  static constexpr std::uint32_t steps_of(std::size_t lane) { return kWindowSpecs[lane / kCounters].steps; }
  static constexpr std::uint32_t step_s_of(std::size_t lane) { return kWindowSpecs[lane / kCounters].step_s; }
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
