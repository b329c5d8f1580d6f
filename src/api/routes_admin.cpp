#include "api/json.h"
#include "api/room.h"

namespace pandun::api {
namespace {

void token_fields(JsonWriter& w, const guard::ApiToken& token) {
  w.field("id", token.id).field("name", token.name).strings("roles", token.roles.names());
  w.field("created_by", token.created_by).field("created_at", rfc3339(token.created_at));
  w.field("expires_at", rfc3339(token.expires_at));
  time_or_null(w, "revoked_at", token.revoked_at);
}

std::string made_user_json(const guard::MadeUser& made) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("user");
  write(w, made.user);
  if (made.initial_password) w.field("initial_password", *made.initial_password);
  w.end_object();
  return out;
}

Answer users(Room& room, const Call& call) {
  TRY_ASSIGN(const auto all, room.parts.identity.users(call.actor));
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  write_list(w, "items", all);
  w.end_object();
  return json_answer(std::move(out));
}

Answer create_user(Room& room, const Call& call) {
  guard::NewUser wish;
  wish.username = call.body.text("username");
  wish.display_name = call.body.text("display_name");
  wish.roles = call.body.texts("roles");
  if (call.body.has("password")) wish.password = call.body.text("password");
  TRY_ASSIGN(const guard::MadeUser made, room.parts.identity.create_user(call.actor, wish));
  return json_answer(made_user_json(made), 201);
}

// Whatever changes, what is remembered of anybody is forgotten, and the changed user's streams end.
Answer patch_user(Room& room, const Call& call) {
  guard::UserChange change;
  if (call.body.has("display_name")) change.display_name = call.body.text("display_name");
  if (call.body.has("roles")) change.roles = call.body.texts("roles");
  if (call.body.has("disabled")) change.disabled = call.body.boolean("disabled");
  change.reset_password = call.body.boolean("reset_password");
  TRY_ASSIGN(const guard::MadeUser made, room.parts.identity.change_user(call.actor, call.path[0], change));
  room.principals.forget_all();
  if (change.roles || change.disabled || change.reset_password) room.parts.live.end_streams_of(made.user.id);
  return json_answer(made_user_json(made));
}

Answer tokens(Room& room, const Call& call) {
  TRY_ASSIGN(const auto all, room.parts.identity.tokens(call.actor));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const guard::ApiToken& token : all) {
    w.begin_object();
    token_fields(w, token);
    w.end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out));
}

Answer create_token(Room& room, const Call& call) {
  TRY_ASSIGN(const guard::MadeToken made,
             room.parts.identity.create_token(call.actor, call.body.text("name"), call.body.texts("roles"),
                                              static_cast<int>(call.body.integer("expires_in_days"))));
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  token_fields(w, made.token);
  w.field("token", made.secret).end_object();
  return json_answer(std::move(out), 201);
}

Answer delete_token(Room& room, const Call& call) {
  TRY(room.parts.identity.revoke_token(call.actor, call.path[0]));
  room.principals.forget_all();
  room.parts.live.end_all();  // watchers come back by themselves, save those whose token is gone
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void add_admin_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/users", Door::kManageUsers, users});
  routes.push_back({Method::kPost, "/api/v1/users", Door::kManageUsers, create_user});
  routes.push_back({Method::kPatch, "/api/v1/users/{id}", Door::kManageUsers, patch_user});
  routes.push_back({Method::kGet, "/api/v1/tokens", Door::kManageTokens, tokens});
  routes.push_back({Method::kPost, "/api/v1/tokens", Door::kManageTokens, create_token});
  routes.push_back({Method::kDelete, "/api/v1/tokens/{id}", Door::kManageTokens, delete_token});
}

}  // namespace pandun::api
