#include "detect/features/regions.h"

#include <algorithm>
#include <iterator>

#include "base/hash.h"

namespace pandun::detect {

std::uint32_t region_of(model::NumberKey number) {
  std::uint64_t v = number.value();
  if (number.kind() == model::NumberKind::kService) return static_cast<std::uint32_t>(1 + mix64(v) % 1023);
  if (number.kind() != model::NumberKind::kE164 || v == 0) return 0;
  if (v >= 8613000000000ULL && v <= 8619999999999ULL) return static_cast<std::uint32_t>(1 + mix64(v / 10000) % 1023);
  while (v >= 100000) v /= 10;  // the first five digits tell the rest
  if (v < 10000) return static_cast<std::uint32_t>(1 + mix64(v) % 1023);
  if (v / 1000 == 86) {  // 010 and 02x are two digits, every other area code three
    const std::uint64_t two = v / 10 % 100;
    return static_cast<std::uint32_t>(1 + mix64(two == 10 || two / 10 == 2 ? v / 10 : v) % 1023);
  }
  // ITU-T E.164 Annex, country codes: 1 and 7 have one digit, these have two, the rest three.
  constexpr std::uint64_t kTwoDigits[] = {20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46,
                                          47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63,
                                          64, 65, 66, 81, 82, 84, 90, 91, 92, 93, 94, 95, 98};
  const std::uint64_t first = v / 10000, two = v / 1000;
  const bool is_two = std::find(std::begin(kTwoDigits), std::end(kTwoDigits), two) != std::end(kTwoDigits);
  const std::uint64_t code = first == 1 || first == 7 ? first : is_two ? two : v / 100;
  return static_cast<std::uint32_t>(1 + mix64(code) % 1023);
}

}  // namespace pandun::detect
