// A number as two parties tell each other whether they mean the same one: HMAC-SHA-256 under the key of this pair alone.
//
// Form     the text that is hashed is E.164 with its plus ("+8613800138000"), the service number as it is dialled ("95588");
//          numbers that arrived hashed, withheld or impossible have no hash.
// Safety   there are about 10^10 numbers: who holds the pair's key can try them all. The key is the secret, not the hash; it is
//          a pair's own, so that two partners cannot compare what they were told.
// Source   RFC 2104, FIPS 180-4; libsodium.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/number.h"

namespace pandun::exchange {

inline constexpr std::size_t kHashBytes = 32, kPairKeyBytes = 32;
using NumberHash = std::array<unsigned char, kHashBytes>;

NumberHash keyed_hash(std::string_view pair_key, std::string_view text);
std::optional<NumberHash> hash_number(std::string_view pair_key, model::NumberKey number);
std::string to_hex(const NumberHash& hash);
// 64 hexadecimal digits, either case.
std::optional<NumberHash> parse_hash(std::string_view hex);

// SHA-256 of a whole file, taken piece by piece.
class FileDigest {
 public:
  FileDigest();
  void add(std::string_view bytes);
  std::string hex();

 private:
  alignas(16) std::array<unsigned char, 128> state_{};
};

}  // namespace pandun::exchange
