#include "guard/identity.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>

#include "guard/audit_anchor.h"
#include "platform/random.h"

namespace pandun::guard {
namespace {

constexpr std::size_t kPasswordMin = 10, kPasswordMax = 256, kNameMax = 64;
constexpr std::string_view kTokenPrefix = "pdt_";
// Checked against when there is no such user, so that the answer takes as long as for one that exists.
constexpr std::size_t kHashBytes = crypto_pwhash_STRBYTES;

bool good_username(std::string_view name) {
  if (name.size() < 2 || name.size() > kNameMax) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

std::string words(const RoleSet& roles) {
  return fmt::format("{}", fmt::join(roles.names(), ","));
}

ApiToken token_of(const store::ApiTokenRow& row) {
  ApiToken token{row.id, row.name, row.created_by, {}, row.created_at, row.expires_at, row.revoked_at};
  for (const std::string& text : row.roles) {
    if (const auto role = parse_role(text)) token.roles.add(*role);
  }
  return token;
}

Result<store::UserRow> need_user(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.users().by_id(id));
  if (!row) return error(Errc::kNotFound, "user " + id, "there is no such user");
  return std::move(*row);
}

// Somebody must stay who can administer.
Result<> need_an_admin(const store::View& view) {
  TRY_ASSIGN(const auto all, view.users().all());
  for (const store::UserRow& row : all) {
    if (!row.disabled && user_of(row).roles.has(Role::kAdmin)) return {};
  }
  return error(Errc::kConflict, "users", "this would leave nobody with the role admin");
}

}  // namespace

User user_of(const store::UserRow& row) {
  User user{row.id, row.username, row.display_name, {}, row.disabled, row.must_change_password, row.created_at};
  for (const std::string& text : row.roles) {
    if (const auto role = parse_role(text)) user.roles.add(*role);
  }
  return user;
}

std::string secret_hash(std::string_view secret) {
  return anchor_digest(secret);
}

std::optional<std::string> password_fault(std::string_view password, std::string_view username) {
  if (password.size() < kPasswordMin) return fmt::format("a password has at least {} characters", kPasswordMin);
  if (password.size() > kPasswordMax) return fmt::format("a password has at most {} bytes", kPasswordMax);
  if (password.find(username) != std::string_view::npos) return "a password must not contain the user name";
  const bool one_character = std::all_of(password.begin(), password.end(), [&](char c) { return c == password[0]; });
  if (one_character) return "a password needs more than one character";
  return std::nullopt;
}

Result<std::string> Identity::hash_password(const std::string& password) const {
  std::array<char, kHashBytes> out{};
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), cost_.operations, cost_.memory_bytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return error(Errc::kUnavailable, "password", "there is not enough memory to hash it", true);
  }
  return std::string(out.data());
}

Result<std::optional<Identity::FirstAdmin>> Identity::ensure_first_admin() {
  std::optional<FirstAdmin> made;
  bool empty = false;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto all, view.users().all());
    empty = all.empty();
    return {};
  }));
  if (!empty) return made;
  const FirstAdmin admin{"admin", platform::random_password(20)};
  TRY_ASSIGN(const std::string hash, hash_password(admin.password));
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const auto all, std::as_const(tx).users().all());
    if (!all.empty()) return {};
    store::UserRow row;
    row.id = "U-" + platform::random_hex(8);
    row.username = admin.username;
    row.display_name = "Administrator";
    row.password_hash = hash;
    row.roles = {"admin", "analyst"};  // can work at once; approving needs a second person anyway
    row.must_change_password = true;
    row.created_at = row.updated_at = clock_.wall();
    TRY(tx.users().insert(row));
    TRY(audit_.record(tx, Actor::system("setup"), "user.create", "user:" + row.username,
                      {{"roles", words(user_of(row).roles)}}));
    made = admin;
    return {};
  }));
  return made;
}

Result<std::vector<User>> Identity::users(const Actor& actor) const {
  TRY(require(actor, Right::kUserManage));
  std::vector<User> out;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.users().all());
    for (const store::UserRow& row : rows) out.push_back(user_of(row));
    return {};
  }));
  return out;
}

Result<MadeUser> Identity::create_user(const Actor& actor, const NewUser& wish) {
  TRY(require(actor, Right::kUserManage));
  if (!good_username(wish.username)) {
    return error(Errc::kUsage, "username", "2 to 64 of a-z, 0-9, '.', '-', '_'");
  }
  TRY_ASSIGN(const RoleSet roles, parse_roles(wish.roles));
  MadeUser made;
  std::string password = wish.password.value_or("");
  if (!wish.password) {
    password = platform::random_password(20);
    made.initial_password = password;
  } else if (const auto fault = password_fault(password, wish.username)) {
    return error(Errc::kUsage, "password", *fault);
  }
  TRY_ASSIGN(const std::string hash, hash_password(password));
  store::UserRow row;
  row.id = "U-" + platform::random_hex(8);
  row.username = wish.username;
  row.display_name = wish.display_name.empty() ? wish.username : wish.display_name.substr(0, 200);
  row.password_hash = hash;
  row.roles = roles.names();
  row.must_change_password = true;  // whoever made the user knows the first password
  row.created_at = row.updated_at = clock_.wall();
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const auto taken, std::as_const(tx).users().by_username(wish.username));
    if (taken) return error(Errc::kConflict, "username", "this name is taken");
    TRY(tx.users().insert(row));
    return audit_.record(tx, actor, "user.create", "user:" + row.username, {{"roles", words(roles)}});
  }));
  made.user = user_of(row);
  return made;
}

Result<MadeUser> Identity::change_user(const Actor& actor, const std::string& id, const UserChange& change) {
  TRY(require(actor, Right::kUserManage));
  RoleSet roles;
  if (change.roles) {
    TRY_ASSIGN(roles, parse_roles(*change.roles));
  }
  MadeUser made;
  std::string hash;
  if (change.reset_password) {
    made.initial_password = platform::random_password(20);
    TRY_ASSIGN(hash, hash_password(*made.initial_password));
  }
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(store::UserRow row, need_user(tx, id));
    AuditDetail detail;
    if (change.display_name) {
      row.display_name = change.display_name->substr(0, 200);
      detail.emplace_back("display_name", row.display_name);
    }
    if (change.roles) {
      detail.emplace_back("roles_before", words(user_of(row).roles));
      row.roles = roles.names();
      detail.emplace_back("roles", words(roles));
    }
    if (change.disabled) {
      row.disabled = *change.disabled;
      detail.emplace_back("disabled", row.disabled ? "yes" : "no");
    }
    if (change.reset_password) {
      row.password_hash = hash;
      row.must_change_password = true;
      detail.emplace_back("password", "reset");
    }
    row.updated_at = clock_.wall();
    TRY(tx.users().update(row));
    TRY(need_an_admin(tx));
    if (row.disabled || change.reset_password) TRY(tx.sessions().remove_of_user(row.id, ""));
    made.user = user_of(row);
    return audit_.record(tx, actor, "user.change", "user:" + row.username, std::move(detail));
  }));
  return made;
}

Result<> Identity::change_own_password(const Actor& actor, const std::string& old_password,
                                       const std::string& new_password, const std::string& session_id_hash) {
  if (actor.token || actor.user_id.empty()) return error(Errc::kNotAllowed, actor.name, "only people have passwords");
  TRY(check_password(actor.person, old_password));
  if (const auto fault = password_fault(new_password, actor.person)) return error(Errc::kUsage, "new_password", *fault);
  if (new_password == old_password) return error(Errc::kUsage, "new_password", "it is the old one");
  TRY_ASSIGN(const std::string hash, hash_password(new_password));
  return store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(store::UserRow row, need_user(tx, actor.user_id));
    row.password_hash = hash;
    row.must_change_password = false;
    row.updated_at = clock_.wall();
    TRY(tx.users().update(row));
    TRY(tx.sessions().remove_of_user(row.id, session_id_hash));
    return audit_.record(tx, actor, "user.password", "user:" + row.username);
  });
}

Result<std::vector<ApiToken>> Identity::tokens(const Actor& actor) const {
  TRY(require(actor, Right::kTokenManage));
  std::vector<ApiToken> out;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.api_tokens().all());
    for (const store::ApiTokenRow& row : rows) out.push_back(token_of(row));
    return {};
  }));
  return out;
}

Result<MadeToken> Identity::create_token(const Actor& actor, const std::string& name,
                                         const std::vector<std::string>& roles, int expires_in_days) {
  TRY(require(actor, Right::kTokenManage));
  if (name.empty() || name.size() > kNameMax) return error(Errc::kUsage, "name", "1 to 64 characters");
  if (expires_in_days < 1 || expires_in_days > 366) return error(Errc::kUsage, "expires_in_days", "1 to 366");
  TRY_ASSIGN(const RoleSet wanted, parse_roles(roles));
  for (const Role role : all_roles()) {
    // An administrator may hand out reading to programs, but no role he does not have himself beyond that.
    if (wanted.has(role) && role != Role::kViewer && !actor.roles.has(role)) {
      return error(Errc::kNotAllowed, "roles",
                   fmt::format("you do not have the role '{}' yourself", guard::name(role)));
    }
  }
  MadeToken made;
  made.secret = std::string(kTokenPrefix) + platform::random_hex(32);
  store::ApiTokenRow row;
  row.id = "T-" + platform::random_hex(8);
  row.name = name;
  row.token_hash = secret_hash(made.secret);
  row.roles = wanted.names();
  row.created_by = actor.person;
  row.created_at = clock_.wall();
  row.expires_at = WallMs{row.created_at.ms + expires_in_days * 86'400'000LL};
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    TRY(tx.api_tokens().insert(row));
    return audit_.record(tx, actor, "token.create", "token:" + row.id,
                         {{"name", name}, {"roles", words(wanted)}, {"expires_at", rfc3339(row.expires_at)}});
  }));
  made.token = token_of(row);
  return made;
}

Result<> Identity::revoke_token(const Actor& actor, const std::string& id) {
  TRY(require(actor, Right::kTokenManage));
  return store_.write([&](store::Tx& tx) -> Result<> {
    TRY(tx.api_tokens().revoke(id, clock_.wall()));
    return audit_.record(tx, actor, "token.revoke", "token:" + id);
  });
}

Result<Actor> Identity::token_actor(const std::string& secret, const std::string& address) const {
  const Error no = error(Errc::kUnauthenticated, "bearer token", "unknown, expired or revoked");
  if (secret.size() != kTokenPrefix.size() + 64 || !secret.starts_with(kTokenPrefix)) return no;
  Actor actor;
  bool good = false;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto row, view.api_tokens().by_hash(secret_hash(secret)));
    if (!row || row->revoked_at || row->expires_at <= clock_.wall()) return {};
    TRY_ASSIGN(const auto maker, view.users().by_username(row->created_by));
    if (!maker || maker->disabled) return {};
    const ApiToken token = token_of(*row);
    const RoleSet makers = user_of(*maker).roles;
    for (const Role role : all_roles()) {
      // What its maker has lost the token has lost.
      if (token.roles.has(role) && (role == Role::kViewer || makers.has(role))) actor.roles.add(role);
    }
    actor.name = "token:" + token.name;
    actor.person = row->created_by;
    actor.address = address;
    actor.token = true;
    good = !actor.roles.empty();
    return {};
  }));
  if (!good) return no;
  return actor;
}

Result<User> Identity::check_password(const std::string& username, const std::string& password) const {
  const Error no = error(Errc::kUnauthenticated, "sign-in", "the user name or the password is wrong");
  std::optional<store::UserRow> row;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(row, view.users().by_username(username));
    return {};
  }));
  if (password.size() > kPasswordMax) return no;
  if (!row) {
    (void)hash_password(password);  // the same work as for a user that exists
    return no;
  }
  if (crypto_pwhash_str_verify(row->password_hash.c_str(), password.data(), password.size()) != 0) return no;
  if (row->disabled) return no;
  return user_of(*row);
}

}  // namespace pandun::guard
