// Sessions: signing in, staying in, signing out. Ids are 256 random bits, stored hashed.
//
// Time       a session ends after `idle` without use and at the latest `absolute` after signing in.
// CSRF       the token is derived from the session id by a one-way hash: nothing more is stored, and it cannot be had
//            without the cookie.
// Throttle   after `free_tries` failures for a user name or an address the next try must wait 1, 2, 4 … seconds, at most
//            15 minutes; forgotten a day after the last failure. Kept in memory, bounded; counted before any hashing.
// Errors     kUnauthenticated, kRateLimited (retry_after() says how long), kNotAllowed (CSRF).
// Threads    thread-safe.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "guard/identity.h"

namespace pandun::guard {

// Exponential waiting for repeated failures, by any subject ("user:li.wei", "address:192.0.2.1").
class Throttle {
 public:
  explicit Throttle(int free_tries = 5, std::size_t subjects_max = 65536)
      : free_tries_(free_tries), subjects_max_(subjects_max) {}
  std::optional<std::chrono::seconds> wait(const std::string& subject, WallMs now) const;
  void failed(const std::string& subject, WallMs now);
  void passed(const std::string& subject);

 private:
  struct State {
    int failures = 0;
    std::int64_t last_ms = 0, until_ms = 0;
  };
  void make_room(WallMs now);
  const int free_tries_;
  const std::size_t subjects_max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, State> subjects_;
};

struct SessionTimes {
  std::chrono::minutes idle{60};
  std::chrono::hours absolute{12};
};

struct SessionInfo {
  std::string id_hash;
  Actor actor;
  User user;
  std::string csrf_token;
  WallMs expires_at;
};
struct SignedIn {
  std::string session_id;  // the cookie; never stored
  SessionInfo info;
};

class SessionDesk {
 public:
  SessionDesk(store::Store& store, Identity& identity, const Audit& audit, const platform::Clock& clock,
              SessionTimes times = {})
      : store_(store), identity_(identity), audit_(audit), clock_(clock), times_(times) {}

  Result<SignedIn> sign_in(const std::string& username, const std::string& password, const std::string& address);
  std::optional<std::chrono::seconds> retry_after(const std::string& username, const std::string& address) const;
  Result<SessionInfo> find(const std::string& session_id, const std::string& address);
  Result<> check_csrf(const std::string& session_id, const std::string& given) const;
  Result<> sign_out(const std::string& session_id);
  Result<std::int64_t> remove_expired();  // call now and then

 private:
  store::Store& store_;
  Identity& identity_;
  const Audit& audit_;
  const platform::Clock& clock_;
  SessionTimes times_;
  Throttle by_user_, by_address_{20};
};

}  // namespace pandun::guard
