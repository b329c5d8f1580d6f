#include "api/api.h"

#include <fmt/format.h>

#include "api/http/url.h"
#include "base/hash.h"
#include "model/ip.h"

namespace pandun::api {
namespace {

bool is_safe(http::Method method) {
  return method == http::Method::kGet || method == http::Method::kHead || method == http::Method::kOptions;
}

bool is_api_path(std::string_view path) {
  return path == "/api" || path.starts_with("/api/") || path.starts_with("/redress/") || path == "/metrics" ||
         path == "/healthz" || path == "/readyz";
}

bool announces_body(const http::Request& head) {
  const std::string_view length = head.header("content-length");
  return !head.header("transfer-encoding").empty() || (!length.empty() && length != "0");
}

// "application/json", with or without parameters.
bool is_json(std::string_view type) {
  std::string_view bare = type.substr(0, type.find(';'));
  while (!bare.empty() && bare.back() == ' ') bare.remove_suffix(1);
  constexpr std::string_view kJson = "application/json";
  if (bare.size() != kJson.size()) return false;
  for (std::size_t i = 0; i < bare.size(); ++i) {
    if ((bare[i] >= 'A' && bare[i] <= 'Z' ? bare[i] | 0x20 : bare[i]) != kJson[i]) return false;
  }
  return true;
}

// A page in a browser on this machine can reach loopback too, under a name of its own; only these names are ours.
bool names_loopback(std::string_view host) {
  const std::string_view name =
      host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
  return name == "localhost" || name == "[::1]" || name.starts_with("127.");
}

}  // namespace

Api::Api(const ApiParts& parts, ApiOptions options, std::unique_ptr<Contract> contract)
    : options_(std::move(options)),
      principals_(parts.sessions, parts.identity, parts.clock),
      room_{.parts = parts, .principals = principals_},
      router_(all_routes()),
      contract_(std::move(contract)),
      console_(parts.files, parts.clock, options_.console_dir),
      by_address_(options_.per_address, parts.clock),
      by_user_(options_.per_user, parts.clock) {
  room_.secure_cookie = options_.secure_cookie;
  room_.openapi = std::make_shared<const std::string>(kOpenApiText);
  room_.openapi_etag = fmt::format("\"{:016x}\"", hash64(kOpenApiText));
}

Result<std::unique_ptr<Api>> Api::make(const ApiParts& parts, ApiOptions options) {
  TRY_ASSIGN(auto contract, Contract::parse(kOpenApiText));
  std::unique_ptr<Api> api(new Api(parts, std::move(options), std::move(contract)));
  for (const Route& route : api->router_.routes()) {
    const Operation* operation = api->contract_->find(route.method, route.path);
    if (operation == nullptr || operation->right != name(route.door)) {
      return error(Errc::kBadConfig, "openapi.json",
                   fmt::format("{} {} is not described with the right '{}'", http::name(route.method), route.path,
                               name(route.door)));
    }
    api->operations_.push_back(operation);
  }
  return api;
}

http::Response Api::problem(int status, std::string detail, std::uint64_t request_id) {
  return pandun::api::problem(status, std::move(detail), request_id);
}

http::Response Api::refuse(const Error& error, const http::Request& request) const {
  return pandun::api::problem(error, request.id);
}

void Api::drain() {
  room_.draining = true;
  room_.parts.live.end_all();
}

// Behind a proxy on this machine the peer is loopback; the last X-Forwarded-For entry is what that proxy itself saw.
std::string Api::client_address(const http::Request& request, bool& loopback) const {
  loopback = request.peer_is_loopback;
  if (!options_.trust_forwarded_for || !request.peer_is_loopback) return request.peer;
  std::string_view last;
  for (const http::Header& header : request.headers) {
    if (header.name == "x-forwarded-for") last = header.value;
  }
  const std::size_t comma = last.rfind(',');
  if (comma != std::string_view::npos) last.remove_prefix(comma + 1);
  while (last.starts_with(' ')) last.remove_prefix(1);
  const auto address = model::IpAddress::parse(last);
  if (!address) return request.peer;
  loopback = false;
  return address->text();
}

std::optional<http::Response> Api::limited(http::RateLimiter& limiter, std::string_view key,
                                           const http::Request& request) {
  const unsigned wait = limiter.take(key);
  if (wait == 0) return std::nullopt;
  room_.rate_limited.fetch_add(1, std::memory_order_relaxed);
  http::Response response = problem(429, fmt::format("too many requests; wait {} s", wait), request.id);
  response.with("Retry-After", std::to_string(wait));
  return response;
}

// ---- before the body ----

std::optional<http::Response> Api::check_body_head(const Route& route, const http::Request& head) const {
  const Operation& operation = *operations_[static_cast<std::size_t>(&route - router_.routes().data())];
  if (!operation.has_body) return std::nullopt;
  if (head.header("content-length").empty() && head.header("transfer-encoding").empty()) {
    return pandun::api::problem(411, "a JSON body with its length is needed", head.id);
  }
  if (!is_json(head.header("content-type"))) {
    return pandun::api::problem(415, "Content-Type must be application/json", head.id);
  }
  return std::nullopt;
}

http::Plan Api::plan(const http::Request& head) {
  http::Plan plan;
  bool loopback = false;
  const std::string address = client_address(head, loopback);
  if (!loopback) plan.refuse = limited(by_address_, address, head);
  if (plan.refuse) return plan;
  if (!is_api_path(head.path)) {
    plan.on_io_thread = true;  // from memory
    if (announces_body(head) && head.method != http::Method::kGet) plan.refuse = serve_file(head);
    return plan;
  }
  Router::Match match = router_.match(head.method, head.path);
  if (match.route == nullptr) {
    plan.on_io_thread = true;
    // What is wrong is the path, not that it takes no body.
    if (announces_body(head)) plan.refuse = no_route(std::move(match), head);
    return plan;
  }
  plan.refuse = check_body_head(*match.route, head);
  plan.body_bytes_max = operations_[static_cast<std::size_t>(match.route - router_.routes().data())]->body_bytes_max;
  plan.on_io_thread = match.route->quick && (match.route->door == Door::kNone || principals_.peek(head) != nullptr);
  return plan;
}

// ---- the whole request ----

http::Response Api::handle(http::Request& request) {
  bool loopback = false;
  request.peer = client_address(request, loopback);
  if (request.path == "*") {
    http::Response response;
    response.status = 204;
    return response;
  }
  if (!is_api_path(request.path)) return serve_file(request);
  Router::Match match = router_.match(request.method, request.path);
  if (match.route != nullptr) return answer(*match.route, std::move(match.values), request, loopback);
  return no_route(std::move(match), request);
}

http::Response Api::no_route(Router::Match match, const http::Request& request) {
  if (match.allow.empty()) return problem(404, "there is no such path", request.id);
  match.allow += ", OPTIONS";
  http::Response response;
  if (request.method == http::Method::kOptions) {
    response.status = 204;
  } else {
    response = problem(405, fmt::format("this path takes {}", match.allow), request.id);
  }
  response.with("Allow", match.allow);
  return response;
}

http::Response Api::serve_file(const http::Request& request) {
  if (request.method == http::Method::kGet || request.method == http::Method::kHead) {
    http::Response response = console_.serve(request);
    return response.status == 404 ? problem(404, "there is no such page", request.id) : response;
  }
  http::Response response;
  if (request.method == http::Method::kOptions) {
    response.status = 204;
  } else {
    response = problem(405, "this path takes GET and HEAD", request.id);
  }
  response.with("Allow", "GET, HEAD, OPTIONS");
  return response;
}

// Who asks, and may they? Null: nobody, where nobody is welcome.
Result<std::shared_ptr<const Principal>> Api::admit(const Route& route, const http::Request& request, bool loopback) {
  if (route.door == Door::kNone) return std::shared_ptr<const Principal>();
  TRY_ASSIGN(auto principal, principals_.find(request));
  if (principal == nullptr) {
    const bool local = loopback && names_loopback(request.header("host")) &&
                       request.header("x-forwarded-for").empty() && request.header("forwarded").empty();
    if (route.door == Door::kMetrics && local) return principal;
    return error(Errc::kUnauthenticated, "", "sign in, or send a bearer token");
  }
  if (principal->session && !is_safe(request.method)) {
    TRY(room_.parts.sessions.check_csrf(principal->session_id, std::string(request.header("x-csrf-token"))));
  }
  if (route.door != Door::kSelf && principal->session && principal->session->user.must_change_password) {
    return error(Errc::kNotAllowed, "", "the password must be changed first: POST /api/v1/session/password");
  }
  if (opens(route.door == Door::kMetrics ? Door::kRead : route.door, principal->actor)) return principal;
  std::string roles;
  for (const guard::Role role : guard::all_roles()) {
    for (const guard::Right right : rights_of(route.door)) {
      if (!guard::info(right).roles.has(role)) continue;
      roles += (roles.empty() ? "" : ", ") + std::string(guard::name(role));
      break;
    }
  }
  return error(
      Errc::kNotAllowed, "",
      fmt::format("this needs the role {}{}", roles, principal->actor.token ? ", and a person signed in" : ""));
}

http::Response Api::answer(const Route& route, std::vector<std::string> values, http::Request& request, bool loopback) {
  auto principal = admit(route, request, loopback);
  if (!principal.ok()) return refuse(principal.error(), request);
  Call call{.request = request, .actor = {}, .session_id = {}, .path = std::move(values), .body = {}};
  if (*principal != nullptr) {
    call.actor = (*principal)->actor;
    call.session = (*principal)->session ? &*(*principal)->session : nullptr;
    call.session_id = (*principal)->session_id;
    if (!route.quick) {
      if (auto too_many = limited(by_user_, call.actor.name, request)) return std::move(*too_many);
    }
  } else {
    call.actor.address = request.peer;
  }
  const Operation& operation = *operations_[static_cast<std::size_t>(&route - router_.routes().data())];
  std::vector<Fault> faults;
  contract_->check_query(operation, request.query, faults);
  if (operation.has_body) {
    if (auto body = contract_->read_body(operation, request.body, faults)) call.body = std::move(*body);
  }
  if (!faults.empty()) {
    const std::string detail = faults.size() == 1 ? faults[0].where + " " + faults[0].message
                                                  : fmt::format("{} faults in the request", faults.size());
    return pandun::api::problem(error(Errc::kUsage, "", detail), request.id, faults);
  }
  Answer answer = route.action(room_, call);
  return answer.ok() ? std::move(*answer) : refuse(answer.error(), request);
}

}  // namespace pandun::api
