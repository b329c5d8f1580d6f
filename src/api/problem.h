// RFC 9457 problem documents with our stable code, in both languages.
//
// Safety   for faults of our own (5xx) the place is left out: paths of the machine are nobody else's business.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/contract.h"
#include "api/http/message.h"
#include "base/result.h"

namespace pandun::api {

// `status` 0: what base/errors.cpp says for the code.
http::Response problem(const Error& error, std::uint64_t request_id, const std::vector<Fault>& faults = {},
                       int status = 0);
// For faults known only by their HTTP status.
http::Response problem(int status, std::string detail, std::uint64_t request_id);

http::Response json_answer(std::string body, int status = 200);

}  // namespace pandun::api
