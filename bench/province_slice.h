// A slice of a province, made up for measuring: who calls and messages whom, hour by hour, the same every time.
//
// Shape    activity is lognormal (sigma 1) over numbers. 9 of 20 events are messages from 1 in 20,000 numbers, the services;
//          4 are messages between people, 7 are calls. People reach a circle of their own, its size by their activity, and
//          strangers once in eight. `things` of the numbers, 0 to 1, are cards of machines that call and send a hundredth as
//          often, so that the others carry the rest. Hours follow a day's rhythm and weekends are quieter.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/hash.h"

namespace pandun::bench {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() { return mix64(state_ += 0x9e3779b97f4a7c15ULL); }
  std::uint32_t below(std::uint64_t n) { return static_cast<std::uint32_t>((next() >> 32) * n >> 32); }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

// Walker's alias method: a number with probability in proportion to its activity, at the cost of one look.
class Chooser {
 public:
  explicit Chooser(const std::vector<float>& weights) : keep_(weights.size()), other_(weights.size()) {
    double sum = 0;
    for (const float w : weights) sum += static_cast<double>(w);
    std::vector<std::uint32_t> small, large;
    std::vector<float> scaled(weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      scaled[i] = static_cast<float>(static_cast<double>(weights[i]) * static_cast<double>(weights.size()) / sum);
      (scaled[i] < 1 ? small : large).push_back(static_cast<std::uint32_t>(i));
    }
    while (!small.empty() && !large.empty()) {
      const std::uint32_t s = small.back(), l = large.back();
      small.pop_back();
      keep_[s] = scaled[s];
      other_[s] = l;
      scaled[l] -= 1 - scaled[s];
      if (scaled[l] < 1) {
        large.pop_back();
        small.push_back(l);
      }
    }
    for (const auto* rest : {&small, &large})
      for (const std::uint32_t i : *rest) keep_[i] = 1;
  }
  std::uint32_t pick(Dice& dice) const {
    const std::uint32_t i = dice.below(keep_.size());
    return dice.unit() < static_cast<double>(keep_[i]) ? i : other_[i];
  }

 private:
  std::vector<float> keep_;
  std::vector<std::uint32_t> other_;
};

struct Happening {
  std::uint32_t from, to;
  bool message;
  std::int32_t talk_s;
  std::uint16_t from_cell, to_cell;
};

class Province {
 public:
  // `things` of the numbers are cards of machines.
  Province(std::uint32_t numbers, double things)
      : numbers_(numbers),
        people_(numbers - static_cast<std::uint32_t>(numbers * things)),
        services_(std::max(8U, numbers / 20000)),
        activity_(make_activity(numbers, people_)),
        chooser_(activity_) {}
  std::uint32_t numbers() const { return numbers_; }
  std::uint32_t services() const { return services_; }

  Happening next(Dice& dice, std::uint32_t hour) const {
    Happening h{};
    const std::uint32_t kind = dice.below(20);
    h.message = kind < 13;
    if (kind < 9) {
      // Services differ by far: the first ones send most.
      const double u = dice.unit();
      h.from = numbers_ + static_cast<std::uint32_t>(u * u * u * services_);
      h.to = chooser_.pick(dice);
    } else {
      h.from = chooser_.pick(dice);
      h.to = dice.below(8) == 0 ? chooser_.pick(dice) : friend_of(h.from, dice);
      const std::uint32_t answered = dice.below(10);
      h.talk_s = h.message ? -1 : answered < 3 ? 0 : static_cast<std::int32_t>(-70 * std::log(1 - dice.unit())) + 1;
    }
    h.from_cell = cell_of(h.from, hour, dice);
    h.to_cell = cell_of(h.to, hour, dice);
    return h;
  }

 private:
  static std::vector<float> make_activity(std::uint32_t numbers, std::uint32_t people) {
    Dice dice(20260302);
    std::vector<float> out(numbers);
    for (float& a : out) {
      const double r = std::sqrt(-2 * std::log(1 - dice.unit())), angle = 6.283185307179586 * dice.unit();
      a = static_cast<float>(std::exp(r * std::cos(angle)));
    }
    for (std::uint32_t i = people; i < numbers; ++i) out[i] *= 0.01F;
    return out;
  }
  std::uint32_t friend_of(std::uint32_t who, Dice& dice) const {
    const auto size = static_cast<std::uint32_t>(6 + 10 * std::sqrt(static_cast<double>(activity_[who])));
    const double u = dice.unit();  // some are called far more often than others
    const auto nth = static_cast<std::uint32_t>(u * u * size);
    return Dice((std::uint64_t{who} << 20) + nth).below(people_);
  }
  // Home by night, work by day, now and then elsewhere.
  static std::uint16_t cell_of(std::uint32_t who, std::uint32_t hour, Dice& dice) {
    const std::uint32_t where = dice.below(8) == 0 ? 2 + dice.below(6) : hour >= 9 && hour < 18 ? 1 : 0;
    return static_cast<std::uint16_t>(1 + mix64((std::uint64_t{who} << 3) + where) % 0xffff);
  }
  std::uint32_t numbers_, people_, services_;
  std::vector<float> activity_;
  Chooser chooser_;
};

inline constexpr std::array<double, 24> kRhythm{0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.0, 1.5, 1.7, 1.7, 1.6,
                                                1.4, 1.3, 1.4, 1.5, 1.5, 1.6, 1.6, 1.5, 1.4, 1.2, 0.9, 0.5};
inline constexpr std::uint32_t kStart = 1'772'380'800;  // 2026-03-02, a Monday, 00:00 in China

// Events of an hour, weekends at four fifths.
inline std::uint64_t events_in_hour(std::uint32_t numbers, double each_day, std::uint32_t day, std::uint32_t hour) {
  double rhythm = 0;
  for (const double h : kRhythm) rhythm += h;
  return static_cast<std::uint64_t>(numbers * each_day * (day % 7 >= 5 ? 0.8 : 1.08) * kRhythm[hour] / rhythm);
}

}  // namespace pandun::bench
