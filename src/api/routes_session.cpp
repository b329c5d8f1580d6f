#include <fmt/format.h>

#include "api/json.h"
#include "api/room.h"

namespace pandun::api {
namespace {

std::string cookie(const Room& room, const Call& call, std::string_view value, std::int64_t seconds) {
  const bool secure = call.request.tls || room.secure_cookie;
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kSessionCookie, value, seconds,
                     secure ? "; Secure" : "");
}

Answer sign_in(Room& room, const Call& call) {
  const std::string username = call.body.text("username");
  auto signed_in = room.parts.sessions.sign_in(username, call.body.text("password"), call.request.peer);
  if (!signed_in.ok()) {
    http::Response refused = problem(signed_in.error(), call.request.id);
    if (signed_in.error().code == Errc::kRateLimited) {
      const auto wait = room.parts.sessions.retry_after(username, call.request.peer);
      refused.with("Retry-After", std::to_string(wait ? std::max<std::int64_t>(wait->count(), 1) : 1));
    }
    return refused;
  }
  const std::int64_t seconds = (signed_in->info.expires_at.ms - room.parts.clock.wall().ms) / 1000;
  http::Response response = json_answer(session_json(signed_in->info));
  response.with("Set-Cookie", cookie(room, call, signed_in->session_id, seconds));
  return response;
}

Answer session(Room& room, const Call& call) {
  if (call.session != nullptr) return json_answer(session_json(*call.session));
  guard::SessionInfo as_if;  // an API token: nobody to greet, nothing to change
  as_if.user.id = call.actor.user_id;
  as_if.user.username = as_if.user.display_name = call.actor.name;
  as_if.user.roles = call.actor.roles;
  as_if.expires_at = room.parts.clock.wall();
  return json_answer(session_json(as_if));
}

Answer sign_out(Room& room, const Call& call) {
  http::Response response;
  response.status = 204;
  if (call.session == nullptr) return response;
  TRY(room.parts.sessions.sign_out(call.session_id));
  room.principals.forget_all();
  room.parts.live.end_streams_of(call.session->id_hash);
  response.with("Set-Cookie", cookie(room, call, "", 0));
  return response;
}

Answer change_password(Room& room, const Call& call) {
  if (call.session == nullptr) return error(Errc::kNotAllowed, "", "an API token has no password");
  TRY(room.parts.identity.change_own_password(call.actor, call.body.text("old_password"),
                                              call.body.text("new_password"), call.session->id_hash));
  room.principals.forget_all();
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void add_session_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kPost, "/api/v1/session", Door::kNone, sign_in});
  routes.push_back({Method::kGet, "/api/v1/session", Door::kSelf, session});
  routes.push_back({Method::kDelete, "/api/v1/session", Door::kSelf, sign_out});
  routes.push_back({Method::kPost, "/api/v1/session/password", Door::kSelf, change_password});
}

}  // namespace pandun::api
