// BLAKE2b-256 over bytes in pieces; hex as files and journals show it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace pandun::learn {

class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  Digest& add(std::string_view bytes);
  std::string hex();  // ends the digest

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string digest_hex(std::string_view bytes);

}  // namespace pandun::learn
