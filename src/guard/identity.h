// Users, their passwords and API tokens.
//
// Passwords  argon2id (libsodium crypto_pwhash), at least 10 characters. The cost is injected: tests use the least.
// First      a store without users gets one `admin` with a random password, returned once and to be changed at sign-in.
// Tokens     "pdt_" + 64 hex digits (256 random bits), shown once, stored as BLAKE2b-256. A token has at most its maker's
//            roles and never a right that is `person_only`.
// Errors     kNotAllowed, kNotFound, kConflict (name taken), kUsage (words of the request), kUnauthenticated.
// Threads    thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "guard/audit.h"
#include "guard/rights.h"
#include "platform/clock.h"
#include "store/store.h"

namespace pandun::guard {

struct PasswordCost {
  unsigned long long operations = 2;            // crypto_pwhash_OPSLIMIT_INTERACTIVE
  std::size_t memory_bytes = 64 * 1024 * 1024;  // crypto_pwhash_MEMLIMIT_INTERACTIVE
  static PasswordCost least() { return {1, 8 * 1024}; }
};

struct User {
  std::string id, username, display_name;
  RoleSet roles;
  bool disabled = false, must_change_password = false;
  WallMs created_at;
};

struct NewUser {
  std::string username, display_name;
  std::vector<std::string> roles;
  std::optional<std::string> password;  // absent: a random one is made and must be changed
};
struct MadeUser {
  User user;
  std::optional<std::string> initial_password;
};
struct UserChange {
  std::optional<std::string> display_name;
  std::optional<std::vector<std::string>> roles;
  std::optional<bool> disabled;
  bool reset_password = false;
};

struct ApiToken {
  std::string id, name, created_by;
  RoleSet roles;
  WallMs created_at, expires_at;
  std::optional<WallMs> revoked_at;
};
struct MadeToken {
  ApiToken token;
  std::string secret;  // shown once
};

class Identity {
 public:
  Identity(store::Store& store, const Audit& audit, const platform::Clock& clock, PasswordCost cost = {})
      : store_(store), audit_(audit), clock_(clock), cost_(cost) {}

  struct FirstAdmin {
    std::string username, password;
  };
  Result<std::optional<FirstAdmin>> ensure_first_admin();

  Result<std::vector<User>> users(const Actor& actor) const;
  Result<MadeUser> create_user(const Actor& actor, const NewUser& wish);
  Result<MadeUser> change_user(const Actor& actor, const std::string& id, const UserChange& change);
  // Ends the user's other sessions. `session_id_hash` is the one that stays; may be empty.
  Result<> change_own_password(const Actor& actor, const std::string& old_password, const std::string& new_password,
                               const std::string& session_id_hash);

  Result<std::vector<ApiToken>> tokens(const Actor& actor) const;
  Result<MadeToken> create_token(const Actor& actor, const std::string& name, const std::vector<std::string>& roles,
                                 int expires_in_days);
  Result<> revoke_token(const Actor& actor, const std::string& id);
  // For "Authorization: Bearer …".
  Result<Actor> token_actor(const std::string& secret, const std::string& address) const;

  // kUnauthenticated for a wrong name, wrong password and disabled user alike, in about the same time.
  Result<User> check_password(const std::string& username, const std::string& password) const;

 private:
  Result<std::string> hash_password(const std::string& password) const;
  store::Store& store_;
  const Audit& audit_;
  const platform::Clock& clock_;
  PasswordCost cost_;
};

User user_of(const store::UserRow& row);
std::string secret_hash(std::string_view secret);  // BLAKE2b-256, hex: how sessions and tokens are stored
// What a new password lacks, or nothing.
std::optional<std::string> password_fault(std::string_view password, std::string_view username);

}  // namespace pandun::guard
