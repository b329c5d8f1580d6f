// The card that a caller rejected with 608 fetches to learn whom to ask: a JWS over a jCard, signed when it is fetched, not
// for each call.
//
// Shape    compact JWS "header.claims.signature", base64url without padding; ES256. `iat` is the time of the fetch: clients
//          refuse a card older than about a minute.
// Errors   kBadConfig: a key that is not a P-256 private key in PEM, a card without any way to reach somebody.
// Threads  thread-safe after load().
// Source   RFC 8688 section 3.2.2, RFC 7095, RFC 7515, RFC 7518 section 3.4.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace pandun::sip {

struct CardContact {
  std::string organisation{};  // shown as the card's name
  std::string url{}, email{}, tel{}, address{};
};

class CardSigner {
 public:
  // `certificate_url` goes into x5u: where the public key's certificate is found.
  static Result<std::unique_ptr<CardSigner>> load(std::string_view private_key_pem, std::string certificate_url);
  ~CardSigner();
  CardSigner(const CardSigner&) = delete;
  CardSigner& operator=(const CardSigner&) = delete;

  Result<std::string> make_jcard(const CardContact& contact, WallMs now) const;

 private:
  struct Key;
  CardSigner(std::unique_ptr<Key> key, std::string url);
  std::unique_ptr<Key> key_;
  std::string url_;
};

}  // namespace pandun::sip
