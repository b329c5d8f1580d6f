// The inner loops that every record passes: separators, numbers, addresses.
//
// Shape    the text given has at least 64 readable bytes behind it (LineDecoder::line's promise) for find_separators only.
// Errors   parsers give false / nullopt for anything but one whole value of the stated form; no sign, space or suffix.
// Threads  pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "model/ip.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pandun::sources {

#if defined(__SSE2__)
inline std::uint64_t match64(const char* at, __m128i what) {
  std::uint64_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i));
    const auto bits = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, what)));
    mask |= static_cast<std::uint64_t>(bits) << (16 * i);
  }
  return mask;
}
#endif

// Where the separators stand, at most `room` of them into `ends`; returns how many there are in all.
inline std::size_t find_separators(std::string_view text, char separator, std::uint32_t* ends, std::size_t room) {
  std::size_t count = 0;
#if defined(__SSE2__)
  const __m128i what = _mm_set1_epi8(separator);
  for (std::size_t base = 0; base < text.size(); base += 64) {
    std::uint64_t mask = match64(text.data() + base, what);
    if (base + 64 > text.size()) mask &= ~0ULL >> (64 - (text.size() - base));
    while (mask != 0) {
      if (count < room)
        ends[count] = static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(__builtin_ctzll(mask));
      ++count;
      mask &= mask - 1;
    }
  }
#else
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != separator) continue;
    if (count < room) ends[count] = static_cast<std::uint32_t>(i);
    ++count;
  }
#endif
  return count;
}

inline bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}

// Decimal digits only, at most 18 of them.
inline bool parse_digits(std::string_view text, std::int64_t& value) {
  if (text.empty() || text.size() > 18) return false;
  std::int64_t sum = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    sum = sum * 10 + (c - '0');
  }
  value = sum;
  return true;
}

// "12.345678" or "12" in thousandths, cut, not rounded; at most 15 digits before the point. Exponents as JSON writers
// give them for tiny durations ("1e-06") are read too.
bool parse_thousandths(std::string_view text, std::int64_t& value);

inline std::optional<model::IpAddress> parse_ip(std::string_view text) {
  std::uint32_t address = 0, part = 0, digits = 0, dots = 0;
  if (text.size() > 15) return model::IpAddress::parse(text);
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit < 10) {
      if (digits == 1 && part == 0) return model::IpAddress::parse(text);  // octal, or a group of IPv6
      part = part * 10 + digit;
      if (++digits > 3 || part > 255) return model::IpAddress::parse(text);
    } else if (c == '.' && digits > 0 && dots < 3) {
      address = (address << 8) | part;
      part = digits = 0;
      ++dots;
    } else {
      return model::IpAddress::parse(text);
    }
  }
  if (dots != 3 || digits == 0) return model::IpAddress::parse(text);
  return model::IpAddress::v4((address << 8) | part);
}

}  // namespace pandun::sources
