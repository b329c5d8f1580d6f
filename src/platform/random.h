// Randomness from the operating system (libsodium). Seeded generators for simulations live in base/prng.h.
// Threads  thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace pandun::platform {

void random_bytes(std::span<unsigned char> out);
std::string random_hex(std::size_t bytes);
// Letters and digits without look-alikes (no 0 O 1 l I), for passwords that people type.
std::string random_password(std::size_t length);

}  // namespace pandun::platform
