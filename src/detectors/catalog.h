// Every detector there is. Adding one is a folder and a line in catalog.cpp.
#pragma once

#include <vector>

#include "detect/detector.h"

namespace pandun::detectors {

const std::vector<detect::DetectorPart>& catalog();

}  // namespace pandun::detectors
