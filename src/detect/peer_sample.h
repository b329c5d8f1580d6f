// How many different peers were met within 7 d and 30 d, of things met too often to keep them all.
//
// Units    things are 32-bit hashes; times whole seconds.
// Shape    a thing stands in the step (day, for 7 d; then 6 days) it was last met in. A step of more than kStepMost things
//          keeps those whose hash passes its level, 1 in 2^level (Gibbons, "Distinct sampling", VLDB 2001), and counts each
//          2^level times. One hash table of 8 bytes a kept thing.
// Exact    up to kStepMost things in every step; beyond, within kRelativeError (1 sigma) when steps are alike.
// Threads  one owner.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "detect/window.h"

namespace pandun::detect {

class PeerSample {
 public:
  static constexpr std::size_t kStepMost = 96;
  static constexpr double kRelativeError = 0.07;

  void advance(std::uint32_t now_s);  // moves the clock; add() needs times that are not newer
  void add(std::uint32_t hash, std::uint32_t time_s);
  double count(Window w) const;  // k7d or k30d; a whole number
  bool exact() const;
  // Seen at or after `since_s`, a whole day; a lower bound once not exact.
  bool contains_since(std::uint32_t hash, std::uint32_t since_s) const;
  // f(day, hash, level) of each kept thing, in order; the day is its span's first beyond the 7 d.
  template <typename F>
  void each(F f) const {
    std::vector<Slot> slots;
    for (const Slot& slot : slots_)
      if (slot.day > kNoStep) slots.push_back(slot);
    std::sort(slots.begin(), slots.end(),
              [](const Slot& a, const Slot& b) { return a.day != b.day ? a.day < b.day : a.hash < b.hash; });
    for (const Slot& slot : slots) f(slot.day - 1U, slot.hash, find_step(slot.day - 1U)->level);
  }
  std::uint64_t bytes() const { return sizeof(*this) + slots_.capacity() * sizeof(Slot); }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr WindowSpec kDay = kWindowSpecs[3], kSpan = kWindowSpecs[4];
  static constexpr std::uint32_t kDaysInSpan = kSpan.step_s / kDay.step_s;
  struct Slot {
    std::uint32_t hash = 0;
    std::uint16_t day = 0;  // + 1; the first of its span once it left the 7 d; 0 = free, kNoStep = in no step
  };
  struct Step {  // a day inside the 7 d, else a span
    std::uint32_t first_day = 0;
    std::uint16_t kept = 0;
    std::uint8_t level = 0;
  };
  static constexpr std::uint16_t kNoStep = 1;
  // By the lowest of the hash's 10 highest bits first: a History goes on from there.
  static bool passes(std::uint32_t hash, unsigned level) {
    const std::uint32_t high = hash >> 22, first = std::min(level, 10U);
    return (high & ((1U << first) - 1)) == 0 && (hash & ((1U << (level - first)) - 1)) == 0;
  }
  std::uint32_t oldest_day() const { return start_s(Window::k7d, now_s_) / kDay.step_s; }
  std::uint32_t oldest_span_day() const { return start_s(Window::k30d, now_s_) / kDay.step_s; }
  std::size_t find(std::uint32_t hash) const;
  Step& step_of(std::uint32_t day);
  const Step* find_step(std::uint32_t day) const;
  // Goes through all things once: moved to where they belong now, dropped when nothing holds them.
  void rebuild();
  void thin(Step& step);

  std::vector<Slot> slots_;
  std::vector<Step> steps_;  // few
  std::size_t used_ = 0;
  std::uint32_t now_s_ = 0, settled_day_ = 0;
};

}  // namespace pandun::detect
