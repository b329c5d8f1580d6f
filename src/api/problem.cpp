#include "api/problem.h"

#include <fmt/format.h>

#include "guard/json_writer.h"

namespace pandun::api {
namespace {

Errc code_of(int status) {
  switch (status) {
    case 401:
      return Errc::kUnauthenticated;
    case 403:
      return Errc::kNotAllowed;
    case 404:
      return Errc::kNotFound;
    case 409:
      return Errc::kConflict;
    case 413:
    case 414:
    case 431:
      return Errc::kTooLarge;
    case 415:
    case 501:
    case 505:
      return Errc::kUnsupported;
    case 429:
      return Errc::kRateLimited;
    case 500:
      return Errc::kCorrupt;
    case 503:
      return Errc::kUnavailable;
    default:
      return Errc::kUsage;
  }
}

}  // namespace

http::Response problem(const Error& error, std::uint64_t request_id, const std::vector<Fault>& faults, int status) {
  const ErrorCodeInfo& about = info(error.code);
  if (status == 0) status = about.http_status;
  http::Response response;
  response.status = status;
  response.with("Content-Type", "application/problem+json");
  if (status == 401) response.with("WWW-Authenticate", "Bearer realm=\"pandun\"");
  guard::JsonWriter w(response.body);
  w.begin_object();
  w.field("type", fmt::format("urn:pandun:problem:{}", about.name));
  w.field("title", http::reason_phrase(status));
  w.field_integer("status", status);
  w.field("detail", error.message);
  w.field("code", about.name);
  w.local("advice", about.advice_zh, about.advice_en);
  w.field("instance", fmt::format("{:016x}", request_id));
  std::vector<Fault> all = faults;
  const bool about_words = error.code == Errc::kUsage || error.code == Errc::kBadInput;
  if (all.empty() && !error.where.empty() && about_words) all.push_back({error.where, error.message});
  if (!all.empty()) {
    w.key("errors").begin_array();
    for (const Fault& fault : all) {
      w.begin_object().field("where", fault.where).field("message", fault.message).end_object();
    }
    w.end_array();
  }
  w.end_object();
  return response;
}

http::Response problem(int status, std::string detail, std::uint64_t request_id) {
  return problem(error(code_of(status), "", std::move(detail)), request_id, {}, status);
}

http::Response json_answer(std::string body, int status) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  response.with("Content-Type", "application/json");
  return response;
}

}  // namespace pandun::api
