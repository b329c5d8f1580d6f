#include <charconv>

#include "api/json.h"
#include "api/room.h"

namespace pandun::api {
namespace {

constexpr int kReplayPage = 200;
constexpr int kReplayMax = 2000;  // who missed more reloads the list instead

// Alerts after `seq`, oldest first, as events.
Result<std::string> missed_alerts(Room& room, std::int64_t seq) {
  std::string out;
  casework::CaseDesk::AlertQuery query;
  query.page = {.cursor = seq, .limit = kReplayPage, .newest = false};
  for (int sent = 0; sent < kReplayMax;) {
    TRY_ASSIGN(const casework::AlertPage page, room.parts.desk.alerts(query));
    for (const casework::AlertSummary& alert : page.items) append_event(out, "alert", alert.seq, to_json(alert));
    sent += static_cast<int>(page.items.size());
    if (!page.next || page.items.empty()) break;
    query.page.cursor = *page.next;
  }
  return out;
}

// Watching begins before the store is read, so that no alert falls between the two.
Answer stream(Room& room, const Call& call) {
  const bool person = call.session != nullptr;
  const WallMs until = person ? call.session->expires_at : WallMs{room.parts.clock.wall().ms + 86'400'000};
  http::Response response;
  response.stream = room.parts.live.watch({call.actor.user_id, person ? call.session->id_hash : std::string()}, until);
  response.with("Content-Type", "text/event-stream").with("X-Accel-Buffering", "no");
  response.body = "retry: 2000\n\n";
  const std::string_view last = call.request.header("last-event-id");
  std::int64_t seq = 0;
  const auto [end, ec] = std::from_chars(last.data(), last.data() + last.size(), seq);
  if (!last.empty() && ec == std::errc() && end == last.data() + last.size() && seq > 0) {
    TRY_ASSIGN(const std::string missed, missed_alerts(room, seq));
    response.body += missed;
  }
  return response;
}

}  // namespace

void add_live_routes(std::vector<Route>& routes) {
  routes.push_back({http::Method::kGet, "/api/v1/stream", Door::kRead, stream});
}

}  // namespace pandun::api
