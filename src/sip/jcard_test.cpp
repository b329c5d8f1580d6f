#include "sip/jcard.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <vector>

#include "passport/base64url.h"

namespace pandun::sip {
namespace {

using passport::from_base64url;

struct Pair {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  ~Pair() { EVP_PKEY_free(key); }
  std::string pem() const {
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    const std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
  }
  bool verifies(const std::string& signed_text, const std::string& raw) const {
    if (raw.size() != 64) return false;
    const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
    ECDSA_SIG* const signature = ECDSA_SIG_new();
    ECDSA_SIG_set0(signature, BN_bin2bn(bytes, 32, nullptr), BN_bin2bn(bytes + 32, 32, nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(signature, &der);
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key);
    const int good = EVP_DigestVerify(context, der, static_cast<std::size_t>(size),
                                      reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size());
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    ECDSA_SIG_free(signature);
    return good == 1;
  }
};

TEST(JCard, IsAJwsThatTheKeyVerifies) {
  const Pair pair;
  const auto signer = CardSigner::load(pair.pem(), "https://r.example/cert.pem");
  ASSERT_TRUE(signer.ok()) << signer.error().text();
  const auto card =
      (*signer)->make_jcard({"Carrier \"X\"", "https://r.example/a", "", "+861000", ""}, WallMs{1'700'000'000'500});
  ASSERT_TRUE(card.ok()) << card.error().text();
  const std::size_t first = card->find('.'), last = card->rfind('.');
  EXPECT_EQ(*from_base64url(card->substr(0, first)),
            R"({"alg":"ES256","typ":"vcard+json","x5u":"https://r.example/cert.pem"})");
  EXPECT_EQ(*from_base64url(card->substr(first + 1, last - first - 1)),
            R"({"iat":1700000000,"jcard":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Carrier \"X\""],)"
            R"(["url",{},"uri","https://r.example/a"],["tel",{"type":"work"},"uri","tel:+861000"]]]})");
  const std::string raw = *from_base64url(card->substr(last + 1));
  EXPECT_TRUE(pair.verifies(card->substr(0, last), raw));
  EXPECT_FALSE(Pair().verifies(card->substr(0, last), raw)) << "another key must not";
  EXPECT_EQ(card->find('='), std::string::npos);
}

// What RFC 8688 section 4.1 signs, byte by byte. Its printed signature verifies under neither of the keys printed beside it, so
// that ours is checked with a key of our own.
TEST(JCard, SignsWhatTheRfcSigns) {
  const Pair pair;
  const auto signer = CardSigner::load(pair.pem(), "https://certs.example.net/reject_key.cer");
  ASSERT_TRUE(signer.ok());
  const auto card = (*signer)->make_jcard({"Robocall Adjudication", "", "remediation@blocker.example.net", "", ""},
                                          WallMs{1'546'008'698'000});
  ASSERT_TRUE(card.ok());
  const std::string text = card->substr(0, card->rfind('.'));
  EXPECT_EQ(text,
            "eyJhbGciOiJFUzI1NiIsInR5cCI6InZjYXJkK2pzb24iLCJ4NXUiOiJodHRwczovL2NlcnRzLmV4YW1wbGUubmV0L3JlamVjdF9r"
            "ZXkuY2VyIn0.eyJpYXQiOjE1NDYwMDg2OTgsImpjYXJkIjpbInZjYXJkIixbWyJ2ZXJzaW9uIix7fSwidGV4dCIsIjQuMCJdLFsi"
            "Zm4iLHt9LCJ0ZXh0IiwiUm9ib2NhbGwgQWRqdWRpY2F0aW9uIl0sWyJlbWFpbCIseyJ0eXBlIjoid29yayJ9LCJ0ZXh0IiwicmVt"
            "ZWRpYXRpb25AYmxvY2tlci5leGFtcGxlLm5ldCJdXV19");
  EXPECT_TRUE(pair.verifies(text, *from_base64url(card->substr(card->rfind('.') + 1))));
}

TEST(JCard, RefusesWhatNobodyCouldUse) {
  const Pair pair;
  EXPECT_FALSE(CardSigner::load("no key", "https://r.example/c").ok());
  EXPECT_FALSE(CardSigner::load(pair.pem(), "http://r.example/c").ok());
  EVP_PKEY* const other = EVP_EC_gen("P-384");
  Pair wrong;
  EVP_PKEY_free(wrong.key);
  wrong.key = other;
  EXPECT_FALSE(CardSigner::load(wrong.pem(), "https://r.example/c").ok());
  EXPECT_FALSE((*CardSigner::load(pair.pem(), "https://r.example/c"))->make_jcard({"X", "", "", "", ""}, {}).ok());
}

}  // namespace
}  // namespace pandun::sip
