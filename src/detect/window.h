// Sliding windows in event time, counted in whole steps.
//
// Shape    A window is a fixed number of steps: at `now` it holds every event whose step is one of the last `steps`
//          steps, the current one included, that is every event at or after start_s(now). Every part of the product uses
//          this one definition, so that counts from a contact log, from rings and from a brute-force pass are equal.
//          `now` is the entity's own clock: the newest event time it has seen. An older event goes into its older step
//          when that is still inside the window, and changes nothing otherwise.
// Cost     add() and total() O(1); moving on costs one store a step passed.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "detect/fetch.h"
#include "detect/state_io.h"

namespace pandun::detect {

enum class Window : std::uint8_t { k5m, k1h, k24h, k7d };
inline constexpr std::size_t kWindows = 4;

struct WindowSpec {
  std::string_view name;
  std::uint32_t step_s;
  std::uint32_t steps;
  constexpr std::uint32_t width_s() const { return step_s * steps; }
};
inline constexpr std::array<WindowSpec, kWindows> kWindowSpecs{{
    {"5m", 10, 30},
    {"1h", 60, 60},
    {"24h", 1800, 48},
    {"7d", 14400, 42},
}};
constexpr const WindowSpec& spec(Window w) {
  return kWindowSpecs[static_cast<std::size_t>(w)];
}
inline constexpr std::array<Window, kWindows> kAllWindows{Window::k5m, Window::k1h, Window::k24h, Window::k7d};

// The first second that is inside the window at `now_s`.
constexpr std::uint32_t start_s(const WindowSpec& w, std::uint32_t now_s) {
  const std::uint32_t step = now_s / w.step_s;
  return step + 1 <= w.steps ? 0 : (step + 1 - w.steps) * w.step_s;
}
constexpr std::uint32_t start_s(Window w, std::uint32_t now_s) {
  return start_s(spec(w), now_s);
}

// kCounters counts over one window of kSteps steps. Counts never go negative and never wrap below 2^32 in a window.
template <std::uint32_t kSteps, std::size_t kCounters = 1, typename Count = std::uint32_t>
class StepRing {
 public:
  // Moves the clock to `now_s` if it is newer; steps that fall out are subtracted.
  void advance(std::uint32_t now_s, std::uint32_t step_s) {
    const std::uint32_t step = now_s / step_s;
    if (!started_) {
      head_ = step;
      started_ = true;
      return;
    }
    if (step <= head_) return;
    // Only steps that were counted in are touched: most of a quiet ring is empty, and cold.
    for (std::uint64_t due = used_ & passed_over(step); due != 0; due &= due - 1) {
      auto& cell = cells_[static_cast<std::size_t>(std::countr_zero(due))];
      for (std::size_t c = 0; c < kCounters; ++c) sums_[c] -= cell[c];
      cell = {};
    }
    used_ &= ~passed_over(step);
    head_ = step;
  }
  // False when the step is outside the window: too old, or newer than the clock (advance first).
  bool add(std::uint32_t time_s, std::uint32_t step_s, std::size_t counter = 0, Count n = 1) {
    const std::uint32_t step = time_s / step_s;
    if (!inside(step)) return false;
    cells_[step % kSteps][counter] += n;
    used_ |= std::uint64_t{1} << (step % kSteps);
    sums_[counter] += n;
    return true;
  }
  void subtract(std::uint32_t time_s, std::uint32_t step_s, std::size_t counter = 0, Count n = 1) {
    const std::uint32_t step = time_s / step_s;
    if (!inside(step)) return;
    cells_[step % kSteps][counter] -= n;
    sums_[counter] -= n;
  }
  std::uint64_t total(std::size_t counter = 0) const { return sums_[counter]; }
  // The count `back` steps before the current one.
  Count at(std::uint32_t back, std::size_t counter = 0) const {
    return back >= kSteps || back > head_ ? 0 : cells_[(head_ - back) % kSteps][counter];
  }
  std::uint32_t head_step() const { return head_; }
  bool started() const { return started_; }
  void prefetch(std::uint32_t time_s, std::uint32_t step_s) const {
    fetch_line(&cells_[time_s / step_s % kSteps]);
    fetch_line(&sums_);
  }

  void save(StateWriter& out) const {
    out.u8(started_ ? 1 : 0);
    if (!started_) return;
    out.u32(head_);
    for (const auto& cell : cells_)
      for (const Count n : cell) out.varint(n);
  }
  void load(StateReader& in) {
    *this = StepRing();
    started_ = in.u8() != 0;
    if (!started_) return;
    head_ = in.u32();
    for (std::size_t at = 0; at < kSteps; ++at) {
      for (std::size_t c = 0; c < kCounters; ++c) {
        cells_[at][c] = static_cast<Count>(in.varint());
        sums_[c] += cells_[at][c];
      }
      used_ |= std::uint64_t{1} << at;
    }
  }

 private:
  static_assert(kSteps >= 1 && kSteps < 64);
  static constexpr std::uint64_t kAll = (std::uint64_t{1} << kSteps) - 1;
  bool inside(std::uint32_t step) const { return started_ && step <= head_ && head_ - step < kSteps; }
  // The cells of steps head_ + 1 … step, as bits.
  std::uint64_t passed_over(std::uint32_t step) const {
    if (step - head_ >= kSteps) return kAll;
    const std::uint64_t run = (std::uint64_t{1} << (step - head_)) - 1;
    const std::uint32_t first = (head_ + 1) % kSteps;
    return ((run << first) | (run >> (kSteps - first))) & kAll;
  }

  std::array<std::array<Count, kCounters>, kSteps> cells_{};
  std::array<std::uint64_t, kCounters> sums_{};
  std::uint64_t used_ = 0;  // bit i: cell i may hold something
  std::uint32_t head_ = 0;
  bool started_ = false;
};

// The same counters over the first kCount windows at once (4: all, 3: without 7 d).
template <std::size_t kCounters = 1, typename Count = std::uint32_t, std::size_t kCount = kWindows>
class WindowRings {
 public:
  void advance(std::uint32_t now_s) {
    each([&](auto& ring, const WindowSpec& w) { ring.advance(now_s, w.step_s); });
  }
  // False when the time is outside every window.
  bool add(std::uint32_t time_s, std::size_t counter = 0, Count n = 1) {
    bool inside = false;
    each([&](auto& ring, const WindowSpec& w) { inside |= ring.add(time_s, w.step_s, counter, n); });
    return inside;
  }
  void subtract(std::uint32_t time_s, std::size_t counter = 0, Count n = 1) {
    each([&](auto& ring, const WindowSpec& w) { ring.subtract(time_s, w.step_s, counter, n); });
  }
  void prefetch(std::uint32_t time_s) const {  // what add() at that time will touch
    m5_.prefetch(time_s, kWindowSpecs[0].step_s);
    h1_.prefetch(time_s, kWindowSpecs[1].step_s);
    h24_.prefetch(time_s, kWindowSpecs[2].step_s);
    if constexpr (kCount > 3) d7_.prefetch(time_s, kWindowSpecs[3].step_s);
  }
  std::uint64_t total(Window w, std::size_t counter = 0) const {
    switch (w) {
      case Window::k5m:
        return m5_.total(counter);
      case Window::k1h:
        return h1_.total(counter);
      case Window::k24h:
        return h24_.total(counter);
      default:
        return d7_.total(counter);
    }
  }
  // The count `back` steps before the current one, in steps of that window.
  Count at(Window w, std::uint32_t back, std::size_t counter = 0) const {
    switch (w) {
      case Window::k5m:
        return m5_.at(back, counter);
      case Window::k1h:
        return h1_.at(back, counter);
      case Window::k24h:
        return h24_.at(back, counter);
      default:
        return d7_.at(back, counter);
    }
  }
  void save(StateWriter& out) const {
    m5_.save(out);
    h1_.save(out);
    h24_.save(out);
    if constexpr (kCount > 3) d7_.save(out);
  }
  void load(StateReader& in) {
    each([&](auto& ring, const WindowSpec&) { ring.load(in); });
  }

 private:
  static_assert(kCount == 3 || kCount == 4);
  template <typename F>
  void each(F f) {
    f(m5_, kWindowSpecs[0]);
    f(h1_, kWindowSpecs[1]);
    f(h24_, kWindowSpecs[2]);
    if constexpr (kCount > 3) f(d7_, kWindowSpecs[3]);
  }
  StepRing<kWindowSpecs[0].steps, kCounters, Count> m5_;
  StepRing<kWindowSpecs[1].steps, kCounters, Count> h1_;
  StepRing<kWindowSpecs[2].steps, kCounters, Count> h24_;
  StepRing<(kCount > 3 ? kWindowSpecs[3].steps : 1U), kCounters, Count> d7_;
};

}  // namespace pandun::detect
