// Where a number and a time of day belong.
#pragma once

#include <chrono>
#include <cstdint>

#include "model/entity.h"

namespace pandun::detect {

// The region a number stands for, from its own digits: the 7-digit block of a Chinese mobile number, the area code of a
// fixed one, the country code abroad. 1..1023, hashed; 0 when the number does not tell.
std::uint32_t region_of(model::NumberKey number);
// Of a half-hour of UTC since 1970; the offset is a multiple of 30 minutes.
constexpr bool is_night_half_hour(std::uint32_t half_hour, std::chrono::seconds local_offset) {
  const auto ahead = static_cast<std::uint32_t>(48 * 1000 + local_offset.count() / 1800);
  const std::uint32_t local = (half_hour + ahead) % 48;
  return local < 12 || local >= 44;
}
constexpr bool is_night(std::uint32_t time_s, std::chrono::seconds local_offset) {
  return is_night_half_hour(time_s / 1800, local_offset);
}

}  // namespace pandun::detect
