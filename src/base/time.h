// Event time and wall time are different types: a detector can only ever see the first.
//
// Units    milliseconds since the Unix epoch, UTC.
// Errors   parse_rfc3339: nullopt for anything that is not RFC 3339 with a zone; no zone is ever guessed.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pandun {

struct EventMs {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(EventMs, EventMs) = default;
  friend constexpr EventMs operator+(EventMs t, std::chrono::milliseconds d) { return {t.ms + d.count()}; }
  friend constexpr EventMs operator-(EventMs t, std::chrono::milliseconds d) { return {t.ms - d.count()}; }
  friend constexpr std::chrono::milliseconds operator-(EventMs a, EventMs b) {
    return std::chrono::milliseconds(a.ms - b.ms);
  }
};

struct WallMs {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(WallMs, WallMs) = default;
};

// "2024-04-19T00:00:01.250Z"; milliseconds are left out when zero. Years outside 1..9999 are clamped.
std::string rfc3339(std::int64_t ms);
inline std::string rfc3339(EventMs t) {
  return rfc3339(t.ms);
}
inline std::string rfc3339(WallMs t) {
  return rfc3339(t.ms);
}

// Accepts T or a space between date and time, fractions of any length (cut to ms), and Z or ±hh:mm.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);

// Days since 1970-01-01 for a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms").
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day);

}  // namespace pandun
