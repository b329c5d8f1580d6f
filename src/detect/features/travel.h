// Whether anybody could have come from one place to another in time.
//
// Units    WGS 84 in steps of 1/182 degree (0.6 km); seconds.
// Threads  plain functions.
#pragma once

#include <cmath>
#include <cstdint>

#include "detect/detector.h"

namespace pandun::detect {

// Faster than an airliner, and farther than cells and their register can be off.
inline constexpr double kTravelKmPerHour = 1000, kTravelRoomKm = 30, kTravelRoomS = 60;

struct TravelPoint {
  std::int16_t latitude = 0, longitude = 0;
  std::uint32_t time_s = 0;  // 0 = nowhere yet

  static TravelPoint of(const CellPlace& place, std::uint32_t time_s) {
    return {static_cast<std::int16_t>(std::lround(place.latitude * 182)),
            static_cast<std::int16_t>(std::lround(place.longitude * 182)), time_s};
  }
};

inline double distance_km(const TravelPoint& a, const TravelPoint& b) {
  constexpr double kStep = 3.14159265358979323846 / 180 / 182, kEarthKm = 6371;
  const double north = a.latitude * kStep, south = b.latitude * kStep;
  const double up = std::sin((north - south) / 2), along = std::sin((a.longitude - b.longitude) * kStep / 2);
  const double h = up * up + std::cos(north) * std::cos(south) * along * along;
  return 2 * kEarthKm * std::asin(std::sqrt(std::fmin(1, h)));
}

inline bool beyond_travel(const TravelPoint& a, const TravelPoint& b) {
  const double apart_s = a.time_s > b.time_s ? a.time_s - b.time_s : b.time_s - a.time_s;
  return distance_km(a, b) - kTravelRoomKm > (apart_s + kTravelRoomS) / 3600 * kTravelKmPerHour;
}

}  // namespace pandun::detect
