// How many different things were met within 1 h and 24 h, or 7 d and 30 d too, for entities that meet hundreds a day and are
// many themselves.
//
// Units    things are 16 bits of a hash; times whole seconds, none newer than the clock.
// Shape    a list by when each was met last, in which one stays while fewer than kBest that were met later have a smaller
//          hash: enough for every window at once (Cohen, "All-Distances Sketches, Revisited", PODS 2014, turned towards
//          time). 3 bytes a thing, about kBest * (1 + ln(n / kBest)) of n: 120 of 700, 180 of 6,000.
// Exact    up to kBest things, but for two that share 16 bits; beyond, each one kept stands for as many as its chance to be
//          kept says: without bias, within 8 % of 64, 11 % of 150, kRelativeError of any number up to 65,536 (1 sigma).
// Time     by the minute for 1 h, by the half hour to 24 h, by the day beyond: start_s() decides, as everywhere. 5 min answers as 1 h.
// Threads  one owner; count() too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "detect/fetch.h"
#include "detect/window.h"

namespace pandun::detect {

template <Window kHeld>  // k24h or k30d: the longest window
class SeenThingsOf {
 public:
  static constexpr std::size_t kBest = 28;
  static constexpr std::size_t kMost = 512;  // kept at all; reached by hashes that somebody chose
  static constexpr double kRelativeError = 0.136;

  static constexpr std::uint16_t print_of(std::uint32_t hash) { return static_cast<std::uint16_t>(hash >> 16); }
  void prefetch() const {
    for (std::size_t at = 0; at < std::size_t{size_} * 2; at += 64) fetch_line(block_.get() + at);
    if (size_ != 0) fetch_line(block_.get() + std::size_t{room_} * 2 + size_ - 1);
  }
  void advance(std::uint32_t now_s) {
    if (now_s <= now_s_) return;
    const std::uint32_t before = now_s_;
    now_s_ = now_s;
    if (now_s / kStepS != before / kStepS && size_ != 0) settle(before);
  }
  void add(std::uint16_t print, std::uint32_t time_s);
  double count(Window w) const;  // a whole number
  std::size_t kept() const { return size_; }
  std::uint64_t heap_bytes() const { return room_ == 0 ? 0 : (std::uint64_t{room_} * 3 + 8 + 15) / 16 * 16; }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  static constexpr std::uint32_t kStepS = spec(Window::k24h).step_s, kStepMin = kStepS / 60;
  static constexpr std::uint16_t kGrowth = 16;
  static constexpr std::uint8_t kByStep = 0x80, kByDay = 0xc0;
  static constexpr std::uint32_t kDayS = spec(Window::k7d).step_s;

  std::uint16_t* prints() const { return reinterpret_cast<std::uint16_t*>(block_.get()); }
  std::uint8_t* when() const { return block_.get() + std::size_t{room_} * 2; }
  std::uint32_t oldest() const { return start_s(kHeld, now_s_); }
  // Times stand as minutes, modulo 128, from two whole half hours before the running one on; of the 24 h before as half hours, modulo
  // 64; else as days, modulo 64.
  static std::uint32_t first_minute(std::uint32_t now_s) {
    const std::uint32_t step = now_s / kStepS;
    return step < 2 ? 0 : (step - 2) * kStepMin;
  }
  static std::uint8_t code_of(std::uint32_t time_s, std::uint32_t now_s) {
    if (time_s / 60 >= first_minute(now_s)) return static_cast<std::uint8_t>(time_s / 60 % 128);
    if (time_s >= start_s(Window::k24h, now_s)) return static_cast<std::uint8_t>(kByStep | time_s / kStepS % 64);
    return static_cast<std::uint8_t>(kByDay | time_s / kDayS % 64);
  }
  static std::uint32_t second_of(std::uint8_t code, std::uint32_t now_s) {  // the first of its time
    if ((code & kByStep) == 0) return (now_s / 60 - ((now_s / 60 - code) & 127U)) * 60;
    if ((code & kByDay) == kByDay) return (now_s / kDayS - ((now_s / kDayS - code) & 63U)) * kDayS;
    return (now_s / kStepS - ((now_s / kStepS - code) & 63U)) * kStepS;
  }
  std::size_t find(std::uint16_t print) const;  // size_ when it is not kept
  void settle(std::uint32_t before_s);          // a new half hour runs
  template <typename F>
  void each_member(F f) const;
  void prune();
  void make_room();
  void resize(std::uint16_t room);

  std::unique_ptr<std::uint8_t[]> block_;  // room_ prints, then room_ times; oldest first
  std::uint16_t size_ = 0, room_ = 0;
  std::uint32_t now_s_ = 0;
};
using SeenThings = SeenThingsOf<Window::k24h>;
using SeenOfMonth = SeenThingsOf<Window::k30d>;

}  // namespace pandun::detect
