#include "platform/random.h"

#include <sodium.h>

#include <string_view>
#include <vector>

#include "base/check.h"

namespace pandun::platform {

void random_bytes(std::span<unsigned char> out) {
  CHECK(sodium_init() >= 0);
  randombytes_buf(out.data(), out.size());
}

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> raw(bytes);
  random_bytes(raw);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(bytes * 2);
  for (const unsigned char b : raw) {
    out.push_back(kHex[b >> 4]);
    out.push_back(kHex[b & 15]);
  }
  return out;
}

std::string random_password(std::size_t length) {
  CHECK(sodium_init() >= 0);
  constexpr std::string_view kAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
  std::string out;
  for (std::size_t i = 0; i < length; ++i) out.push_back(kAlphabet[randombytes_uniform(kAlphabet.size())]);
  return out;
}

}  // namespace pandun::platform
