// Response heads: status line, the handler's fields, and the fields that every answer carries.
//
// Source   RFC 9112 4, RFC 9110 5.6.7 (Date); CSP Level 3. `style-src-attr` lets charts position themselves; no script or
//          style sheet other than our own files ever runs.
#pragma once

#include <cstdint>
#include <string>

#include "api/http/message.h"
#include "base/time.h"

namespace pandun::api::http {

struct HeadContext {
  bool tls = false;
  bool keep_alive = true;
  bool head_only = false;  // the request was HEAD
  std::uint64_t request_id = 0;
  std::string_view date;  // imf_fixdate(), cached by the caller
};

// Appends the head, up to and including the empty line.
void write_head(const Response& response, const HeadContext& context, std::string& out);
// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string imf_fixdate(WallMs time);
// Statuses that never have a body.
bool bodiless(int status);

}  // namespace pandun::api::http
