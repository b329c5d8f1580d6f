#include "platform/seal.h"

#include <sodium.h>

#include <cstring>

#include "platform/file_system.h"
#include "platform/random.h"

namespace pandun::platform {
namespace {

constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kNonce + kTag == kSealOverhead);

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* raw(char* text) {
  return reinterpret_cast<unsigned char*>(text);
}

}  // namespace

SealKey::~SealKey() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

SealKey SealKey::derive(std::string_view purpose) const {
  std::array<unsigned char, kBytes> out{};
  crypto_generichash(out.data(), out.size(), raw(purpose), purpose.size(), bytes_.data(), bytes_.size());
  return SealKey(out);
}

void SealKey::seal_into(std::string& out, std::string_view clear, std::string_view context) const {
  const std::size_t at = out.size();
  out.resize(at + clear.size() + kSealOverhead);
  unsigned char* nonce = raw(out.data() + at);
  random_bytes({nonce, kNonce});
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + kNonce, nullptr, raw(clear), clear.size(), raw(context),
                                             context.size(), nullptr, nonce, bytes_.data());
}

std::string SealKey::seal(std::string_view clear, std::string_view context) const {
  std::string out;
  seal_into(out, clear, context);
  return out;
}

Result<std::string> SealKey::open(std::string_view sealed, std::string_view context) const {
  if (sealed.size() < kSealOverhead) return error(Errc::kCorrupt, "sealed block", "shorter than its own frame");
  std::string out(sealed.size() - kSealOverhead, '\0');
  const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(raw(out.data()), nullptr, nullptr, raw(sealed) + kNonce,
                                                                sealed.size() - kNonce, raw(context), context.size(),
                                                                raw(sealed), bytes_.data());
  if (failed != 0) return error(Errc::kCorrupt, "sealed block", "was changed, moved, or sealed with another key");
  return out;
}

Result<SealKey> load_or_create_key(FileSystem& files, const std::string& path) {
  std::array<unsigned char, SealKey::kBytes> bytes{};
  auto content = read_file(files, path, 4096);
  if (!content.ok()) {
    if (content.error().code != Errc::kNotFound) return std::move(content).error();
    random_bytes(bytes);
    TRY(files.make_directories(directory_of(path)));
    TRY(replace_file(files, path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, 0600));
    return SealKey(bytes);
  }
  if (content->size() != SealKey::kBytes)
    return error(Errc::kCorrupt, path, "a key file holds exactly 32 bytes; restore it from its backup");
  TRY_ASSIGN(const FileInfo file, files.info(path));
  if ((file.mode & 077) != 0)
    return error(Errc::kNotAllowed, path, "others may read this key file; run: chmod 600 " + path);
  std::memcpy(bytes.data(), content->data(), bytes.size());
  sodium_memzero(content->data(), content->size());
  return SealKey(bytes);
}

std::string keyed_hash_hex(const SealKey& key, std::string_view text) {
  std::array<char, 32> hex{};
  keyed_hash_hex(key, text, hex);
  return {hex.data(), hex.size()};
}

void keyed_hash_hex(const SealKey& key, std::string_view text, std::span<char, 32> out) {
  std::array<unsigned char, 16> hash{};
  const std::string_view bytes = key.bytes();
  crypto_generichash(hash.data(), hash.size(), raw(text), text.size(), raw(bytes), bytes.size());
  for (std::size_t i = 0; i < hash.size(); ++i) {
    out[2 * i] = "0123456789abcdef"[hash[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
  }
}

}  // namespace pandun::platform
