// Keys, certificates and tokens made for the tests of this room and of the SIP door. Nothing here is kept or shipped.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <map>
#include <memory>
#include <string>

#include "passport/base64url.h"

namespace pandun::passport::testing {

struct KeyPair {
  explicit KeyPair(const char* curve = "P-256") : key(EVP_EC_gen(curve), EVP_PKEY_free) {}
  std::shared_ptr<EVP_PKEY> key;
};

inline std::string raw_signature(EVP_PKEY* key, const std::string& text) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  unsigned char der[160];
  std::size_t size = sizeof der;
  EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key);
  EVP_DigestSign(context, der, &size, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  EVP_MD_CTX_free(context);
  const unsigned char* at = der;
  ECDSA_SIG* const signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size));
  unsigned char raw[64];
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32);
  ECDSA_SIG_free(signature);
  return {reinterpret_cast<const char*>(raw), 64};
}

inline std::string sign_token(const KeyPair& pair, const std::string& header, const std::string& claims) {
  const std::string text = base64url(header) + "." + base64url(claims);
  return text + "." + base64url(raw_signature(pair.key.get(), text));
}

struct CertificateWish {
  std::string name = "signer";
  bool authority = false;             // may sign certificates
  long from = -86400, until = 86400;  // seconds from `now`
  long now = 1'700'000'000;
  std::string numbers{};  // DER of TNAuthList; empty: none
  long serial = 7;
};

inline std::shared_ptr<X509> make_certificate(const KeyPair& subject, const KeyPair& issuer_key, X509* issuer,
                                              const CertificateWish& wish) {
  std::shared_ptr<X509> out(X509_new(), X509_free);
  X509_set_version(out.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), wish.serial);
  ASN1_TIME_set(X509_getm_notBefore(out.get()), wish.now + wish.from);
  ASN1_TIME_set(X509_getm_notAfter(out.get()), wish.now + wish.until);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wish.name.c_str()), -1, -1, 0);
  X509_set_issuer_name(out.get(), X509_get_subject_name(issuer == nullptr ? out.get() : issuer));
  X509_set_pubkey(out.get(), subject.key.get());
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer == nullptr ? out.get() : issuer, out.get(), nullptr, nullptr, 0);
  const auto extend = [&](int nid, const char* value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    X509_add_ext(out.get(), extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  extend(NID_key_usage, wish.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  extend(NID_subject_key_identifier, "hash");
  extend(NID_authority_key_identifier, "keyid:always");
  if (!wish.numbers.empty()) {
    ASN1_OBJECT* const id = OBJ_txt2obj("1.3.6.1.5.5.7.1.26", 1);
    ASN1_OCTET_STRING* const data = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(data, reinterpret_cast<const unsigned char*>(wish.numbers.data()),
                          static_cast<int>(wish.numbers.size()));
    X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, id, 0, data);
    X509_add_ext(out.get(), extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(id);
  }
  X509_sign(out.get(), issuer_key.key.get(), EVP_sha256());
  return out;
}

inline std::string take_bio(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}
inline std::string pem(X509* certificate) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  return take_bio(bio);
}

// A root, an authority below it, and signers below that.
struct Issuer {
  KeyPair root_key{}, key{};
  std::shared_ptr<X509> root, authority;
  explicit Issuer(long now = 1'700'000'000) {
    root = make_certificate(root_key, root_key, nullptr, {"root", true, -864000, 864000, now, {}, 1});
    authority = make_certificate(key, root_key, root.get(), {"authority", true, -864000, 864000, now, {}, 2});
  }
  // The signer's certificate and the authority's behind it.
  std::string issue(const KeyPair& subject, const CertificateWish& wish) const {
    return pem(make_certificate(subject, key, authority.get(), wish).get()) + pem(authority.get());
  }
  std::string revoke(long serial, long now = 1'700'000'000) const {
    X509_CRL* const crl = X509_CRL_new();
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority.get()));
    ASN1_TIME* const time = ASN1_TIME_set(nullptr, now - 60);
    X509_CRL_set1_lastUpdate(crl, time);
    ASN1_TIME_set(time, now + 86400);
    X509_CRL_set1_nextUpdate(crl, time);
    X509_REVOKED* const entry = X509_REVOKED_new();
    ASN1_INTEGER* const number = ASN1_INTEGER_new();
    ASN1_INTEGER_set(number, serial);
    X509_REVOKED_set_serialNumber(entry, number);
    ASN1_TIME_set(time, now - 120);
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(crl, entry);
    X509V3_CTX context;
    X509V3_set_ctx(&context, authority.get(), nullptr, nullptr, crl, 0);
    X509_EXTENSION* const id = X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always");
    X509_CRL_add_ext(crl, id, -1);
    X509_EXTENSION_free(id);
    ASN1_INTEGER_set(number, 1);
    X509_EXTENSION* const serial_of_list = X509V3_EXT_i2d(NID_crl_number, 0, number);
    X509_CRL_add_ext(crl, serial_of_list, -1);
    X509_EXTENSION_free(serial_of_list);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(time);
    X509_CRL_sign(crl, key.key.get(), EVP_sha256());
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_CRL(bio, crl);
    X509_CRL_free(crl);
    return take_bio(bio);
  }
};

}  // namespace pandun::passport::testing
