// An entity: what a signal is about and what a shard owns. 128-bit key, the same on every machine and run.
//
// Safety   for numbers and devices `value` is a clear identity and stays inside the engine; see guard/token.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "model/ip.h"
#include "model/number.h"

namespace pandun::model {

// Names are the contract's: number, device, cell, ip, host_pair, domain, url, hash, trunk, app. Only append.
enum class EntityKind : std::uint8_t { kNumber, kDevice, kCell, kIp, kHostPair, kDomain, kUrl, kHash, kTrunk, kApp };
inline constexpr std::size_t kEntityKinds = 10;
std::string_view name(EntityKind kind);

// What state tables are keyed by. Numbers: {0, bits}; addresses: their 16 bytes; everything else: hash128 of its text.
struct EntityKey {
  std::uint64_t hi = 0, lo = 0;
  friend constexpr bool operator==(const EntityKey&, const EntityKey&) = default;
  friend constexpr auto operator<=>(const EntityKey&, const EntityKey&) = default;
};
constexpr std::uint64_t hash_of(const EntityKey& key) {
  return combine64(key.hi, key.lo);
}

constexpr EntityKey key_of(NumberKey number) {
  return {0, number.bits()};
}
constexpr EntityKey key_of(const IpAddress& ip) {
  return {ip.hi, ip.lo};
}
EntityKey key_of_text(std::string_view text);
EntityKey key_of_pair(const IpAddress& src, const IpAddress& dst, std::uint16_t port, std::uint8_t protocol);

struct Entity {
  EntityKind kind = EntityKind::kIp;
  std::string value;   // canonical text: "+8613800138000", "192.0.2.1", "192.0.2.1>198.51.100.7:443/tcp", "example.cn"
  NumberKey number{};  // for kNumber: what tokens and masks are made from

  static Entity of(NumberKey number);
  static Entity of(const IpAddress& ip);
  static Entity pair(const IpAddress& src, const IpAddress& dst, std::uint16_t port, std::uint8_t protocol);
  static Entity text(EntityKind kind, std::string_view value);

  friend bool operator==(const Entity&, const Entity&) = default;
};

}  // namespace pandun::model
