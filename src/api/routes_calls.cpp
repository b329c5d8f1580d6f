// Calls while they last: switches report them, ask which are to be ended, and say what became of those.
#include <algorithm>
#include <array>

#include "api/json.h"
#include "api/room.h"
#include "decide/desk.h"

namespace pandun::api {
namespace {

constexpr std::int64_t kOldestMs = 86'400'000, kAheadMs = 60'000;  // of a report's time, from now
constexpr std::size_t kEndingsMax = 500;
constexpr std::array<model::CallStage, 3> kStages{model::CallStage::kAnswered, model::CallStage::kLasts,
                                                  model::CallStage::kEnded};
constexpr std::array<decide::EndingOutcome, 3> kAnswers{
    decide::EndingOutcome::kEnded, decide::EndingOutcome::kAlreadyOver, decide::EndingOutcome::kFailed};

Result<decide::Desk*> desk_of(Room& room) {
  decide::Desk* desk = room.parts.decider.desk();
  if (desk == nullptr) return error(Errc::kUnavailable, "decisions", "the decision room is not open yet", true);
  return desk;
}

Answer counted(std::size_t count) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("count").unsigned_integer(count).end_object();
  return json_answer(std::move(out));
}

// As in docs/inputs.md: what is taken here is refused nowhere later.
Result<decide::CallReport> report_of(Room& room, const Body& body, std::size_t index, WallMs now) {
  const auto where = [&](std::string_view key) { return "reports/" + std::to_string(index) + "/" + std::string(key); };
  decide::CallReport out;
  out.call = body.text("call");
  out.caller = body.text("caller");
  out.callee = body.text("callee");
  out.route = body.text("route");
  const std::string state = body.text("state");
  for (const model::CallStage stage : kStages)
    if (model::name(stage) == state) out.stage = stage;
  out.since_s = static_cast<std::int32_t>(body.integer("since_s", -1));
  if (out.stage == model::CallStage::kAnswered && out.since_s < 0) out.since_s = 0;
  out.international = body.boolean("international");
  out.told = {now.ms};
  if (body.has("time")) {
    const auto time = parse_rfc3339(body.text("time"));
    if (!time) return error(Errc::kBadInput, where("time"), "is not RFC 3339 with a zone");
    if (*time < now.ms - kOldestMs || *time > now.ms + kAheadMs)
      return error(Errc::kBadInput, where("time"), "is more than a day ago, or ahead of the clock here");
    out.told = {*time};
  }
  const model::NumberKey callee = room.parts.platform.read_number(out.callee);
  if (!callee.known() || callee.kind() == model::NumberKind::kInvalid)
    return error(Errc::kBadInput, where("callee"), "is not a telephone number");
  return out;
}

Answer report(Room& room, const Call& call) {
  TRY_ASSIGN(decide::Desk* const desk, desk_of(room));
  const WallMs now = room.parts.clock.wall();
  const std::vector<Body> bodies = call.body.objects("reports");
  std::vector<decide::CallReport> reports;
  reports.reserve(bodies.size());
  for (const Body& body : bodies) {
    TRY_ASSIGN(decide::CallReport one, report_of(room, body, reports.size(), now));
    reports.push_back(std::move(one));
  }
  TRY(desk->report_calls(reports));
  return counted(reports.size());
}

Answer endings(Room& room, const Call& call) {
  TRY_ASSIGN(decide::Desk* const desk, desk_of(room));
  const auto cursor = static_cast<std::uint64_t>(std::max<std::int64_t>(call.query_integer("after", 0), 0));
  const decide::CallEndings::Page page = desk->endings(cursor, call.query_text("prefix"), kEndingsMax);
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const decide::CallEnding& ending : page.items) {
    const decide::ReasonInfo& why = decide::info(ending.reason);
    w.begin_object().field("call", ending.call).field("route", ending.route).field("reason", why.name);
    w.key("why").begin_object().field("zh", why.zh).field("en", why.en).end_object();
    w.field("measure", ending.measure).field("decision_id", decide::decision_id(ending.decision).view());
    w.field("offered_at", rfc3339(ending.offered)).end_object();
  }
  w.end_array().key("next").unsigned_integer(page.next).end_object();
  return json_answer(std::move(out));
}

Answer receipts(Room& room, const Call& call) {
  TRY_ASSIGN(decide::Desk* const desk, desk_of(room));
  std::vector<decide::EndingReceipt> list;
  for (const Body& body : call.body.objects("receipts")) {
    decide::EndingReceipt& receipt = list.emplace_back();
    receipt.call = body.text("call");
    const std::string outcome = body.text("outcome");
    for (const decide::EndingOutcome known : kAnswers)
      if (decide::name(known) == outcome) receipt.outcome = known;
  }
  TRY_ASSIGN(const std::size_t known, desk->note_endings(list, call.actor.name));
  return counted(known);
}

}  // namespace

void add_call_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kPost, "/api/v1/decisions/calls", Door::kIntelWrite, report});
  routes.push_back({Method::kGet, "/api/v1/decisions/calls/endings", Door::kRead, endings});
  routes.push_back({Method::kPost, "/api/v1/decisions/calls/endings/receipts", Door::kIntelWrite, receipts});
}

}  // namespace pandun::api
