// From a credential to who it is. Known credentials are remembered for a moment, so that a busy client does not cost a
// database read for each call; every change of users, tokens or sessions forgets them all.
//
// Safety   remembered under the credential's one-way hash. A revocation made elsewhere (the command line) shows within `keep`.
// Errors   find(): kUnauthenticated, or what the store says.
// Threads  thread-safe. peek() never blocks on the store.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/http/message.h"
#include "guard/sessions.h"

namespace pandun::api {

struct Principal {
  guard::Actor actor;
  std::optional<guard::SessionInfo> session;  // absent for an API token
  std::string session_id;
};

inline constexpr std::string_view kSessionCookie = "pandun_session";

class Principals {
 public:
  Principals(guard::SessionDesk& sessions, guard::Identity& identity, platform::Clock& clock,
             std::chrono::milliseconds keep = std::chrono::milliseconds(1500))
      : sessions_(sessions), identity_(identity), clock_(clock), keep_(keep) {}

  // A bearer token wins over a cookie. Null when the request carries neither.
  Result<std::shared_ptr<const Principal>> find(const http::Request& request);
  std::shared_ptr<const Principal> peek(const http::Request& request) const;  // remembered and fresh, or null
  void forget_all();

 private:
  struct Entry {
    std::shared_ptr<const Principal> principal;
    std::chrono::nanoseconds until;
  };
  Result<std::shared_ptr<const Principal>> look_up(const http::Request& request) const;
  std::shared_ptr<const Principal> known(const std::string& key) const;

  guard::SessionDesk& sessions_;
  guard::Identity& identity_;
  platform::Clock& clock_;
  const std::chrono::milliseconds keep_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::uint64_t generation_ = 0;  // a look-up that began before forget_all() is not remembered
};

// The token of "Authorization: Bearer …", or "".
std::string_view bearer_token(const http::Request& request);

}  // namespace pandun::api
