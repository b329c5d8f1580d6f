// Hashes for tables and sketches. Keyed one-way tokens are another matter: guard/token.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace pandun {

// XXH3, 64 bits, with a fixed seed: the same on every machine and run. Not for anything an attacker must not predict.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

struct Hash128 {
  std::uint64_t hi = 0, lo = 0;
  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;
  friend constexpr auto operator<=>(const Hash128&, const Hash128&) = default;
};
Hash128 hash128(std::string_view bytes, std::uint64_t seed = 0);

// Finaliser of SplitMix64 (Steele et al. 2014): spreads an integer key over all 64 bits.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
constexpr std::uint64_t combine64(std::uint64_t a, std::uint64_t b) {
  return mix64(a + 0x9e3779b97f4a7c15ULL + mix64(b));
}

// CRC-32C (Castagnoli), for stored bytes. Source: RFC 3720 B.4.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace pandun
