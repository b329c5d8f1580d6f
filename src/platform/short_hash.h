// A short keyed hash for tables that strangers may try to fill or to read: without the key its values say nothing.
// Threads  plain functions.
// Source   SipHash-2-4 (Aumasson, Bernstein 2012), libsodium crypto_shorthash.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "platform/seal.h"

namespace pandun::platform {

using ShortHashKey = std::array<unsigned char, 16>;
ShortHashKey short_hash_key(const SealKey& key, std::string_view purpose);
std::uint64_t short_hash(const ShortHashKey& key, std::string_view bytes);

}  // namespace pandun::platform
