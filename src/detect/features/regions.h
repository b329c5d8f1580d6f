// Where a number and a time of day belong.
#pragma once

#include <chrono>
#include <cstdint>

#include "model/entity.h"

namespace pandun::detect {

// The region a number stands for, from its own digits: the 7-digit block of a Chinese mobile number, the area code of a
// fixed one, the country code abroad. 1..1023, hashed; 0 when the number does not tell.
std::uint32_t region_of(model::NumberKey number);
bool is_night(std::uint32_t time_s, std::chrono::seconds local_offset);

}  // namespace pandun::detect
