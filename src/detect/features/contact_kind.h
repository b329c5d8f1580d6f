// What a device or cell is told of: bits, so that a feature can say which of them it counts.
#pragma once

#include <cstdint>

namespace pandun::detect {

enum ContactKind : std::uint8_t { kCallMade = 1, kCallTaken = 2, kMessageSent = 4, kAnyContact = 7 };

}  // namespace pandun::detect
