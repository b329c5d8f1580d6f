#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr std::string_view kUserColumns =
    "seq, id, username, display_name, password_hash, roles, disabled, must_change_password, created_at, updated_at";

UserRow read_user(const Row& row) {
  return {row.integer(0),           row.text(1),    row.text(2),    row.text(3), row.text(4),
          split_words(row.text(5)), row.boolean(6), row.boolean(7), row.wall(8), row.wall(9)};
}

SessionRow read_session(const Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.wall(3), row.wall(4), row.wall(5)};
}

ApiTokenRow read_token(const Row& row) {
  return {row.integer(0),           row.text(1), row.text(2), row.text(3),      row.text(4),
          split_words(row.text(5)), row.wall(6), row.wall(7), row.maybe_wall(8)};
}

std::string users_where(std::string_view condition) {
  return "SELECT " + std::string(kUserColumns) + " FROM users " + std::string(condition);
}

constexpr std::string_view kTokens =
    "SELECT seq, id, name, token_hash, created_by, roles, created_at, expires_at, revoked_at FROM api_tokens ";

}  // namespace

Result<std::optional<UserRow>> SqliteUsers::by_id(const std::string& id) const {
  return fetch_one(db_, users_where("WHERE id = ?"), {id}, read_user);
}
Result<std::optional<UserRow>> SqliteUsers::by_username(const std::string& username) const {
  return fetch_one(db_, users_where("WHERE username = ?"), {username}, read_user);
}
Result<std::vector<UserRow>> SqliteUsers::all() const {
  return fetch_all(db_, users_where("ORDER BY seq"), {}, read_user);
}

Result<> SqliteUsers::insert(const UserRow& user) {
  return db_.run(
      "INSERT INTO users(id, username, display_name, password_hash, roles, disabled, must_change_password, created_at,"
      " updated_at) VALUES (?,?,?,?,?,?,?,?,?)",
      {user.id, user.username, user.display_name, user.password_hash, join_words(user.roles), user.disabled,
       user.must_change_password, user.created_at, user.updated_at});
}

Result<> SqliteUsers::update(const UserRow& user) {
  TRY(
      db_.run("UPDATE users SET display_name = ?, password_hash = ?, roles = ?, disabled = ?, must_change_password = ?,"
              " updated_at = ? WHERE id = ?",
              {user.display_name, user.password_hash, join_words(user.roles), user.disabled, user.must_change_password,
               user.updated_at, user.id}));
  return need_one(db_, "user " + user.id);
}

Result<std::optional<SessionRow>> SqliteSessions::find(const std::string& id_hash) const {
  return fetch_one(db_,
                   "SELECT id_hash, user_id, address, created_at, seen_at, expires_at FROM sessions WHERE id_hash = ?",
                   {id_hash}, read_session);
}
Result<> SqliteSessions::insert(const SessionRow& session) {
  return db_.run(
      "INSERT INTO sessions(id_hash, user_id, address, created_at, seen_at, expires_at) VALUES (?,?,?,?,?,?)",
      {session.id_hash, session.user_id, session.address, session.created_at, session.seen_at, session.expires_at});
}
Result<> SqliteSessions::touch(const std::string& id_hash, WallMs seen_at) {
  return db_.run("UPDATE sessions SET seen_at = ? WHERE id_hash = ?", {seen_at, id_hash});
}
Result<> SqliteSessions::remove(const std::string& id_hash) {
  return db_.run("DELETE FROM sessions WHERE id_hash = ?", {id_hash});
}
Result<> SqliteSessions::remove_of_user(const std::string& user_id, const std::string& except_id_hash) {
  return db_.run("DELETE FROM sessions WHERE user_id = ? AND id_hash <> ?", {user_id, except_id_hash});
}
Result<std::int64_t> SqliteSessions::remove_expired(WallMs now, WallMs idle_since) {
  TRY(db_.run("DELETE FROM sessions WHERE expires_at <= ? OR seen_at <= ?", {now, idle_since}));
  return db_.changes();
}

Result<std::optional<ApiTokenRow>> SqliteApiTokens::by_hash(const std::string& token_hash) const {
  return fetch_one(db_, std::string(kTokens) + "WHERE token_hash = ?", {token_hash}, read_token);
}
Result<std::optional<ApiTokenRow>> SqliteApiTokens::by_id(const std::string& id) const {
  return fetch_one(db_, std::string(kTokens) + "WHERE id = ?", {id}, read_token);
}
Result<std::vector<ApiTokenRow>> SqliteApiTokens::all() const {
  return fetch_all(db_, std::string(kTokens) + "ORDER BY seq", {}, read_token);
}
Result<> SqliteApiTokens::insert(const ApiTokenRow& token) {
  return db_.run(
      "INSERT INTO api_tokens(id, name, token_hash, roles, created_by, created_at, expires_at, revoked_at)"
      " VALUES (?,?,?,?,?,?,?,?)",
      {token.id, token.name, token.token_hash, join_words(token.roles), token.created_by, token.created_at,
       token.expires_at, token.revoked_at});
}
Result<> SqliteApiTokens::revoke(const std::string& id, WallMs at) {
  TRY(db_.run("UPDATE api_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", {at, id}));
  return need_one(db_, "api token " + id);
}

}  // namespace pandun::store
