#include "exchange/number_hash.h"

#include <sodium.h>

#include <new>

namespace pandun::exchange {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string hex_of(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(count * 2);
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(kDigits[bytes[i] >> 4]);
    out.push_back(kDigits[bytes[i] & 15]);
  }
  return out;
}

}  // namespace

NumberHash keyed_hash(std::string_view pair_key, std::string_view text) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(pair_key), pair_key.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(text), text.size());
  NumberHash out{};
  crypto_auth_hmacsha256_final(&state, out.data());
  return out;
}

std::optional<NumberHash> hash_number(std::string_view pair_key, model::NumberKey number) {
  if (number.kind() != model::NumberKind::kE164 && number.kind() != model::NumberKind::kService) return std::nullopt;
  return keyed_hash(pair_key, number.text());
}

std::string to_hex(const NumberHash& hash) {
  return hex_of(hash.data(), hash.size());
}

std::optional<NumberHash> parse_hash(std::string_view hex) {
  if (hex.size() != kHashBytes * 2) return std::nullopt;
  NumberHash out{};
  for (std::size_t i = 0; i < kHashBytes; ++i) {
    const int high = digit_of(hex[i * 2]), low = digit_of(hex[i * 2 + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return out;
}

namespace {
crypto_hash_sha256_state* state_in(std::array<unsigned char, 128>& bytes) {
  static_assert(sizeof(crypto_hash_sha256_state) <= 128 && alignof(crypto_hash_sha256_state) <= 16);
  return std::launder(reinterpret_cast<crypto_hash_sha256_state*>(bytes.data()));
}
}  // namespace

FileDigest::FileDigest() {
  crypto_hash_sha256_init(new (state_.data()) crypto_hash_sha256_state);
}
void FileDigest::add(std::string_view bytes) {
  crypto_hash_sha256_update(state_in(state_), bytes_of(bytes), bytes.size());
}
std::string FileDigest::hex() {
  unsigned char out[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(state_in(state_), out);
  return hex_of(out, sizeof out);
}

}  // namespace pandun::exchange
