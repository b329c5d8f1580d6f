#include "learn/digest.h"

#include <sodium.h>

#include <array>

#include "base/check.h"

namespace pandun::learn {

struct Digest::State {
  crypto_generichash_state state;
};

Digest::Digest() : state_(std::make_unique<State>()) {
  CHECK(sodium_init() >= 0);
  crypto_generichash_init(&state_->state, nullptr, 0, crypto_generichash_BYTES);
}
Digest::~Digest() = default;

Digest& Digest::add(std::string_view bytes) {
  crypto_generichash_update(&state_->state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return *this;
}

std::string Digest::hex() {
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  crypto_generichash_final(&state_->state, hash.data(), hash.size());
  std::array<char, crypto_generichash_BYTES * 2 + 1> text{};
  sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  return text.data();
}

std::string digest_hex(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hex();
}

}  // namespace pandun::learn
