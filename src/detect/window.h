// Sliding windows in event time, counted in whole steps.
//
// Shape    A window is a fixed number of steps: at `now` it holds every event whose step is one of the last `steps`
//          steps, the current one included, that is every event at or after start_s(now). Every part of the product uses
//          this one definition, so that counts from a contact log, from rings and from a brute-force pass are equal.
//          `now` is the entity's own clock: the newest event time it has seen. An older event goes into its older step
//          when that is still inside the window, and changes nothing otherwise. Each window's step is a multiple of the one
//          before, so that what left a finer window can be kept by the next one's steps alone.
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

enum class Window : std::uint8_t { k5m, k1h, k24h, k7d, k30d };
inline constexpr std::size_t kWindows = 5;

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
    {"7d", 86400, 7},
    {"30d", 6 * 86400, 5},
}};
constexpr const WindowSpec& spec(Window w) {
  return kWindowSpecs[static_cast<std::size_t>(w)];
}
inline constexpr std::array<Window, kWindows> kAllWindows{Window::k5m, Window::k1h, Window::k24h, Window::k7d,
                                                          Window::k30d};
inline constexpr Window kLongest = Window::k30d;

// The first second that is inside the window at `now_s`.
constexpr std::uint32_t start_s(const WindowSpec& w, std::uint32_t now_s) {
  const std::uint32_t step = now_s / w.step_s;
  return step + 1 <= w.steps ? 0 : (step + 1 - w.steps) * w.step_s;
}
constexpr std::uint32_t start_s(Window w, std::uint32_t now_s) {
  return start_s(spec(w), now_s);
}

// Where one window's ring stands, and its sums: all that most events touch. The current step is counted here and goes into
// its cell when the ring moves on.
template <std::size_t kCounters, typename Count>
struct RingHead {
  std::uint64_t used = 0;  // bit i: cell i may hold something
  std::array<std::uint64_t, kCounters> sums{};
  std::array<Count, kCounters> open{};
  std::uint32_t step = 0;
};

// The cells of one window of kSteps steps. Counts never go negative and never wrap below 2^32 in a window.
template <std::uint32_t kSteps, std::size_t kCounters, typename Count>
class RingCells {
 public:
  using Head = RingHead<kCounters, Count>;
  using Counts = std::array<Count, kCounters>;

  // Moves on to a newer step; steps that fall out are subtracted.
  void advance(Head& head, std::uint32_t step) {
    if (step <= head.step) return;
    if (counted(head.open)) {
      cells_[head.step % kSteps] = head.open;
      head.used |= std::uint64_t{1} << (head.step % kSteps);
      head.open = {};
    }
    // Only steps that were counted in are touched: most of a quiet ring is empty, and cold.
    const std::uint64_t passed = passed_over(head, step);
    for (std::uint64_t due = head.used & passed; due != 0; due &= due - 1) {
      Counts& cell = cells_[static_cast<std::size_t>(std::countr_zero(due))];
      for (std::size_t c = 0; c < kCounters; ++c) head.sums[c] -= cell[c];
      cell = {};
    }
    head.used &= ~passed;
    head.step = step;
  }
  void prefetch_advance(const Head& head, std::uint32_t step) const {
    fetch_line(&cells_[head.step % kSteps]);
    const std::uint64_t due = step > head.step ? head.used & passed_over(head, step) : 0;
    if (due != 0) fetch_line(&cells_[static_cast<std::size_t>(std::countr_zero(due))]);
  }
  // The counts of a step, to be changed; null when it is outside the window: too old, or newer than the clock.
  Counts* at_step(Head& head, std::uint32_t step) {
    if (step == head.step) return &head.open;
    if (step > head.step || head.step - step >= kSteps) return nullptr;
    head.used |= std::uint64_t{1} << (step % kSteps);
    return &cells_[step % kSteps];
  }
  Count at(const Head& head, std::uint32_t back, std::size_t counter) const {
    if (back == 0) return head.open[counter];
    return back >= kSteps || back > head.step ? 0 : cells_[(head.step - back) % kSteps][counter];
  }

  void save(StateWriter& out, const Head& head) const {
    out.u32(head.step);
    for (std::uint32_t at = 0; at < kSteps; ++at)
      for (const Count n : at == head.step % kSteps ? head.open : cells_[at]) out.varint(n);
  }
  void load(StateReader& in, Head& head) {
    head = Head();
    head.step = in.u32();
    for (std::uint32_t at = 0; at < kSteps; ++at) {
      const bool current = at == head.step % kSteps;
      Counts& cell = current ? head.open : cells_[at];
      for (std::size_t c = 0; c < kCounters; ++c) {
        cell[c] = static_cast<Count>(in.varint());
        head.sums[c] += cell[c];
      }
      if (current)
        cells_[at] = {};
      else if (counted(cell))
        head.used |= std::uint64_t{1} << at;
    }
  }

 private:
  static_assert(kSteps >= 1 && kSteps < 64);
  static bool counted(const Counts& counts) {  // std::array's == calls memcmp
    Count any = 0;
    for (const Count n : counts) any |= n;
    return any != 0;
  }
  static constexpr std::uint64_t kAll = (std::uint64_t{1} << kSteps) - 1;
  // The cells of steps head.step + 1 … step, as bits.
  static std::uint64_t passed_over(const Head& head, std::uint32_t step) {
    if (step - head.step >= kSteps) return kAll;
    const std::uint64_t run = (std::uint64_t{1} << (step - head.step)) - 1;
    const std::uint32_t first = (head.step + 1) % kSteps;
    return ((run << first) | (run >> (kSteps - first))) & kAll;
  }

  std::array<Counts, kSteps> cells_{};
};

// One window by itself, of any step and length.
template <std::uint32_t kSteps, std::size_t kCounters = 1, typename Count = std::uint32_t>
class StepRing {
 public:
  void advance(std::uint32_t now_s, std::uint32_t step_s) {
    if (started_) return cells_.advance(head_, now_s / step_s);
    head_.step = now_s / step_s;
    started_ = true;
  }
  // False when the step is outside the window: too old, or newer than the clock (advance first).
  bool add(std::uint32_t time_s, std::uint32_t step_s, std::size_t counter = 0, Count n = 1) {
    auto* counts = started_ ? cells_.at_step(head_, time_s / step_s) : nullptr;
    if (counts == nullptr) return false;
    (*counts)[counter] += n;
    head_.sums[counter] += n;
    return true;
  }
  std::uint64_t total(std::size_t counter = 0) const { return head_.sums[counter]; }
  // The count `back` steps before the current one.
  Count at(std::uint32_t back, std::size_t counter = 0) const { return cells_.at(head_, back, counter); }
  std::uint32_t head_step() const { return head_.step; }
  bool started() const { return started_; }
  void save(StateWriter& out) const {
    out.u8(started_ ? 1 : 0);
    if (started_) cells_.save(out, head_);
  }
  void load(StateReader& in) {
    started_ = in.u8() != 0;
    if (started_) cells_.load(in, head_);
  }

 private:
  RingHead<kCounters, Count> head_;
  bool started_ = false;
  RingCells<kSteps, kCounters, Count> cells_;
};

// The same counters over the first kCount windows at once (5: all, 3: without 7 d and 30 d). The heads stand together in
// front: an event in the current steps touches nothing else.
template <std::size_t kCounters = 1, typename Count = std::uint32_t, std::size_t kCount = kWindows>
class WindowRings {
 public:
  // A window whose step did not change is not touched.
  void advance(std::uint32_t now_s) {
    if (!started_) {
      each([&](auto&, auto& head, const WindowSpec& w) { head.step = now_s / w.step_s; });
      started_ = true;
    } else if (now_s > clock_s_) {
      each([&](auto& cells, auto& head, const WindowSpec& w) { cells.advance(head, now_s / w.step_s); });
    }
    clock_s_ = std::max(clock_s_, now_s);
  }
  // False when the time is outside every window.
  bool add(std::uint32_t time_s, std::size_t counter = 0, Count n = 1) {
    bool inside = false;
    each([&](auto& cells, auto& head, const WindowSpec& w) {
      auto* counts = started_ ? cells.at_step(head, time_s / w.step_s) : nullptr;
      if (counts == nullptr) return;
      (*counts)[counter] += n;
      head.sums[counter] += n;
      inside = true;
    });
    return inside;
  }
  void add_all(std::uint32_t time_s, const std::array<Count, kCounters>& n) {  // to each counter its own
    if (!started_) return;
    each([&](auto& cells, auto& head, const WindowSpec& w) {
      auto* counts = cells.at_step(head, time_s / w.step_s);
      if (counts == nullptr) return;
      for (std::size_t c = 0; c < kCounters; ++c) {
        (*counts)[c] += n[c];
        head.sums[c] += n[c];
      }
    });
  }
  // One that counted at `from_s` counts at `to_s` instead, in every window that holds the time.
  void move(std::uint32_t from_s, std::uint32_t to_s, std::size_t counter = 0) {
    if (!started_) return;
    each([&](auto& cells, auto& head, const WindowSpec& w) {
      const std::uint32_t from = from_s / w.step_s, to = to_s / w.step_s;
      if (from == to) return;
      if (auto* counts = cells.at_step(head, from); counts != nullptr) {
        --(*counts)[counter];
        --head.sums[counter];
      }
      if (auto* counts = cells.at_step(head, to); counts != nullptr) {
        ++(*counts)[counter];
        ++head.sums[counter];
      }
    });
  }
  void prefetch() const {  // what an event in the current steps will touch
    const char* from = reinterpret_cast<const char*>(this);
    for (std::size_t at = 0; at < kHot; at += 64) fetch_line(from + at);
  }
  // A stage later: what moving on to `now_s` will touch.
  void prefetch_advance(std::uint32_t now_s) const {
    if (now_s / kWindowSpecs[0].step_s == heads_[0].step) return;
    m5_.prefetch_advance(heads_[0], now_s / kWindowSpecs[0].step_s);
    if (now_s / kWindowSpecs[1].step_s != heads_[1].step)
      h1_.prefetch_advance(heads_[1], now_s / kWindowSpecs[1].step_s);
  }
  std::uint64_t total(Window w, std::size_t counter = 0) const { return heads_[index(w)].sums[counter]; }
  // The count `back` steps before the current one, in steps of that window.
  Count at(Window w, std::uint32_t back, std::size_t counter = 0) const {
    switch (index(w)) {
      case 0:
        return m5_.at(heads_[0], back, counter);
      case 1:
        return h1_.at(heads_[1], back, counter);
      case 2:
        return h24_.at(heads_[2], back, counter);
      case 3:
        return d7_.at(heads_[kWeek], back, counter);
      default:
        return d30_.at(heads_[kCount - 1], back, counter);
    }
  }
  void save(StateWriter& out) const {
    out.u8(started_ ? 1 : 0);
    if (!started_) return;
    out.u32(clock_s_);
    m5_.save(out, heads_[0]);
    h1_.save(out, heads_[1]);
    h24_.save(out, heads_[2]);
    if constexpr (kCount > 3) {
      d7_.save(out, heads_[kWeek]);
      d30_.save(out, heads_[kCount - 1]);
    }
  }
  void load(StateReader& in) {
    started_ = in.u8() != 0;
    if (!started_) return;
    clock_s_ = in.u32();
    each([&](auto& cells, auto& head, const WindowSpec&) { cells.load(in, head); });
  }

 private:
  static_assert(kCount == 3 || kCount == kWindows);
  static constexpr std::size_t kWeek = kCount > 3 ? 3 : 0;
  static constexpr std::size_t kFirst = sizeof(RingCells<kWindowSpecs[0].steps, kCounters, Count>);
  static constexpr std::size_t kHot = 16 + kCount * sizeof(RingHead<kCounters, Count>) + (kFirst <= 128 ? kFirst : 0);
  static std::size_t index(Window w) { return std::min(static_cast<std::size_t>(w), kCount - 1); }
  template <typename F>
  void each(F f) {
    f(m5_, heads_[0], kWindowSpecs[0]);
    f(h1_, heads_[1], kWindowSpecs[1]);
    f(h24_, heads_[2], kWindowSpecs[2]);
    if constexpr (kCount > 3) {
      f(d7_, heads_[kWeek], kWindowSpecs[kWeek]);
      f(d30_, heads_[kCount - 1], kWindowSpecs[kCount - 1]);
    }
  }
  std::uint32_t clock_s_ = 0;
  bool started_ = false;
  std::array<RingHead<kCounters, Count>, kCount> heads_{};
  RingCells<kWindowSpecs[0].steps, kCounters, Count> m5_;
  RingCells<kWindowSpecs[1].steps, kCounters, Count> h1_;
  RingCells<kWindowSpecs[2].steps, kCounters, Count> h24_;
  RingCells<(kCount > 3 ? kWindowSpecs[3].steps : 1U), kCounters, Count> d7_;
  RingCells<(kCount > 3 ? kWindowSpecs[4].steps : 1U), kCounters, Count> d30_;
};

}  // namespace pandun::detect
