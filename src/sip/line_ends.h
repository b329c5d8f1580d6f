// Finds the next CR or LF, or a character of another kind: many bytes at a time where the processor can.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pandun::sip {

// The line ends of one message, front to back. 64 bytes are looked at together and kept as bits, so that short lines share a look.
class LineEnds {
 public:
  LineEnds(const char* begin, const char* end) : block_(begin), end_(end) { look(begin); }

  // The first at or behind `from`, which never goes back; the end when there is none.
  const char* next(const char* from) {
    for (;;) {
      const auto skip = static_cast<std::size_t>(from - block_);
      if (skip < kBlock) {
        if (const std::uint64_t left = bits_ >> skip; left != 0) return from + __builtin_ctzll(left);
        from = block_ + std::min(kBlock, static_cast<std::size_t>(end_ - block_));
      }
      if (from == end_) return end_;
      look(from);
    }
  }

 private:
  static constexpr std::size_t kBlock = 64;

  void look(const char* at) {
    block_ = at;
    const auto left = static_cast<std::size_t>(end_ - at);
    if (left >= kBlock) {
      bits_ = bits(at);
    } else {
      std::array<char, kBlock> last{};
      if (left != 0) std::memcpy(last.data(), at, left);
      bits_ = bits(last.data());
    }
  }

  static std::uint64_t bits(const char* at) {
    std::uint64_t out = 0;
#if defined(__SSE2__)
    const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    for (std::size_t i = 0; i < kBlock; i += 16) {
      const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i));
      const int hits = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(some, cr), _mm_cmpeq_epi8(some, lf)));
      out |= static_cast<std::uint64_t>(static_cast<unsigned>(hits)) << i;
    }
#else
    for (std::size_t i = 0; i < kBlock; ++i) out |= std::uint64_t{at[i] == '\r' || at[i] == '\n'} << i;
#endif
    return out;
  }

  const char* block_;
  const char* end_;
  std::uint64_t bits_ = 0;
};

namespace detail {
#if defined(__SSE2__)
inline __m128i equal(__m128i some, __m128i wanted) {
  return _mm_cmpeq_epi8(some, wanted);
}
inline __m128i at_most(__m128i some, __m128i most) {
  return _mm_cmpeq_epi8(_mm_min_epu8(some, most), some);
}

template <__m128i (*kTest)(__m128i, __m128i)>
const char* skip_blocks(const char* at, const char* end, char wanted, bool& found) {
  const __m128i sixteen = _mm_set1_epi8(wanted);
  for (; end - at >= 16; at += 16) {
    const int hits = _mm_movemask_epi8(kTest(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)), sixteen));
    found = hits != 0;
    if (found) return at + __builtin_ctz(static_cast<unsigned>(hits));
  }
  return at;
}
#endif
}  // namespace detail

inline const char* next_of(const char* at, const char* end, char wanted) {
#if defined(__SSE2__)
  bool found = false;
  at = detail::skip_blocks<detail::equal>(at, end, wanted, found);
  if (found) return at;
#endif
  while (at != end && *at != wanted) ++at;
  return at;
}

// The first byte that is no more than `most`, without a sign.
inline const char* next_at_most(const char* at, const char* end, char most) {
#if defined(__SSE2__)
  bool found = false;
  at = detail::skip_blocks<detail::at_most>(at, end, most, found);
  if (found) return at;
#endif
  while (at != end && static_cast<unsigned char>(*at) > static_cast<unsigned char>(most)) ++at;
  return at;
}

}  // namespace pandun::sip
