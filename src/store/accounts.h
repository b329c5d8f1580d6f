// Ports for people and programs that may sign in: users, sessions, API tokens. Secrets arrive here hashed only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace pandun::store {

struct UserRow {
  std::int64_t seq = 0;
  std::string id, username, display_name;
  std::string password_hash;  // argon2id string
  std::vector<std::string> roles;
  bool disabled = false, must_change_password = false;
  WallMs created_at, updated_at;
};

class Users {
 public:
  virtual ~Users() = default;
  virtual Result<std::optional<UserRow>> by_id(const std::string& id) const = 0;
  virtual Result<std::optional<UserRow>> by_username(const std::string& username) const = 0;  // case-insensitive
  virtual Result<std::vector<UserRow>> all() const = 0;
  virtual Result<> insert(const UserRow& user) = 0;  // kConflict: the id or name is taken
  virtual Result<> update(const UserRow& user) = 0;  // kNotFound
};

struct SessionRow {
  std::string id_hash, user_id, address;
  WallMs created_at, seen_at, expires_at;
};

class Sessions {
 public:
  virtual ~Sessions() = default;
  virtual Result<std::optional<SessionRow>> find(const std::string& id_hash) const = 0;
  virtual Result<> insert(const SessionRow& session) = 0;
  virtual Result<> touch(const std::string& id_hash, WallMs seen_at) = 0;
  virtual Result<> remove(const std::string& id_hash) = 0;
  virtual Result<> remove_of_user(const std::string& user_id, const std::string& except_id_hash) = 0;
  virtual Result<std::int64_t> remove_expired(WallMs now, WallMs idle_since) = 0;
};

struct ApiTokenRow {
  std::int64_t seq = 0;
  std::string id, name, token_hash, created_by;
  std::vector<std::string> roles;
  WallMs created_at, expires_at;
  std::optional<WallMs> revoked_at;
};

class ApiTokens {
 public:
  virtual ~ApiTokens() = default;
  virtual Result<std::optional<ApiTokenRow>> by_hash(const std::string& token_hash) const = 0;
  virtual Result<std::optional<ApiTokenRow>> by_id(const std::string& id) const = 0;
  virtual Result<std::vector<ApiTokenRow>> all() const = 0;
  virtual Result<> insert(const ApiTokenRow& token) = 0;
  virtual Result<> revoke(const std::string& id, WallMs at) = 0;
};

}  // namespace pandun::store
