#include "platform/keyed_digest.h"

#include <sodium.h>

#include <bit>
#include <cstring>
#include <utility>

namespace pandun::platform {
namespace {

using State = std::array<std::uint64_t, 8>;
constexpr std::size_t kBlock = 128, kDigest = 16;
static_assert(std::endian::native == std::endian::little);

constexpr State kStart{0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                       0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

constexpr std::size_t kOrders = 10, kRounds = 12;  // rounds 10 and 11 take the first two orders again
constexpr std::uint8_t kOrder[kOrders][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

using Words = std::array<std::uint64_t, 16>;

inline void mix(Words& v, std::size_t a, std::size_t b, std::size_t c, std::size_t d, std::uint64_t x,
                std::uint64_t y) {
  v[a] += v[b] + x;
  v[d] = std::rotr(v[d] ^ v[a], 32);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 24);
  v[a] += v[b] + y;
  v[d] = std::rotr(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 63);
}

// A round at a time with its order known to the compiler, which can then keep most of the words in registers.
template <std::size_t kRound>
void round(Words& v, const Words& m) {
  constexpr const std::uint8_t(&s)[16] = kOrder[kRound % kOrders];
  mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
  mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
  mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
  mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
  mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
  mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
  mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
  mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
}

template <std::size_t... kRound>
void rounds(Words& v, const Words& m, std::index_sequence<kRound...>) {
  (round<kRound>(v, m), ...);
}

// One block of at most 128 bytes, filled up with zeros; `total` counts the key's block too.
void compress(State& h, std::string_view block, std::uint64_t total, bool last) {
  Words m{}, v{};
  std::memcpy(m.data(), block.data(), block.size());
  for (std::size_t i = 0; i < 8; ++i) {
    v[i] = h[i];
    v[i + 8] = kStart[i];
  }
  v[12] ^= total;
  if (last) v[14] = ~v[14];
  rounds(v, m, std::make_index_sequence<kRounds>{});
  for (std::size_t i = 0; i < 8; ++i) h[i] ^= v[i] ^ v[i + 8];
}

}  // namespace

KeyedDigest::KeyedDigest(const SealKey& key) : key_(key), begun_(kStart) {
  begun_[0] ^= 0x01010000U ^ SealKey::kBytes << 8 ^ kDigest;
  compress(begun_, key.bytes(), kBlock, false);
}

KeyedDigest::~KeyedDigest() {
  sodium_memzero(begun_.data(), sizeof begun_);
}

void KeyedDigest::hex(std::string_view text, std::span<char, 32> out) const {
  if (text.empty() || text.size() > kBlock) return keyed_hash_hex(key_, text, out);
  State h = begun_;
  compress(h, text, kBlock + text.size(), true);
  const auto* const digest = reinterpret_cast<const unsigned char*>(h.data());
  for (std::size_t i = 0; i < kDigest; ++i) {
    out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
}

}  // namespace pandun::platform
