// SplitMix64 (Steele, Lea, Flood 2014): eight bytes of state, the same numbers on every machine. For simulation and sampling that must
// be replayable; never for secrets.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/hash.h"

namespace pandun {

class Prng {
 public:
  constexpr explicit Prng(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() { return mix64(state_ += 0x9e3779b97f4a7c15ULL); }
  // 0 <= x < n, n > 0; the bias is below n / 2^64 (Lemire's multiplication without rejection).
  constexpr std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * n) >> 64);
  }
  constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // [0, 1)
  constexpr bool chance(double p) { return uniform() < p; }
  double exponential() { return -std::log(1.0 - uniform()); }  // mean 1
  double normal() {                                            // Box–Muller, one of the pair
    const double r = std::sqrt(2.0 * exponential());
    return r * std::cos(6.283185307179586 * uniform());
  }
  double log_normal(double median, double sigma) { return median * std::exp(sigma * normal()); }

  constexpr std::uint64_t state() const { return state_; }

 private:
  __extension__ using Wide = unsigned __int128;
  std::uint64_t state_;
};

}  // namespace pandun
