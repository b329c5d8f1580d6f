// The HTTP API: the door (who, may they, is the request well-formed) in front of the desks, and the console's files.
//
// Use      make(parts) → http::Server::start(options, api, …) → attach(server) … detach() → the server's destructor.
// Order    every request: rate by address → route → body limits → who → CSRF → right → rate by user → schema → handler.
// Errors   make(): kBadConfig when the route table and openapi.json disagree.
// Threads  plan() and handle() from any thread; the rest from the one that builds.
#pragma once

#include <memory>
#include <string>

#include "api/http/message.h"
#include "api/http/rate_limit.h"
#include "api/http/static_files.h"
#include "api/room.h"

namespace pandun::api {

struct ApiOptions {
  std::string console_dir;                // empty: no console
  http::RateLimit per_address{200, 400};  // requests; not for loopback
  http::RateLimit per_user{100, 400};     // not for decisions, which switches ask at line rate
  bool secure_cookie = false;             // also without TLS of our own: a proxy in front has it
  bool trust_forwarded_for = false;       // the proxy on loopback says who the client is
};

class Api final : public http::Handler {
 public:
  static Result<std::unique_ptr<Api>> make(const ApiParts& parts, ApiOptions options);

  http::Plan plan(const http::Request& head) override;
  http::Response handle(http::Request& request) override;
  http::Response problem(int status, std::string detail, std::uint64_t request_id) override;

  void attach(const http::Server& server) { room_.server = &server; }
  void detach() { room_.server = nullptr; }
  // From now on /readyz says no and streams end; call before http::Server::drain().
  void drain();

  const Router& router() const { return router_; }
  const Contract& contract() const { return *contract_; }

 private:
  Api(const ApiParts& parts, ApiOptions options, std::unique_ptr<Contract> contract);
  std::string client_address(const http::Request& request, bool& loopback) const;
  http::Response refuse(const Error& error, const http::Request& request) const;
  std::optional<http::Response> limited(http::RateLimiter& limiter, std::string_view key, const http::Request& request);
  std::optional<http::Response> check_body_head(const Route& route, const http::Request& head) const;
  Result<std::shared_ptr<const Principal>> admit(const Route& route, const http::Request& request, bool loopback);
  http::Response answer(const Route& route, std::vector<std::string> values, http::Request& request, bool loopback);
  http::Response no_route(Router::Match match, const http::Request& request);
  http::Response serve_file(const http::Request& request);

  ApiOptions options_;
  Principals principals_;
  Room room_;
  Router router_;
  std::unique_ptr<Contract> contract_;
  std::vector<const Operation*> operations_;  // as router_.routes()
  http::StaticFiles console_;
  http::RateLimiter by_address_, by_user_;
};

}  // namespace pandun::api
