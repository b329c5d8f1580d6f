// What a cell saw by day for 7 d and by 6 days for 30 d, in few bytes.
//
// Units    windows as detect/window.h has them: days of UTC, spans of 6. The clock is the newest time it was told.
// Shape    the running day as it is, the days before it and the spans packed in a block: some 12 bytes each.
// Exact    up to 2^31 - 4,097 of a kind in a day or span.
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "detect/bits.h"
#include "detect/state_io.h"
#include "detect/window.h"

namespace pandun::detect {

class CellDays {
 public:
  enum Counter : std::size_t {
    kCallsOut,
    kCallsIn,
    kMessages,
    kInternational,
    kAnswered,
    kUnanswered,
    kShort,
    kRoaming,
    kTalk,
    kCounters
  };
  using Counts = std::array<std::uint32_t, kCounters>;

  void advance(std::uint32_t now_s);
  void add(std::uint32_t time_s, const Counts& n);  // not newer than the clock
  Counts total(Window w) const;                     // of 7 d or 30 d
  std::uint32_t clock_day() const { return clock_day_; }
  std::uint64_t heap_bytes() const { return size_ == 0 ? 0 : (std::uint64_t{size_} + kSpare + 8 + 15) / 16 * 16; }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr std::uint32_t kDayS = spec(Window::k7d).step_s, kDays = spec(Window::k7d).steps,
                                 kSpanDays = spec(Window::k30d).step_s / kDayS, kSpans = spec(Window::k30d).steps;
  static constexpr std::uint32_t kCountMost = (1U << 31) - (1U << 12);
  static constexpr std::size_t kSpare = 8;  // bytes that bits are read with behind their end
  struct Step {
    std::uint32_t day;  // since 1970; the first of a span
    bool span;
    Counts counts;
  };
  struct Steps {
    std::size_t size = 0;
    std::array<Step, kDays + kSpans + 2> all;
    Step& open(std::uint32_t day, bool span);
  };
  static void add_to(Counts& sum, const Counts& n);
  std::uint32_t first_day() const { return start_s(Window::k7d, clock_day_ * kDayS) / kDayS; }
  std::uint32_t first_span_day() const { return start_s(Window::k30d, clock_day_ * kDayS) / kDayS; }
  bool unpack(Steps& steps) const;
  void pack(const Steps& steps);

  std::unique_ptr<std::uint8_t[]> packed_;
  Counts today_{};
  std::uint16_t clock_day_ = 0, size_ = 0;
};

}  // namespace pandun::detect
