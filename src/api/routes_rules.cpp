// Versions of rules on their way to being live, and back-tests.
#include "api/json.h"
#include "api/room.h"
#include "api/rules_port.h"

namespace pandun::api {
namespace {

void write(JsonWriter& w, const BacktestEntry& test) {
  w.begin_object().field("id", test.id).field("kind", test.kind).field("subject", test.subject);
  w.field("digest", test.digest).field("by", test.by).key("people").unsigned_integer(test.people);
  w.key("in_protected").unsigned_integer(test.in_protected).key("added").unsigned_integer(test.added);
  w.key("removed").unsigned_integer(test.removed).field("finished_at", rfc3339(test.finished_at));
  w.field("from", rfc3339(test.from)).field("to", rfc3339(test.to)).key("fresh").boolean(test.fresh).end_object();
}

void write(JsonWriter& w, const BacktestJob& job) {
  w.begin_object().field("id", job.id).field("kind", job.kind).field("subject", job.subject);
  text_or_null(w, "version", job.version);
  w.field("by", job.by).field("state", job.state).key("share").number(job.share);
  w.key("events").unsigned_integer(job.events);
  text_or_null(w, "back_test", job.back_test);
  text_or_null(w, "problem", job.problem);
  w.field("asked_at", rfc3339(job.asked_at)).end_object();
}

void write(JsonWriter& w, const RuleVersionEntry& version) {
  w.begin_object().field("id", version.id).field("rule", version.rule).field("state", version.state);
  local(w, "title", version.title);
  w.field("entity", version.entity).field("digest", version.digest).field("text", version.text);
  w.field("note", version.note).field("author", version.author).field("created_at", rfc3339(version.created_at));
  w.field("changed_at", rfc3339(version.changed_at));
  text_or_null(w, "proposed_by", version.proposed_by);
  text_or_null(w, "back_test", version.back_test);
  text_or_null(w, "approved_by", version.approved_by);
  text_or_null(w, "replaces", version.replaces);
  w.key("shadow_signals").unsigned_integer(version.shadow_signals).key("newest_back_test");
  if (version.newest_back_test)
    write(w, *version.newest_back_test);
  else
    w.null();
  w.key("steps").begin_array();
  for (const RuleStepEntry& step : version.steps) {
    w.begin_object().field("at", rfc3339(step.at)).field("by", step.by).field("action", step.action);
    w.field("note", step.note).end_object();
  }
  w.end_array().end_object();
}

template <typename T>
Answer answer(const Result<T>& made, int status = 200) {
  if (!made.ok()) return made.error();
  std::string out;
  JsonWriter w(out);
  write(w, *made);
  return json_answer(std::move(out), status);
}

template <typename T>
void write_items(JsonWriter& w, std::string_view key, const std::vector<T>& items) {
  w.key(key).begin_array();
  for (const T& item : items) write(w, item);
  w.end_array();
}

Result<RulesPort*> desk_of(Room& room) {
  if (room.parts.rules == nullptr) return error(Errc::kUnavailable, "rules", "there is no rule desk here");
  return room.parts.rules;
}

Answer versions(Room& room, const Call&) {
  TRY_ASSIGN(RulesPort * desk, desk_of(room));
  TRY_ASSIGN(const auto all, desk->versions());
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  write_items(w, "items", all);
  w.end_object();
  return json_answer(std::move(out));
}

Answer version(Room& room, const Call& call) {
  TRY_ASSIGN(RulesPort * desk, desk_of(room));
  return answer(desk->version(call.path[0]));
}

Answer add(Room& room, const Call& call) {
  TRY_ASSIGN(RulesPort * desk, desk_of(room));
  return answer(desk->add_version(call.actor, call.body.text("text"), call.body.text("note")), 201);
}

Answer step(Room& room, const Call& call, std::string_view action) {
  TRY_ASSIGN(RulesPort * desk, desk_of(room));
  RuleStepWish wish;
  wish.reason = call.body.text("reason");
  wish.back_test = call.body.text("back_test");
  wish.people = static_cast<std::uint64_t>(call.body.integer("people"));
  return answer(desk->step(call.actor, call.path[0], action, wish));
}
Answer shadow(Room& room, const Call& call) {
  return step(room, call, "shadow");
}
Answer propose(Room& room, const Call& call) {
  return step(room, call, "propose");
}
Answer approve(Room& room, const Call& call) {
  return step(room, call, "approve");
}
Answer refuse(Room& room, const Call& call) {
  return step(room, call, "refuse");
}
Answer retire(Room& room, const Call& call) {
  return step(room, call, "retire");
}

Answer roll_back(Room& room, const Call& call) {
  TRY_ASSIGN(RulesPort * desk, desk_of(room));
  return answer(desk->roll_back(call.actor, call.path[0], call.body.text("reason")));
}

Answer back_tests(Room& room, const Call&) {
  TRY_ASSIGN(RulesPort * desk, desk_of(room));
  TRY_ASSIGN(const auto tests, desk->back_tests());
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  write_items(w, "items", tests);
  write_items(w, "jobs", desk->jobs());
  w.end_object();
  return json_answer(std::move(out));
}

Answer back_test(Room& room, const Call& call) {
  TRY_ASSIGN(RulesPort * desk, desk_of(room));
  TRY_ASSIGN(std::string found, desk->back_test(call.path[0]));
  return json_answer(std::move(found));
}

Result<std::optional<EventMs>> time_in(const Call& call, const char* name) {
  const std::string text = call.body.text(name);
  if (text.empty()) return std::optional<EventMs>();
  const auto ms = parse_rfc3339(text);
  if (!ms) return error(Errc::kUsage, std::string("/") + name, "is no RFC 3339 time with a zone");
  return std::optional<EventMs>(EventMs{*ms});
}

Answer start(Room& room, const Call& call) {
  TRY_ASSIGN(RulesPort * desk, desk_of(room));
  BacktestWish wish;
  wish.version = call.body.text("version");
  wish.detector = call.body.text("detector");
  wish.options = call.body.texts("options");
  TRY_ASSIGN(wish.from, time_in(call, "from"));
  TRY_ASSIGN(wish.to, time_in(call, "to"));
  wish.warm_up_h = static_cast<std::uint64_t>(call.body.integer("warm_up_h", 168));
  return answer(desk->start(call.actor, wish), 201);
}

Answer cancel(Room& room, const Call& call) {
  TRY_ASSIGN(RulesPort * desk, desk_of(room));
  TRY(desk->cancel(call.actor, call.path[0]));
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void add_rule_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/rule-versions", Door::kRead, versions});
  routes.push_back({Method::kPost, "/api/v1/rule-versions", Door::kIntelWrite, add});
  routes.push_back({Method::kGet, "/api/v1/rule-versions/{id}", Door::kRead, version});
  routes.push_back({Method::kPost, "/api/v1/rule-versions/{id}/shadow", Door::kIntelWrite, shadow});
  routes.push_back({Method::kPost, "/api/v1/rule-versions/{id}/propose", Door::kIntelWrite, propose});
  routes.push_back({Method::kPost, "/api/v1/rule-versions/{id}/approve", Door::kCaseWork, approve});
  routes.push_back({Method::kPost, "/api/v1/rule-versions/{id}/refuse", Door::kCaseWork, refuse});
  routes.push_back({Method::kPost, "/api/v1/rule-versions/{id}/retire", Door::kIntelWrite, retire});
  routes.push_back({Method::kPost, "/api/v1/rules/{rule}/roll-back", Door::kCaseWork, roll_back});
  routes.push_back({Method::kGet, "/api/v1/back-tests", Door::kRead, back_tests});
  routes.push_back({Method::kPost, "/api/v1/back-tests", Door::kIntelWrite, start});
  routes.push_back({Method::kGet, "/api/v1/back-tests/{id}", Door::kRead, back_test});
  routes.push_back({Method::kPost, "/api/v1/back-tests/{job}/cancel", Door::kIntelWrite, cancel});
}

}  // namespace pandun::api
