// What a number did more than 24 h ago, in few bytes: counts by day for 7 d and by 6 days for 30 d, and who was last met when.
//
// Shape    A contact comes here when it leaves the 24 h, in order of time; the history's own clock is the day at which that
//          happened, so that it is the same however late it is told. A peer stands in the day, then the 6 days, it was last
//          met in: 10 bits of hash. Up to kDayPeers peers of 7 d and kSpanPeers before are all kept; of more, those that pass
//          the level of their day and lane by hash, 1 in 2^level, and count 2^level times (Gibbons, "Distinct sampling",
//          VLDB 2001). The fullest day and lane is thinned first; its level goes when the day goes. Where each of them stands
//          for 16 already, up to kMostPeers stay: few numbers have so many. Devices, cells and the regions of callees are
//          kept in the same way beside the peers, of each up to kDayPlaces, kSpanPlaces and kMostPlaces.
//          Unpacked it is a fixed structure of 3 KB; packed 20 to 120 bytes, for few numbers up to 400.
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

// What is met: a peer in a lane, a device, a cell, or a region that was called.
enum class Met : std::uint8_t { kCallOut, kCallIn, kMessageOut, kMessageIn, kDevice, kCell, kRegion };
inline constexpr std::size_t kMets = 7;
constexpr Met met(Lane lane) {
  return static_cast<Met>(lane);
}
static_assert(met(Lane::kMessageIn) == Met::kMessageIn);

class History {
 public:
  static constexpr std::size_t kDayPeers = 12, kSpanPeers = 6, kMostPeers = 64;
  static constexpr std::array<std::size_t, 3> kDayPlaces{8, 8, 4}, kSpanPlaces{6, 4, 2};  // devices, cells, regions
  static constexpr std::size_t kMostPlaces = 24;
  static constexpr unsigned kCheapLevel = 4;
  static constexpr std::uint32_t kTalkUnitS = 16;
  static constexpr double kRelativeError = 0.3;  // of peers in a window, from 20 on (1 sigma)
  static constexpr unsigned kHashBits = 10;
  static constexpr std::uint32_t kDayS = spec(Window::k7d).step_s;
  static std::uint16_t hash_of(std::uint16_t peer) { return static_cast<std::uint16_t>(peer >> (16 - kHashBits)); }
  static std::uint16_t hash_of_place(std::uint16_t place) {
    return static_cast<std::uint16_t>(place >> (kPlaceBits - kHashBits));
  }

  bool empty() const { return cell_count_ == 0; }
  std::uint32_t clock_day() const { return clock_day_; }
  // An upper bound of the contacts in it.
  std::uint32_t contacts() const;

  void clear() {
    clock_day_ = 0;
    cell_count_ = thing_count_ = 0;
  }
  static void add_to(NumberTally& sum, const NumberTally& n);
  static void add_to(NumberMarks& sum, const NumberMarks& n);
  static NumberTally coarse(const Contact& contact);  // its counts, as they stand here
  // Days that left the 7 d become part of their 6 days; 6 days that left the 30 d go.
  void advance(std::uint32_t now_s);
  // A contact outside the 24 h at the clock; what is outside the 30 d changes nothing.
  void add(const Contact& contact);
  // The same of many at once, without peers: what counters hold of a day or 6 days.
  void add(std::uint32_t time_s, const NumberTally& counts, const NumberMarks& marks);
  void meet(std::uint32_t time_s, Met what, std::uint16_t hash, unsigned level);

  // Of 7 d or 30 d at the clock.
  void tally(Window w, NumberTally& sum) const;
  void mark(Window w, NumberMarks& sum) const;
  // f(hash, how many it stands for)
  template <typename F>
  void each(Met what, Window w, F f) const {
    for (std::size_t i = 0; i < thing_count_; ++i) {
      const Thing& thing = things_[i];
      if ((thing.mets >> static_cast<unsigned>(what) & 1U) != 0 && inside(cells_[thing.cell], w))
        f(thing.hash, 1U << cells_[thing.cell].level[static_cast<std::size_t>(what)]);
    }
  }
  // Of everything here: the highest level in these lanes (bits by Lane); and whether who passes it was met in one of them.
  unsigned level(std::uint8_t lanes) const;
  bool has_met(std::uint16_t hash, std::uint8_t lanes) const;
  static bool passes(std::uint16_t hash, unsigned level) { return (hash & ((1U << level) - 1)) == 0; }
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
  static constexpr std::size_t kCells = kDays + kSpans + 2,
                               kThings = 3 * (kMostPeers + (kMets - kLanes) * kMostPlaces + kMets);
  static constexpr std::uint8_t kPeers = (1U << kLanes) - 1;
  using Levels = std::array<std::uint8_t, kMets>;
  struct Cell {
    std::uint16_t day;  // the first of a span
    bool span;
    Levels level;
    NumberTally counts;
    NumberMarks marks;
  };
  struct Thing {
    std::uint16_t hash;
    std::uint8_t mets, cell;
  };
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
  void put(std::uint16_t hash, std::uint8_t mets, std::size_t cell);
  // The least level of what a thing was met as: so many low bits of its hash are 0.
  static unsigned low_bits(const Cell& cell, std::uint8_t mets);
  void thin(bool span, std::uint8_t mets, std::size_t few, std::size_t most);
  void thin(bool span, std::size_t what);  // with the others that share its room
  void raise(std::size_t cell, std::size_t what, unsigned level);
  void pack_counts(const NumberTally& counts, std::array<unsigned, kLanes + 1>& width, BitWriter& out) const;
  static void unpack_counts(NumberTally& counts, std::array<unsigned, kLanes + 1>& width, BitReader& in);
  static void pack_marks(const NumberTally& counts, const NumberMarks& marks, BitWriter& out);
  static void unpack_marks(const NumberTally& counts, NumberMarks& marks, BitReader& in);

  std::uint32_t clock_day_ = 0;
  std::size_t cell_count_ = 0, thing_count_ = 0;
  std::array<Cell, kCells> cells_;  // newest first
  std::array<Thing, kThings> things_;
};

}  // namespace pandun::detect
