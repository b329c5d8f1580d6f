// A small detector for tests of the engine and of the kit: it says "busy" when a number has made `calls_min` calls, and again
// for each call after that, and keeps a count of its own beside the shared features.
#pragma once

#include "detect/detector.h"

namespace pandun::detect::testing {

const DetectorSpec& toy_spec();
std::unique_ptr<Detector> make_toy(const Options& options);
inline DetectorPart toy_part() {
  return {&toy_spec, &make_toy};
}

}  // namespace pandun::detect::testing
