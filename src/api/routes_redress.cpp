#include "api/room.h"

namespace pandun::api {
namespace {

// For whoever was rejected with 608, so without a session. A compact JWS goes as application/jose (RFC 7515 section 9.2.1); RFC
// 8688 section 3.2 names no type. Its `iat` is now: no cache may keep it.
Answer redress_card(Room& room, const Call& call) {
  TRY_ASSIGN(std::string card, room.parts.platform.redress_card(call.path[0]));
  http::Response response;
  response.body = std::move(card);
  response.with("Content-Type", "application/jose");
  response.with("Cache-Control", "no-store");
  return response;
}

}  // namespace

void add_redress_routes(std::vector<Route>& routes) {
  routes.push_back({http::Method::kGet, "/redress/jcard/{id}", Door::kNone, redress_card, true});
}

}  // namespace pandun::api
