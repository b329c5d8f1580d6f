// Octets of a message to characters. Source: 3GPP TS 23.038 6.2.1 (GSM 7 bit), 6.2.3 (UCS-2, in practice UTF-16).
#pragma once

#include <string_view>

#include "sms/body.h"

namespace pandun::sms {

using Characters = std::vector<char32_t, WipingAllocator<char32_t>>;

// Appends; false when the alphabet carries no text that the gate knows. Unpaired halves of UTF-16 stay as they are, so that a
// pair divided between two pieces becomes whole when they are joined.
bool decode_octets(Alphabet alphabet, std::string_view octets, Characters& out);

// The character that two halves of UTF-16 make.
constexpr char32_t joined_halves(char32_t lead, char32_t trail) {
  return 0x10000 + ((lead - 0xd800) << 10) + (trail - 0xdc00);
}

// Appends UTF-16 units, joining pairs, also with a lead that `out` ends with.
template <typename Units>
void append_utf16(const Units& units, std::size_t size, Characters& out) {
  for (std::size_t i = 0; i < size; ++i) {
    const auto unit = static_cast<char32_t>(units[i]);
    if (!out.empty() && (out.back() & 0xfffffc00) == 0xd800 && (unit & 0xfffffc00) == 0xdc00)
      out.back() = joined_halves(out.back(), unit);
    else
      out.push_back(unit);
  }
}

}  // namespace pandun::sms
