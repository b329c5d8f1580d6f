#include <algorithm>

#include "api/json.h"
#include "api/paging.h"
#include "api/room.h"

namespace pandun::api {
namespace {

Answer cases(Room& room, const Call& call) {
  casework::CaseDesk::CaseQuery query;
  query.state = call.query_text("state");
  query.assignee = call.query_text("assignee");
  query.topic = call.query_text("topic");
  query.overdue_only = call.query_text("overdue") == "true";
  TRY_ASSIGN(query.page, page_of(call));
  TRY_ASSIGN(const auto page, room.parts.desk.cases(query));
  std::string out;
  JsonWriter w(out);
  begin_page(w, page.items, page.next);
  w.end_object();
  return json_answer(std::move(out));
}

Answer case_by_id(Room& room, const Call& call) {
  TRY_ASSIGN(const casework::CaseView view, room.parts.desk.case_view(call.actor, call.path[0]));
  return json_answer(case_json(view));
}

// Every change of a case is told to all who watch, and answered with the whole case.
Answer told(Room& room, const casework::CaseView& view, int status = 200) {
  room.parts.live.changed(view.summary);
  return json_answer(case_json(view), status);
}

Answer open_case(Room& room, const Call& call) {
  const casework::NewCase wish{call.body.texts("alert_ids"), call.body.text("incident_id"), call.body.text("title")};
  if (wish.alert_ids.empty() == wish.incident_id.empty()) {
    return error(Errc::kUsage, "/alert_ids", "either alert_ids or incident_id is needed, not both");
  }
  TRY_ASSIGN(const casework::CaseView view, room.parts.desk.open_case(call.actor, wish));
  for (const casework::AlertSummary& alert : view.alerts) room.parts.live.alert(alert);  // they are "in_case" now
  return told(room, view, 201);
}

Answer act(Room& room, const Call& call) {
  const casework::ActionInput input{call.body.integer("version"), call.body.text_map("fields"), call.body.text("note")};
  auto view = room.parts.desk.perform(call.actor, call.path[0], call.path[1], input);
  if (view.ok()) return told(room, *view);
  Error why = view.error();
  if (why.code == Errc::kUsage && why.where != "action") why.where = "/fields/" + why.where;
  return why;
}

Answer patch_case(Room& room, const Call& call) {
  casework::CasePatch patch;
  patch.version = call.body.integer("version");
  if (call.body.has("assignee")) patch.assignee = call.body.text("assignee");  // null: nobody
  if (call.body.has("title")) patch.title = call.body.text("title");
  if (call.body.has("topic")) {
    patch.topic = call.body.text("topic");
    const auto topics = room.parts.platform.topics();
    if (std::none_of(topics.begin(), topics.end(), [&](const TopicEntry& one) { return one.id == *patch.topic; }))
      return error(Errc::kUsage, "/topic", "there is no such topic; /api/v1/topics lists them");
  }
  TRY_ASSIGN(const casework::CaseView view, room.parts.desk.patch_case(call.actor, call.path[0], patch));
  return told(room, view);
}

Answer add_note(Room& room, const Call& call) {
  TRY(room.parts.desk.add_note(call.actor, call.path[0], call.body.text("text")));
  TRY_ASSIGN(const casework::CaseView view, room.parts.desk.case_view(call.actor, call.path[0]));
  return told(room, view, 201);
}

Answer add_evidence(Room& room, const Call& call) {
  const casework::NewEvidence wish{call.body.text("kind"), call.body.text("title"), call.body.text("value")};
  TRY(room.parts.desk.add_evidence(call.actor, call.path[0], wish));
  TRY_ASSIGN(const casework::CaseView view, room.parts.desk.case_view(call.actor, call.path[0]));
  return told(room, view, 201);
}

Answer grounds(Room& room, const Call&) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const casework::GroundView& ground : room.parts.desk.grounds()) {
    w.begin_object().field("id", ground.id);
    local(w, "law", ground.law);
    w.field("article", ground.article);
    local(w, "text", ground.text);
    w.strings("measures", ground.measures).key("vault").boolean(ground.vault);
    w.key("unverified").boolean(ground.unverified).end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out));
}

Answer measure_kinds(Room& room, const Call&) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const casework::MeasureKindView& kind : room.parts.desk.measure_kinds()) {
    w.begin_object().field("id", kind.id);
    local(w, "title", kind.title);
    w.field_integer("rank", kind.rank);
    text_or_null(w, "approver", kind.approver);
    w.end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out));
}

}  // namespace

void add_case_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kPost, "/api/v1/cases", Door::kTriage, open_case});
  routes.push_back({Method::kGet, "/api/v1/cases", Door::kRead, cases});
  routes.push_back({Method::kGet, "/api/v1/cases/{id}", Door::kRead, case_by_id});
  routes.push_back({Method::kPatch, "/api/v1/cases/{id}", Door::kCaseWork, patch_case});
  routes.push_back({Method::kPost, "/api/v1/cases/{id}/actions/{action}", Door::kCaseWork, act});
  routes.push_back({Method::kPost, "/api/v1/cases/{id}/notes", Door::kCaseWork, add_note});
  routes.push_back({Method::kPost, "/api/v1/cases/{id}/evidence", Door::kCaseWork, add_evidence});
  routes.push_back({Method::kGet, "/api/v1/grounds", Door::kRead, grounds});
  routes.push_back({Method::kGet, "/api/v1/measure-kinds", Door::kRead, measure_kinds});
}

}  // namespace pandun::api
