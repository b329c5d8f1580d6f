// Any bytes as a register of cells: faults with their lines, or places within the world.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "detect/features/travel.h"
#include "registry/cell_places.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto places = registry::CellPlaces::parse(text, "cells.csv");
  if (!places.ok()) {
    CHECK(places.error().text().find("cells.csv") != std::string::npos);
    return 0;
  }
  // Each line's cell again, and how far it is from the one before.
  detect::TravelPoint before{0, 0, 1};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (const auto place = places->find(line.substr(0, line.find(',')))) {
      CHECK(std::fabs(place->latitude) <= 90 && std::fabs(place->longitude) <= 180);
      const auto here = detect::TravelPoint::of({true, place->latitude, place->longitude}, 1000);
      const double km = detect::distance_km(before, here);
      CHECK(km >= 0 && km <= 20'016);
      (void)detect::beyond_travel(before, here);
      before = here;
    }
    at = end + 1;
  }
  return 0;
}
