// Finds the next CR or LF, or one other character: sixteen bytes at a time where the processor can.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <cstddef>

namespace pandun::sip {

inline const char* next_line_end(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
  while (end - at >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int hits = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, cr), _mm_cmpeq_epi8(block, lf)));
    if (hits != 0) return at + __builtin_ctz(static_cast<unsigned>(hits));
    at += 16;
  }
#endif
  while (at != end && *at != '\r' && *at != '\n') ++at;
  return at;
}

inline const char* next_of(const char* at, const char* end, char wanted) {
#if defined(__SSE2__)
  const __m128i sixteen = _mm_set1_epi8(wanted);
  while (end - at >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int hits = _mm_movemask_epi8(_mm_cmpeq_epi8(block, sixteen));
    if (hits != 0) return at + __builtin_ctz(static_cast<unsigned>(hits));
    at += 16;
  }
#endif
  while (at != end && *at != wanted) ++at;
  return at;
}

}  // namespace pandun::sip
