#include "platform/short_hash.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace pandun::platform {

static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);

ShortHashKey short_hash_key(const SealKey& key, std::string_view purpose) {
  const SealKey derived = key.derive(purpose);
  ShortHashKey out;
  std::copy_n(derived.bytes().begin(), out.size(), out.begin());
  return out;
}

std::uint64_t short_hash(const ShortHashKey& key, std::string_view bytes) {
  unsigned char digest[crypto_shorthash_BYTES];
  crypto_shorthash(digest, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), key.data());
  std::uint64_t out = 0;
  std::memcpy(&out, digest, sizeof out);
  return out;
}

}  // namespace pandun::platform
