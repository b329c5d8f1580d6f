// The E.164 calling code of a number by the shape of its digits alone: what route() may ask, where no plan can be seen.
//
// Source   ITU-T E.164: codes have one digit (1, 7), two (those listed) or three.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "model/number.h"

namespace pandun::detect {

namespace codes {
inline constexpr std::array<std::uint64_t, 19> kPowers = [] {
  std::array<std::uint64_t, 19> out{};
  std::uint64_t power = 1;
  for (std::uint64_t& p : out) {
    p = power;
    power *= 10;
  }
  return out;
}();
inline constexpr std::array<bool, 100> kTwoDigits = [] {
  std::array<bool, 100> out{};
  for (const int code : {20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54,
                         55, 56, 57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98})
    out[static_cast<std::size_t>(code)] = true;
  return out;
}();
}  // namespace codes

// 0 for what is not an E.164 number, or one too short to have anything behind its code.
constexpr std::uint16_t calling_code(model::NumberKey number) {
  if (number.kind() != model::NumberKind::kE164) return 0;
  const std::uint64_t value = number.value();
  if (value < 100) return 0;
  std::size_t digits = static_cast<std::size_t>(std::bit_width(value)) * 1233 >> 12;  // log10(2), at most one too few
  if (digits < codes::kPowers.size() && value >= codes::kPowers[digits]) ++digits;
  const auto head = static_cast<std::uint16_t>(value / codes::kPowers[digits - 3]);  // the first three
  if (head / 100 == 1 || head / 100 == 7) return head / 100;
  if (codes::kTwoDigits[head / 10]) return head / 10;
  return digits > 3 ? head : std::uint16_t{0};
}

// Both calling codes are told, and differ. Quick where both are of China.
constexpr bool other_country(model::NumberKey one, model::NumberKey other) {
  constexpr std::uint64_t kChina = 8'600'000'000'000, kNext = 8'700'000'000'000;
  const auto chinese = [](model::NumberKey n) {
    return n.kind() == model::NumberKind::kE164 && n.value() >= kChina && n.value() < kNext;
  };
  if (chinese(one) && chinese(other)) return false;
  const std::uint16_t a = calling_code(one), b = calling_code(other);
  return a != 0 && b != 0 && a != b;
}

}  // namespace pandun::detect
