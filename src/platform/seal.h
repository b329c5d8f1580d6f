// Sealing: authenticated encryption for everything that stands on disk and may hold a clear identity.
//
// Shape    nonce (24) · XChaCha20-Poly1305 ciphertext · tag (16), 40 bytes more than the clear text. `context` is
//          authenticated, not stored: a sealed block cannot be moved to another file or position.
// Errors   open(): kCorrupt when the bytes, key or context do not fit.
// Threads  const methods are thread-safe. The key is wiped when the object dies.
// Source   libsodium crypto_aead_xchacha20poly1305_ietf.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pandun::platform {

class FileSystem;

class SealKey {
 public:
  static constexpr std::size_t kBytes = 32;
  explicit SealKey(const std::array<unsigned char, kBytes>& bytes) : bytes_(bytes) {}
  SealKey(const SealKey&) = default;
  SealKey& operator=(const SealKey&) = default;
  ~SealKey();

  // A key of its own for each purpose ("eventlog", "checkpoint", "token:2026"…): BLAKE2b(key, purpose).
  SealKey derive(std::string_view purpose) const;
  std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), kBytes}; }

  std::string seal(std::string_view clear, std::string_view context) const;
  void seal_into(std::string& out, std::string_view clear, std::string_view context) const;  // appends
  Result<std::string> open(std::string_view sealed, std::string_view context) const;

 private:
  std::array<unsigned char, kBytes> bytes_;
};

inline constexpr std::size_t kSealOverhead = 40;

// Reads the 32-byte key file, or makes it (mode 0600, durable) when it is absent.
// kNotAllowed when others may read it; kCorrupt when it has another size.
Result<SealKey> load_or_create_key(FileSystem& files, const std::string& path);

// Keyed one-way hash of `text` (BLAKE2b-128 in hex, 32 characters), for tokens.
std::string keyed_hash_hex(const SealKey& key, std::string_view text);
void keyed_hash_hex(const SealKey& key, std::string_view text, std::span<char, 32> out);

}  // namespace pandun::platform
