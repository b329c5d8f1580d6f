// Request targets: decoding that leaves nothing to interpret twice.
//
// Errors   nullopt: a bad escape, a control byte, bytes that are not UTF-8, a backslash, an encoded slash, or a "." or
//          ".." segment. So a decoded path can be compared and looked up as it is.
// Source   RFC 3986 2.1, RFC 9112 3.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"

namespace pandun::api::http {

struct Target {
  std::string path;
  std::vector<QueryItem> query;
};

inline constexpr std::size_t kQueryItemsMax = 64;

// origin-form ("/a?b=c") or absolute-form ("http://host/a").
std::optional<Target> parse_target(std::string_view target);
bool is_utf8(std::string_view text);

}  // namespace pandun::api::http
