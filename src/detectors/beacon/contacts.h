// The last contacts of one pair, 4 bytes each: when (as a step from the one before), how much was sent, whether it worked.
//
// Units    steps in tenths of a second, at most 19 days; sizes as quarter octaves (a step is 19 %); 64 contacts at most.
// Threads  plain value.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace pandun::detectors::beacon {

inline constexpr std::size_t kContactsMax = 64;
inline constexpr double kSpread = 0.65;  // a beat's shortest interval is its centre times this

struct Rhythm {
  double median_s = 0;        // of the intervals
  double interval_share = 0;  // of the intervals within 35 % of one centre
  double size_share = 0;      // of the sizes within a quarter octave of the median's
  double answered_share = 0;  // of the contacts that got an answer
  double span_s = 0;          // of the contacts looked at
  std::size_t contacts = 0;
};

class Contacts {
 public:
  static constexpr std::uint32_t kStepMax = (1U << 24) - 1;

  void add(std::int64_t step_ms, std::int64_t bytes_out, bool answered) {
    const auto step = static_cast<std::uint32_t>(std::clamp<std::int64_t>(step_ms / 100, 0, kStepMax));
    const std::uint32_t packed = (step << 8) | (size_code(bytes_out) << 1) | (answered ? 1U : 0U);
    if (ring_.size() < kContactsMax) {
      if (ring_.size() == ring_.capacity()) ring_.reserve(std::max<std::size_t>(4, ring_.size() * 2));
      ring_.push_back(packed);
    } else {
      ring_[oldest_] = packed;
      oldest_ = static_cast<std::uint8_t>((oldest_ + 1) % kContactsMax);
    }
  }
  std::size_t size() const { return ring_.size(); }
  std::size_t bytes() const { return ring_.capacity() * sizeof(std::uint32_t); }

  // f(step in ms, answered) for every contact, oldest first. The first one's step leads to what is forgotten.
  template <typename F>
  void for_each(F f) const {
    for (std::size_t i = 0; i < ring_.size(); ++i) {
      const std::uint32_t packed = ring_[(oldest_ + i) % ring_.size()];
      f(std::int64_t{packed >> 8} * 100, (packed & 1) != 0);
    }
  }
  Rhythm rhythm() const;

  const std::vector<std::uint32_t>& raw() const { return ring_; }
  std::uint8_t oldest() const { return oldest_; }
  void restore(std::vector<std::uint32_t> ring, std::uint8_t oldest) {
    ring_ = std::move(ring);
    oldest_ = ring_.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(oldest % ring_.size());
  }

 private:
  static std::uint32_t size_code(std::int64_t bytes) {
    if (bytes <= 0) return 0;
    return static_cast<std::uint32_t>(std::min(127.0, 1 + std::round(4 * std::log2(static_cast<double>(bytes)))));
  }
  std::vector<std::uint32_t> ring_;
  std::uint8_t oldest_ = 0;
};

inline Rhythm Contacts::rhythm() const {
  Rhythm out;
  out.contacts = ring_.size();
  if (ring_.size() < 2) return out;
  std::array<std::uint32_t, kContactsMax> steps{}, sizes{};
  const std::size_t intervals = ring_.size() - 1;
  std::size_t answered = 0;
  std::uint64_t span = 0;
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    const std::uint32_t packed = ring_[(oldest_ + i) % ring_.size()];
    if (i > 0) {
      steps[i - 1] = packed >> 8;
      span += packed >> 8;
    }
    sizes[i] = (packed >> 1) & 127;
    answered += packed & 1;
  }
  std::sort(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(intervals));
  std::sort(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(ring_.size()));
  // The beat: the most intervals that lie within 35 % of one centre, that is within a factor of 1.35 / 0.65 of each other.
  // Not the median's neighbours: a retry makes two beats by turns, and the median then falls on one of them.
  std::size_t near = 0, beat_from = 0;
  for (std::size_t from = 0, to = 0; from < intervals; ++from) {
    to = std::max(to, from);
    while (to < intervals && steps[to] * kSpread <= steps[from] * (2 - kSpread)) ++to;
    if (to - from > near) {
      near = to - from;
      beat_from = from;
    }
  }
  const double step = near == 0 ? 0.0 : steps[beat_from + near / 2];
  const std::uint32_t size = sizes[ring_.size() / 2];
  const auto alike = std::count_if(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(ring_.size()),
                                   [size](std::uint32_t s) { return s + 1 >= size && s <= size + 1; });
  out.median_s = step / 10;
  out.interval_share = static_cast<double>(near) / static_cast<double>(intervals);
  out.size_share = static_cast<double>(alike) / static_cast<double>(ring_.size());
  out.answered_share = static_cast<double>(answered) / static_cast<double>(ring_.size());
  out.span_s = static_cast<double>(span) / 10;
  return out;
}

}  // namespace pandun::detectors::beacon
