// What was done on a device by day for 7 d and by 6 days for 30 d, and whom it called, in few bytes.
//
// Units    windows as detect/window.h has them: days of UTC, spans of 6. The clock is the device's own newest event.
// Shape    32 bytes for each day and span with a use; 4 bytes for each callee that is kept, in the day, then the span, it was
//          last called in. A day or span of more than kStepMost callees keeps those whose hash passes its level, 1 in 2^level,
//          each for 2^level (Gibbons, "Distinct sampling", VLDB 2001).
// Exact    counts up to 65,535 a day or span and no further, talk times up to 2^32 - 1 s; different callees up to kStepMost in
//          each, beyond within 25 % of one such day, 10 % of a week of them (1 sigma).
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>

#include "detect/features/block_list.h"
#include "detect/state_io.h"
#include "detect/window.h"

namespace pandun::detect {

struct DeviceDay {
  enum Counter : std::size_t {
    kCallsOut,
    kCallsIn,
    kMessagesOut,
    kAnswered,
    kUnanswered,
    kShort,
    kSwitches,
    kMoves,
    kReturned,
    kAbroad,
    kRoaming,
    kNight,
    kCounters
  };
  using Counts = std::array<std::uint16_t, kCounters>;
  std::uint16_t day;  // since 1970; the first of a span
  std::uint8_t level;
  std::uint8_t span;
  Counts counts;
  std::uint32_t talk_s;
};
static_assert(sizeof(DeviceDay) == 32);

class DeviceDays {
 public:
  static constexpr std::size_t kStepMost = 24;
  static constexpr unsigned kCalleeBits = 23;

  // Moves on: days that left the 7 d become part of their span, spans that left the 30 d go.
  void advance(BlockPool& pool, std::uint32_t now_s);
  // Not newer than the clock and at most two days older.
  void add(BlockPool& pool, std::uint32_t time_s, const DeviceDay::Counts& n, std::uint32_t talk_s);
  void meet(BlockPool& pool, std::uint32_t time_s, std::uint32_t callee);  // after add(); kCalleeBits of hash

  // f(const DeviceDay&) of each day and span of 7 d or 30 d, in no order.
  template <typename F>
  void each(const BlockPool& pool, Window w, F f) const {
    for (const DeviceDay& d : steps_.in(pool))
      if (w == Window::k30d || d.span == 0) f(d);
  }
  double callees(const BlockPool& pool, Window w) const;  // different ones; a whole number

  void clear(BlockPool& pool) {
    steps_.clear(pool);
    callees_.clear(pool);
    clock_day_ = 0;
  }
  void settle(BlockPool& pool) {
    steps_.settle(pool);
    callees_.settle(pool);
  }
  void save(const BlockPool& pool, StateWriter& out) const;
  void load(BlockPool& pool, StateReader& in, std::uint32_t now_s);

 private:
  static constexpr std::uint32_t kDayS = spec(Window::k7d).step_s, kDays = spec(Window::k7d).steps,
                                 kSpanDays = spec(Window::k30d).step_s / kDayS,
                                 kStepsMost = kDays + spec(Window::k30d).steps;
  static constexpr unsigned kLevelMost = 20, kDayBits = 32 - kCalleeBits;
  static bool passes(std::uint32_t hash, unsigned level) { return (hash & ((1U << level) - 1)) == 0; }
  static std::uint32_t hash_of(std::uint32_t callee) { return callee & ((1U << kCalleeBits) - 1); }
  static std::uint32_t thing(std::uint32_t hash, std::uint32_t day) { return hash | day << kCalleeBits; }
  std::uint32_t day_of(std::uint32_t callee) const {
    return clock_day_ - ((clock_day_ - (callee >> kCalleeBits)) & ((1U << kDayBits) - 1));
  }
  std::uint32_t first_day() const { return start_s(Window::k7d, clock_day_ * kDayS) / kDayS; }
  std::uint32_t first_span_day() const { return start_s(Window::k30d, clock_day_ * kDayS) / kDayS; }
  // The day itself, or the first of its span: where it is counted.
  std::uint32_t step_of(std::uint32_t day) const { return day >= first_day() ? day : day / kSpanDays * kSpanDays; }
  DeviceDay* find(const BlockPool& pool, std::uint32_t day, bool span) const;
  DeviceDay& open(BlockPool& pool, std::uint32_t day, bool span);
  void thin(BlockPool& pool, DeviceDay& step);

  BlockList<DeviceDay> steps_;
  BlockList<std::uint32_t> callees_;  // hash, and the day modulo 2^kDayBits above it
  std::uint16_t clock_day_ = 0;
};

}  // namespace pandun::detect
