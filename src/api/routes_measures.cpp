// Measures for several numbers, re-verification and appeals.
#include "api/json.h"
#include "api/paging.h"
#include "api/room.h"
#include "decide/desk.h"

namespace pandun::api {
namespace {

template <typename T>
Answer answer(const Result<T>& made, int status = 200) {
  if (!made.ok()) return made.error();
  return json_answer(to_json(*made), status);
}

template <typename T>
Answer page_answer(const Result<casework::ViewPage<T>>& page) {
  if (!page.ok()) return page.error();
  std::string out;
  JsonWriter w(out);
  begin_page(w, page->items, page->next);
  w.end_object();
  return json_answer(std::move(out));
}

// Who watches the case is told that it changed; a case that cannot be read now is shown at the next look.
void tell(Room& room, const std::string& case_id) {
  if (const auto summary = room.parts.desk.case_summary(case_id); summary.ok()) room.parts.live.changed(*summary);
}

Error in_body(Error why) {
  if (why.code == Errc::kUsage && !why.where.starts_with('/')) why.where = "/" + why.where;
  return why;
}

Answer told(Room& room, const Result<casework::BatchView>& batch, int status = 200) {
  if (!batch.ok()) return in_body(batch.error());
  tell(room, batch->summary.case_id);
  return json_answer(to_json(*batch), status);
}

Answer told(Room& room, const Result<casework::AppealView>& appeal, int status = 200) {
  if (!appeal.ok()) return in_body(appeal.error());
  tell(room, appeal->case_id);
  return json_answer(to_json(*appeal), status);
}

Answer case_numbers(Room& room, const Call& call) {
  TRY_ASSIGN(const auto numbers, room.parts.desk.case_numbers(call.path[0]));
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  write_list(w, "items", numbers);
  w.end_object();
  return json_answer(std::move(out));
}

Answer propose(Room& room, const Call& call) {
  casework::NewBatch wish;
  casework::MeasureTerms& terms = wish.terms;
  const std::pair<const char*, std::string*> fields[] = {
      {"kind", &terms.kind},     {"category", &terms.category},     {"ground", &terms.ground},
      {"scope", &terms.scope},   {"reason", &terms.reason},         {"skip_reason", &terms.skip_reason},
      {"notice", &terms.notice}, {"expires_at", &terms.expires_at}, {"appeal_channel", &terms.appeal_channel}};
  for (const auto& [name, text] : fields) *text = call.body.text(name);
  wish.tokens = call.body.texts("tokens");
  return told(room, room.parts.desk.propose_batch(call.actor, call.path[0], wish), 201);
}

Answer batches(Room& room, const Call& call) {
  TRY_ASSIGN(const auto page, page_of(call));
  return page_answer(room.parts.desk.batches(call.query_text("state"), call.query_text("case_id"), page));
}
Answer batch(Room& room, const Call& call) {
  return answer(room.parts.desk.batch(call.actor, call.path[0]));
}
Answer members(Room& room, const Call& call) {
  TRY_ASSIGN(auto page, page_of(call));
  page.newest = false;  // as they were proposed: by risk
  return page_answer(room.parts.desk.batch_members(call.path[0], page));
}
Answer approve(Room& room, const Call& call) {
  return told(room, room.parts.desk.approve_batch(call.actor, call.path[0], call.body.texts("except"),
                                                  call.body.text("reason")));
}
Answer refuse(Room& room, const Call& call) {
  return told(room, room.parts.desk.refuse_batch(call.actor, call.path[0], call.body.text("reason")));
}
Answer order(Room& room, const Call& call) {
  return told(room, room.parts.desk.order_batch(call.actor, call.path[0]));
}

Answer measure(Room& room, const Call& call) {
  return answer(room.parts.desk.measure(call.actor, call.path[0]));
}

Answer checks(Room& room, const Call& call) {
  std::vector<casework::CheckResult> results;
  for (const auto& [id, result] : call.body.text_map("measures")) results.push_back({id, "", result});
  for (const auto& [token, result] : call.body.text_map("tokens")) results.push_back({"", token, result});
  if (results.empty()) return error(Errc::kUsage, "/measures", "no result is given");
  TRY_ASSIGN(const casework::CheckReport report, room.parts.desk.record_checks(call.actor, results));
  for (const std::string& id : report.changed_cases) tell(room, id);
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("passed").unsigned_integer(report.passed).key("failed").unsigned_integer(report.failed);
  w.key("no_answer").unsigned_integer(report.no_answer).key("refused").begin_array();
  for (const auto& refused : report.refused) {
    const casework::CheckResult& item = results[refused.index];
    w.begin_object().field("name", item.measure_id.empty() ? item.token : item.measure_id);
    w.field("why", refused.why).end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out));
}

// The decision that stopped a call names the measure behind it.
Result<std::string> measure_of_decision(Room& room, const std::string& decision) {
  const auto id = decide::parse_decision_id(decision);
  decide::Desk* desk = room.parts.decider.desk();
  if (!id || desk == nullptr) return error(Errc::kNotFound, "decision_id", "there is no such decision");
  TRY_ASSIGN(const decide::Explanation why, desk->explain(*id));
  if (!why.measure.starts_with("M-")) {
    return error(Errc::kConflict, "decision_id", "no measure of a case was behind this decision");
  }
  return why.measure;
}

Answer record_appeal(Room& room, const Call& call) {
  casework::NewAppeal wish;
  wish.measure_id = call.body.text("measure_id");
  wish.decision_id = call.body.text("decision_id");
  wish.token = call.body.text("token");
  wish.claim = call.body.text("claim");
  wish.channel = call.body.text("channel");
  if (wish.measure_id.empty() && wish.token.empty() && !wish.decision_id.empty()) {
    TRY_ASSIGN(wish.measure_id, measure_of_decision(room, wish.decision_id));
  }
  return told(room, room.parts.desk.record_appeal(call.actor, wish), 201);
}

Answer appeals(Room& room, const Call& call) {
  TRY_ASSIGN(auto page, page_of(call));
  page.newest = call.query_text("order") != "oldest";
  return page_answer(room.parts.desk.appeals(call.actor, call.query_text("state"), call.query_text("case_id"), page));
}
Answer appeal(Room& room, const Call& call) {
  return answer(room.parts.desk.appeal(call.actor, call.path[0]));
}
Answer decide(Room& room, const Call& call) {
  return told(room, room.parts.desk.decide_appeal(call.actor, call.path[0],
                                                  {call.body.text("outcome"), call.body.text("reason"),
                                                   call.body.text("repair"), call.body.text("expires_at")}));
}

}  // namespace

void add_measure_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/cases/{id}/numbers", Door::kRead, case_numbers});
  routes.push_back({Method::kPost, "/api/v1/cases/{id}/batch-measures", Door::kCaseWork, propose});
  routes.push_back({Method::kGet, "/api/v1/batch-measures", Door::kRead, batches});
  routes.push_back({Method::kGet, "/api/v1/batch-measures/{id}", Door::kRead, batch});
  routes.push_back({Method::kGet, "/api/v1/batch-measures/{id}/members", Door::kRead, members});
  routes.push_back({Method::kPost, "/api/v1/batch-measures/{id}/approve", Door::kCaseWork, approve});
  routes.push_back({Method::kPost, "/api/v1/batch-measures/{id}/refuse", Door::kCaseWork, refuse});
  routes.push_back({Method::kPost, "/api/v1/batch-measures/{id}/order", Door::kCaseWork, order});
  routes.push_back({Method::kGet, "/api/v1/measures/{id}", Door::kRead, measure});
  routes.push_back({Method::kPost, "/api/v1/measure-checks", Door::kCaseWork, checks});
  routes.push_back({Method::kPost, "/api/v1/appeals", Door::kCaseWork, record_appeal});
  routes.push_back({Method::kGet, "/api/v1/appeals", Door::kRead, appeals});
  routes.push_back({Method::kGet, "/api/v1/appeals/{id}", Door::kRead, appeal});
  routes.push_back({Method::kPost, "/api/v1/appeals/{id}/decide", Door::kCaseWork, decide});
}

}  // namespace pandun::api
