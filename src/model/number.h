// A telephone number as the engine knows it: 8 bytes, whatever was written in the record.
//
// Shape    top 4 bits say the kind, the low 60 bits the value:
//            kWithheld  no number was given (anonymous, "unknown", empty)
//            kE164      the digits of the E.164 form as one integer (at most 15 digits)
//            kService   a national short or service number (110, 10086, 95588, 106…), digits as one integer with a
//                       leading 1 in front so that leading zeros survive
//            kOpaque    60 bits of a hash of any other string (a number that arrives already hashed)
//            kInvalid   60 bits of a hash of a string of digits that cannot be a number anywhere
// Safety   a NumberKey is a clear identity. It may stand in engine memory and in sealed files only; everything else
//          gets guard/token.h's token and a mask.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace pandun::model {

enum class NumberKind : std::uint8_t { kWithheld = 0, kE164 = 1, kService = 2, kOpaque = 3, kInvalid = 4 };

class NumberKey {
 public:
  constexpr NumberKey() = default;
  static constexpr NumberKey e164(std::uint64_t digits) { return NumberKey(NumberKind::kE164, digits); }
  static NumberKey service(std::string_view digits);  // up to 17 decimal digits
  static NumberKey opaque(std::string_view text) { return NumberKey(NumberKind::kOpaque, hash64(text)); }
  static NumberKey invalid(std::string_view text) { return NumberKey(NumberKind::kInvalid, hash64(text)); }
  static constexpr NumberKey from_bits(std::uint64_t bits) {
    NumberKey key;
    key.bits_ = bits;
    return key;
  }

  constexpr NumberKind kind() const { return static_cast<NumberKind>(bits_ >> 60); }
  constexpr std::uint64_t value() const { return bits_ & kValueMask; }
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool known() const { return bits_ != 0; }

  // Canonical text: "+8613800138000", "10086", "x:0123456789abcde" (opaque), "?:…" (invalid), "" (withheld).
  std::string text() const;

  friend constexpr bool operator==(NumberKey, NumberKey) = default;
  friend constexpr auto operator<=>(NumberKey, NumberKey) = default;

 private:
  static constexpr std::uint64_t kValueMask = (1ULL << 60) - 1;
  constexpr NumberKey(NumberKind kind, std::uint64_t value)
      : bits_((static_cast<std::uint64_t>(kind) << 60) | (value & kValueMask)) {}
  std::uint64_t bits_ = 0;
};

}  // namespace pandun::model
