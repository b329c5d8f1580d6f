// A call's Identity headers against the call itself and the certificates kept here.
//
// Order    what is cheap first, as RFC 8224 section 6.2 allows: parameters, caller and called number, freshness, certificate,
//          signature. The caller is always the one of the signalling; the token's is only compared with it.
// Threads  plain functions.
// Source   RFC 8224 sections 6.2, 8; RFC 8588; RFC 8946 section 5.
#pragma once

#include <span>
#include <string>

#include "base/time.h"
#include "passport/certificates.h"
#include "passport/verdict.h"

namespace pandun::passport {

inline constexpr std::int64_t kFreshSeconds = 60;
inline constexpr std::size_t kHeadersMax = 10;

struct Call {
  Party caller{};
  Party called{};         // the Request-URI: whom it reaches
  Party to{};             // the To: whom it was dialled for
  std::int64_t date = 0;  // of the Date header in seconds; 0: none
};

Verdict verify(std::span<const std::string> headers, const Call& call, const Certificates& certificates, WallMs now);
bool fresh(std::int64_t issued_at, WallMs now);

}  // namespace pandun::passport
