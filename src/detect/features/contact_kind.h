// What a device or cell is told of: bits, so that a feature can say which of them it counts.
#pragma once

#include <cstdint>

namespace pandun::detect {

enum ContactKind : std::uint8_t { kCallOut = 1, kCallIn = 2, kMessageOut = 4, kAnyContact = 7 };

}  // namespace pandun::detect
