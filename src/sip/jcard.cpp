#include "sip/jcard.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <vector>

#include "passport/base64url.h"

namespace pandun::sip {
namespace {

using passport::base64url;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeSignature {
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};

// JSON text; bytes that are not UTF-8 never come in: contacts are settings, checked as TOML.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string jcard(const CardContact& contact) {
  std::string out = "[\"vcard\",[[\"version\",{},\"text\",\"4.0\"]";
  const auto add = [&](std::string_view name, std::string_view type, const std::string& value,
                       std::string_view about = "{}") {
    if (!value.empty()) out += fmt::format(",[\"{}\",{},\"{}\",{}]", name, about, type, quoted(value));
  };
  constexpr std::string_view kWork = "{\"type\":\"work\"}";
  add("fn", "text", contact.organisation);
  add("url", "uri", contact.url);
  add("email", "text", contact.email, kWork);
  add("tel", "uri", contact.tel.empty() || contact.tel.starts_with("tel:") ? contact.tel : "tel:" + contact.tel, kWork);
  // A jCard address has seven parts (RFC 7095 section 3.3.1.3); ours is one line, given as the street.
  if (!contact.address.empty())
    out += fmt::format(",[\"adr\",{{}},\"text\",[\"\",\"\",{},\"\",\"\",\"\",\"\"]]", quoted(contact.address));
  return out + "]]";
}

}  // namespace

struct CardSigner::Key {
  std::unique_ptr<EVP_PKEY, FreeKey> pkey;
};

CardSigner::CardSigner(std::unique_ptr<Key> key, std::string url) : key_(std::move(key)), url_(std::move(url)) {}
CardSigner::~CardSigner() = default;

Result<std::unique_ptr<CardSigner>> CardSigner::load(std::string_view private_key_pem, std::string certificate_url) {
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size())));
  auto key = std::make_unique<Key>();
  // No pass phrase is ever asked for on the terminal.
  const auto refuse = [](char*, int, int, void*) { return -1; };
  key->pkey.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse, nullptr));
  if (!key->pkey) return error(Errc::kBadConfig, "608 card key", "is not an unencrypted private key in PEM");
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (EVP_PKEY_get_utf8_string_param(key->pkey.get(), OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &size) !=
          1 ||
      std::string_view(group.data(), size) != "prime256v1")
    return error(Errc::kBadConfig, "608 card key", "is not a P-256 key: openssl ecparam -name prime256v1 -genkey");
  if (!certificate_url.starts_with("https://"))
    return error(Errc::kBadConfig, "608 card certificate", "is found under an https:// address (x5u)");
  return std::unique_ptr<CardSigner>(new CardSigner(std::move(key), std::move(certificate_url)));
}

Result<std::string> CardSigner::make_jcard(const CardContact& contact, WallMs now) const {
  if (contact.url.empty() && contact.email.empty() && contact.tel.empty() && contact.address.empty())
    return error(Errc::kBadConfig, "608 card", "names no way to reach anybody: url, email, tel or address");
  const std::string header = fmt::format(R"({{"alg":"ES256","typ":"vcard+json","x5u":{}}})", quoted(url_));
  const std::string claims = fmt::format(R"({{"iat":{},"jcard":{}}})", now.ms / 1000, jcard(contact));
  std::string out = base64url(header) + "." + base64url(claims);

  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(out.data());
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, out.size()) != 1)
    return error(Errc::kUnavailable, "608 card", "cannot be signed");
  std::vector<unsigned char> der(size);
  if (EVP_DigestSign(context.get(), der.data(), &size, bytes, out.size()) != 1)
    return error(Errc::kUnavailable, "608 card", "cannot be signed");
  const unsigned char* at = der.data();
  const std::unique_ptr<ECDSA_SIG, FreeSignature> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  std::array<unsigned char, 64> raw{};
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), 32) != 32 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + 32, 32) != 32)
    return error(Errc::kUnavailable, "608 card", "cannot be signed");
  return out + "." + base64url({reinterpret_cast<const char*>(raw.data()), raw.size()});
}

}  // namespace pandun::sip
