// Means, deviations and the evenness of a rhythm, once for all features.
//
// Units    a value that cannot be told is NaN.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace pandun::detect {

struct Spread {
  double mean = std::numeric_limits<double>::quiet_NaN(), deviation = std::numeric_limits<double>::quiet_NaN();
};

// Whole numbers as their sums, so that lists and counters tell the same to the bit.
struct SpreadSums {
  std::uint64_t n = 0, sum = 0, squares = 0;
  void add(std::uint64_t value) {
    ++n;
    sum += value;
    squares += value * value;
  }
  Spread spread() const {
    if (n == 0) return {};
    const auto count = static_cast<double>(n);
    const double mean = static_cast<double>(sum) / count;
    // Never below 0 (Cauchy and Schwarz), but for rounding.
    const double over =
        squares <= std::numeric_limits<std::uint64_t>::max() / n
            ? static_cast<double>(n * squares - sum * sum)
            : count * static_cast<double>(squares) - static_cast<double>(sum) * static_cast<double>(sum);
    return {mean, std::sqrt(std::max(0.0, over)) / count};
  }
};

// Standard deviation over mean of the gaps between so many ascending times; not known below kGapCallsMin, nor where all are one.
inline constexpr std::size_t kGapCallsMin = 5;
template <typename TimeOf>
double gap_cv(std::size_t size, TimeOf time_of) {
  if (size < kGapCallsMin) return std::numeric_limits<double>::quiet_NaN();
  SpreadSums gaps;
  for (std::size_t i = 1; i < size; ++i) gaps.add(std::uint64_t{time_of(i)} - time_of(i - 1));
  const Spread spread = gaps.spread();
  return spread.mean == 0 ? std::numeric_limits<double>::quiet_NaN() : spread.deviation / spread.mean;
}

}  // namespace pandun::detect
