// The E.164 calling code of a number by the shape of its digits alone: what route() may ask, where no plan can be seen.
//
// Source   ITU-T E.164: codes have one digit (1, 7), two (those listed) or three.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/number.h"

namespace pandun::detect {

// 0 = none: no code begins with 0, and something must stand behind it.
constexpr std::uint16_t calling_code(std::string_view digits) {
  constexpr std::string_view kTwo =
      "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 "
      "90 91 92 93 94 95 98 ";
  if (digits.empty() || digits[0] == '0') return 0;
  std::size_t count = 3;
  if (digits[0] == '1' || digits[0] == '7') {
    count = 1;
  } else if (digits.size() >= 2) {
    for (std::size_t i = 0; i < kTwo.size(); i += 3)
      if (kTwo[i] == digits[0] && kTwo[i + 1] == digits[1]) count = 2;
  }
  if (digits.size() <= count) return 0;
  std::uint16_t code = 0;
  for (const char digit : digits.substr(0, count)) code = static_cast<std::uint16_t>(code * 10 + (digit - '0'));
  return code;
}

// 0 for what is not an E.164 number.
constexpr std::uint16_t calling_code(model::NumberKey number) {
  if (number.kind() != model::NumberKind::kE164) return 0;
  char digits[20] = {};
  std::size_t at = sizeof(digits);
  std::uint64_t value = number.value();
  do digits[--at] = static_cast<char>('0' + value % 10);
  while ((value /= 10) != 0);
  return calling_code(std::string_view(digits + at, sizeof(digits) - at));
}

}  // namespace pandun::detect
