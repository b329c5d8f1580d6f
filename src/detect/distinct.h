// How many different things (peers, hosts, ports, names) were met within 5 min, 1 h and 24 h: one structure, three windows,
// events in any order of time. For 7 d and 30 d see peer_sample.h.
//
// Units    things are 32-bit hashes (peer_hash() below); times are whole seconds.
// Shape    Exact up to kExactMax things in the longest window: a set with each thing's last-seen time. A small set is simply
//          looked through; a larger one also has, per window, a ring that counts last-seen times by step, so that add()
//          and count() are O(1) whatever the window. "Exact" is up to 32-bit hash collisions: one pair in 2^32, less than
//          1 % of one count at kExactMax.
//          Beyond: a HyperLogLog whose registers keep the last time of every rank, in steps of 10 s as windows begin at
//          such, so that one sketch of 50 KB answers for any window. 1,024 registers: relative error 3.3 % (1 sigma), below 1,000 things about 2-3 %.
// Errors   add() is false when the time is behind the longest window: nothing changed.
// Threads  one owner.
// Source   Flajolet et al. 2007 (HyperLogLog); Chabchoub and Hebrail 2010 (sliding HyperLogLog); Ertl 2017,
//          arXiv:1702.01284, algorithm 6 (estimator without bias correction tables).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "detect/fetch.h"
#include "detect/window.h"

namespace pandun::detect {

constexpr std::uint32_t peer_hash(std::uint64_t h) {
  return static_cast<std::uint32_t>(h >> 32);
}  // of a mixed 64-bit hash

class DistinctSketch {
 public:
  static constexpr unsigned kIndexBits = 10;
  static constexpr std::size_t kRegisters = std::size_t{1} << kIndexBits;
  static constexpr unsigned kRanks = 32 - kIndexBits + 1;  // 1..23
  static constexpr double kRelativeError = 0.0325;         // 1.04 / sqrt(1024), 1 sigma

  DistinctSketch();
  void add(std::uint32_t hash, std::uint32_t time_s);
  double count(Window w, std::uint32_t now_s) const;
  std::uint64_t bytes() const;
  void save(StateWriter& out, std::uint32_t oldest_s) const;
  void load(StateReader& in);

 private:
  struct View {  // the plain HyperLogLog of one window, rebuilt when the window's start moves
    std::uint32_t start = 0;
    bool valid = false;
    std::array<std::uint8_t, kRegisters> rank{};
    std::array<std::uint16_t, kRanks + 1> histogram{};
    double estimate = -1;
  };
  static constexpr std::uint32_t kUnitS = kWindowSpecs[0].step_s;
  static constexpr std::uint32_t kBehind = 60'480;  // units kept before the newest time
  static_assert(kBehind * kUnitS >= spec(Window::k7d).step_s * spec(Window::k7d).steps && kBehind < 0xffff);
  void rebuild(View& view, std::uint32_t start) const;
  // A time as it is kept, 0 = before all that is.
  std::uint16_t kept(std::uint32_t time_s) const {
    const std::uint32_t unit = time_s / kUnitS;
    return unit < base_ ? std::uint16_t{0} : static_cast<std::uint16_t>(unit - base_ + 1);
  }
  void make_room(std::uint32_t time_s);

  std::vector<std::uint16_t> last_;  // [register][rank - 1], last-seen unit - base_ + 1, 0 = never
  std::uint32_t base_ = 0;
  std::unique_ptr<std::array<View, 4>> views_;  // up to 7 d
};

class DistinctWindows {
 public:
  static constexpr std::size_t kExactMax = 8192;

  explicit DistinctWindows(Window longest = Window::k24h) : longest_(longest) {}  // longer windows answer as this one

  void advance(std::uint32_t now_s);  // moves the clock; add() needs times that are not newer
  bool add(std::uint32_t hash, std::uint32_t time_s);
  double count(Window w) const;  // a whole number
  // What add() of it will touch behind the object itself.
  void prefetch(std::uint32_t hash) const {
    if (!slots_.empty()) fetch_line(slots_.data() + home(hash));
    if (last_seen_ != nullptr) last_seen_->prefetch();
  }
  bool exact() const { return sketch_ == nullptr; }
  // Seen at or after `since_s`; always false once not exact.
  bool contains_since(std::uint32_t hash, std::uint32_t since_s) const;
  std::uint64_t bytes() const;
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr std::size_t kScanSlots = 64;
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t last = 0;  // last-seen second + 1, 0 = free
  };
  std::size_t home(std::uint32_t hash) const { return (hash * 0x9e3779b1U >> 8) & (slots_.size() - 1); }
  std::size_t find(std::uint32_t hash) const;  // its slot, or the free one where it belongs
  std::uint32_t oldest() const { return start_s(longest_, now_s_); }
  void make_room();
  void become_sketch();

  Window longest_;
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::uint32_t now_s_ = 0;
  std::unique_ptr<WindowRings<1, std::uint32_t, 3>> last_seen_;  // once the set has more than kScanSlots
  std::unique_ptr<DistinctSketch> sketch_;
};

}  // namespace pandun::detect
