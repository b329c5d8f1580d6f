// IPv4 and IPv6 in 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2).
//
// Errors   parse: nullopt for anything but one whole address in textual form (no zone index, no octal, no port).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace pandun::model {

struct IpAddress {
  std::uint64_t hi = 0, lo = 0;  // network order as integers: hi is the first eight bytes

  static constexpr IpAddress v4(std::uint32_t host_order) { return {0, 0xffff00000000ULL | host_order}; }
  static std::optional<IpAddress> parse(std::string_view text);

  constexpr bool is_v4() const { return hi == 0 && (lo >> 32) == 0xffff; }
  constexpr std::uint32_t v4_bits() const { return static_cast<std::uint32_t>(lo); }
  constexpr bool known() const { return hi != 0 || lo != 0; }
  std::string text() const;  // RFC 5952

  constexpr bool is_private() const;    // RFC 1918, RFC 6598, RFC 4193, loopback, link-local
  constexpr bool is_multicast() const;  // and the IPv4 limited broadcast

  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

constexpr bool IpAddress::is_private() const {
  if (is_v4()) {
    const std::uint32_t a = v4_bits();
    return (a >> 24) == 10 || (a >> 20) == 0xac1 || (a >> 16) == 0xc0a8 || (a >> 22) == (0x64400000U >> 22) ||
           (a >> 24) == 127 || (a >> 16) == 0xa9fe;
  }
  return (hi >> 57) == (0xfcU >> 1) || (hi >> 54) == (0xfe80U >> 6) || (hi == 0 && lo == 1);
}
constexpr bool IpAddress::is_multicast() const {
  if (is_v4()) return (v4_bits() >> 28) == 0xe || v4_bits() == 0xffffffffU;
  return (hi >> 56) == 0xff;
}

constexpr std::uint64_t hash_of(const IpAddress& ip) {
  return combine64(ip.hi, ip.lo);
}

}  // namespace pandun::model
