// What was done on a device by day for 7 d and by 6 days for 30 d, and whom it called, in few bytes.
//
// Units    windows as detect/window.h has them: days of UTC, spans of 6. The clock is the device's own newest event.
// Shape    unpacked a fixed structure; packed some 10 bytes for each day and span with a use and 3 for each callee that is kept,
//          in the day, then the span, it was last called in. A day or span of more than kStepMost callees keeps those whose
//          hash passes its level, 1 in 2^level, each for 2^level (Gibbons, "Distinct sampling", VLDB 2001).
// Exact    counts; different callees up to kStepMost in each day and span, by 20 bits of hash; beyond within 40 % of one such
//          day, 15 % of a week of them (1 sigma).
// Errors   unpack() is false for what pack() cannot have written.
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>

#include "detect/bits.h"
#include "detect/window.h"

namespace pandun::detect {

// What every store of a device's use counts; each goes on from kShared with its own.
struct DeviceCounters {
  enum Shared : std::size_t {
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
    kShared
  };
};

class DeviceDays : public DeviceCounters {
 public:
  enum Counter : std::size_t { kNight = kShared, kTalk, kCounters };
  using Counts = std::array<std::uint32_t, kCounters>;
  static constexpr std::size_t kStepMost = 16;
  static constexpr unsigned kHashBits = 20;
  static constexpr std::size_t kPackedMost = 1536;

  // Moves on: days that left the 7 d become part of their span, spans that left the 30 d go.
  void advance(std::uint32_t now_s);
  // Not newer than the clock and at most two days older.
  void add(std::uint32_t time_s, const Counts& n);
  void meet(std::uint32_t time_s, std::uint32_t callee);  // after add(); kHashBits of hash

  // f(first second, counts) of each day and span of 7 d or 30 d.
  template <typename F>
  void each(Window w, F f) const {
    for (std::size_t i = 0; i < size_; ++i)
      if (w == Window::k30d || !steps_[i].span) f(steps_[i].day * kDayS, steps_[i].counts);
  }
  double callees(Window w) const;  // different ones; a whole number
  std::uint32_t clock_day() const { return clock_day_; }

  void pack(BitWriter& out) const;
  bool unpack(BitReader& in);

 private:
  static constexpr std::uint32_t kDayS = spec(Window::k7d).step_s, kDays = spec(Window::k7d).steps,
                                 kSpanDays = spec(Window::k30d).step_s / kDayS, kSpans = spec(Window::k30d).steps;
  static constexpr std::uint32_t kCountMost = (1U << 31) - (1U << 12);
  static constexpr unsigned kLevelMost = kHashBits - 4, kSizeBits = 5;
  struct Step {
    std::uint32_t day;  // since 1970; the first of a span
    bool span;
    std::uint32_t level, size;
    Counts counts;
    std::array<std::uint32_t, 1U << kSizeBits> callees;
  };
  static bool passes(std::uint32_t hash, unsigned level) { return (hash & ((1U << level) - 1)) == 0; }
  std::uint32_t first_day() const { return start_s(Window::k7d, clock_day_ * kDayS) / kDayS; }
  std::uint32_t first_span_day() const { return start_s(Window::k30d, clock_day_ * kDayS) / kDayS; }
  Step& open(std::uint32_t day, bool span);
  void remove(std::size_t at);
  static void thin(Step& step);

  std::uint32_t clock_day_ = 0;
  std::size_t size_ = 0;
  std::array<Step, kDays + kSpans + 1> steps_;
};

}  // namespace pandun::detect
