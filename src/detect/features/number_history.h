// What a number did more than 24 h ago, in few bytes: counts by day for 7 d and by 6 days for 30 d, and who was last met when.
//
// Shape    A contact comes here when it leaves the 24 h, in order of time; the history's own clock is the day at which that
//          happened, so that it is the same however late it is told. A peer stands in the day, then the 6 days, it was last
//          met in: 10 bits of hash. Up to kDayPeers peers of 7 d and kSpanPeers before are all kept; of more, those that pass
//          the level of their day and lane by hash, 1 in 2^level, and count 2^level times (Gibbons, "Distinct sampling",
//          VLDB 2001). The fullest day and lane is thinned first; its level goes when the day goes. Where each of them stands
//          for 16 already, up to kMostPeers stay: few numbers have so many.
//          Unpacked it is a fixed structure of 1,600 bytes; packed 20 to 100 bytes, for few numbers up to 300.
// Exact    counts, always. Talk times to 16 s each: over many they even out.
// Errors   unpack() is false for bytes that pack() cannot have written in a way that would lead astray.
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>

#include "detect/bits.h"
#include "detect/features/contact.h"
#include "detect/features/number_activity.h"
#include "detect/window.h"

namespace pandun::detect {

class History {
 public:
  static constexpr std::size_t kDayPeers = 12, kSpanPeers = 6, kMostPeers = 64;
  static constexpr unsigned kCheapLevel = 4;
  static constexpr std::uint32_t kTalkUnitS = 16;
  static constexpr double kRelativeError = 0.3;  // of peers in a window, from 20 on (1 sigma)
  static constexpr unsigned kHashBits = 10;
  static constexpr std::uint32_t kDayS = spec(Window::k7d).step_s;
  static std::uint16_t hash_of(std::uint16_t peer) { return static_cast<std::uint16_t>(peer >> (16 - kHashBits)); }

  bool empty() const { return cell_count_ == 0; }
  std::uint32_t clock_day() const { return clock_day_; }
  // An upper bound of the contacts in it.
  std::uint32_t contacts() const;

  void clear() {
    clock_day_ = 0;
    cell_count_ = thing_count_ = 0;
  }
  static void add_to(NumberTally& sum, const NumberTally& n);
  static NumberTally coarse(const Contact& contact);  // its counts, as they stand here
  // Days that left the 7 d become part of their 6 days; 6 days that left the 30 d go.
  void advance(std::uint32_t now_s);
  // A contact outside the 24 h at the clock; what is outside the 30 d changes nothing.
  void add(const Contact& contact);
  // The same of many at once, without peers: what counters hold of a day or 6 days.
  void add(std::uint32_t time_s, const NumberTally& counts);
  void meet(std::uint32_t time_s, Lane lane, std::uint16_t hash, unsigned level);

  // Of 7 d or 30 d at the clock.
  void tally(Window w, NumberTally& sum) const;
  // f(hash, how many it stands for)
  template <typename F>
  void each_peer(Lane lane, Window w, F f) const {
    for (std::size_t i = 0; i < thing_count_; ++i) {
      const Thing& thing = things_[i];
      if ((thing.lanes >> static_cast<unsigned>(lane) & 1U) != 0 && inside(cells_[thing.cell], w))
        f(thing.hash, 1U << cells_[thing.cell].level[static_cast<std::size_t>(lane)]);
    }
  }
  // f(first second, calls out, messages out) of each day or 6 days that holds anything.
  template <typename F>
  void each_step(Window w, F f) const {
    for (std::size_t i = 0; i < cell_count_; ++i)
      if (inside(cells_[i], w)) f(cells_[i].day * kDayS, cells_[i].counts.calls_out, cells_[i].counts.messages_out);
  }

  void pack(BitWriter& out) const;
  bool unpack(BitReader& in);

 private:
  static constexpr std::uint32_t kDays = spec(Window::k7d).steps, kSpanDays = spec(Window::k30d).step_s / kDayS,
                                 kSpans = spec(Window::k30d).steps;
  static constexpr std::size_t kCells = kDays + kSpans + 2, kThings = 3 * (kMostPeers + 1);
  using Levels = std::array<std::uint8_t, kLanes>;
  struct Cell {
    std::uint16_t day;  // the first of a span
    bool span;
    Levels level;
    NumberTally counts;
  };
  struct Thing {
    std::uint16_t hash;
    std::uint8_t lanes, cell;
  };
  static bool passes(std::uint16_t hash, unsigned level) { return (hash & ((1U << level) - 1)) == 0; }
  std::uint32_t first_day() const { return clock_day_ < kDays - 1 ? 0 : clock_day_ - (kDays - 1); }
  std::uint32_t first_span_day() const {
    const std::uint32_t span = clock_day_ / kSpanDays;
    return span < kSpans - 1 ? 0 : (span - (kSpans - 1)) * kSpanDays;
  }
  static bool inside(const Cell& cell, Window w) { return w == Window::k30d || (w == Window::k7d && !cell.span); }
  Cell* open(std::uint32_t time_s);
  std::size_t find_or_add(std::uint16_t day, bool span);
  void settle(std::uint32_t day);
  void remove_cell(std::size_t at);
  void drop_thing(std::size_t at) { things_[at] = things_[--thing_count_]; }
  void put(std::uint16_t hash, std::uint8_t lanes, std::size_t cell);
  // The least level of a thing's lanes: so many low bits of its hash are 0.
  static unsigned low_bits(const Cell& cell, std::uint8_t lanes);
  void thin(bool span);
  void raise(std::size_t cell, std::size_t lane, unsigned level);
  void pack_counts(const NumberTally& counts, std::array<unsigned, kLanes + 1>& width, BitWriter& out) const;
  static void unpack_counts(NumberTally& counts, std::array<unsigned, kLanes + 1>& width, BitReader& in);

  std::uint32_t clock_day_ = 0;
  std::size_t cell_count_ = 0, thing_count_ = 0;
  std::array<Cell, kCells> cells_;  // newest first
  std::array<Thing, kThings> things_;
};

}  // namespace pandun::detect
