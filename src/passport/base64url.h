// base64url without padding, as JWS writes it.
//
// Shape    one value has one text: bits that no byte holds must be zero, "=" does not belong.
// Source   RFC 7515 section 2, RFC 4648 section 5.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace pandun::passport {

std::string base64url(std::string_view bytes);
Result<std::string> from_base64url(std::string_view text);

}  // namespace pandun::passport
