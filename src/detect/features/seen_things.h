// How many different things were met within 5 min, 1 h and 24 h, for entities that are told much and seldom asked: an add is
// one look at one line of memory; what counting needs is made when somebody counts, and dropped when nobody does any more.
//
// Units    things are 32-bit hashes, never 0; times are whole seconds, none newer than the clock.
// Shape    the same answers as DistinctWindows(Window::k24h): exact up to kExactMax things in 24 h, then a sketch.
//          8 bytes a slot, 11 to 21 a thing; while asked, 700 more.
// Threads  one owner; count() too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "detect/distinct.h"
#include "detect/fetch.h"
#include "detect/window.h"

namespace pandun::detect {

class SeenThings {
 public:
  static constexpr std::size_t kExactMax = DistinctWindows::kExactMax;

  void prefetch(std::uint32_t hash) const {
    if (!slots_.empty()) fetch_line(slots_.data() + home(hash));
  }
  void advance(std::uint32_t now_s) {
    now_s_ = std::max(now_s_, now_s);
    if (rings_ != nullptr) rings_->advance(now_s_);
  }
  // When it was last seen before, plus 1; 0 where that is not known (never, long ago, or a sketch by now).
  std::uint32_t add(std::uint32_t hash, std::uint32_t time_s);
  double count(Window w) const;  // a whole number
  // Gives back what counting needs unless somebody counted since the last call.
  void rest();
  bool exact() const { return sketch_ == nullptr; }
  std::uint64_t bytes() const;
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  using Rings = WindowRings<1, std::uint32_t, 3>;
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t last = 0;  // last-seen second + 1, 0 = free
  };
  static constexpr std::size_t kFirstSlots = 64;
  std::size_t home(std::uint32_t hash) const { return (hash * 0x9e3779b1U >> 8) & (slots_.size() - 1); }
  std::size_t find(std::uint32_t hash) const;  // its slot, or the free one where it belongs
  std::uint32_t oldest() const { return start_s(Window::k24h, now_s_); }
  const Rings& rings() const;
  void make_room();
  void become_sketch();

  std::vector<Slot> slots_;
  std::size_t used_ = 0;  // what left the 24 h but not its slot included
  std::uint32_t now_s_ = 0;
  mutable bool asked_ = false;
  mutable std::unique_ptr<Rings> rings_;  // how many were last seen in each step
  std::unique_ptr<DistinctSketch> sketch_;
};

}  // namespace pandun::detect
