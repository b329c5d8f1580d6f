#include "api/json.h"
#include "api/room.h"

namespace pandun::api {
namespace {

Answer decide_on(Room& room, const Call& call, std::string_view from, std::string_view to, bool message) {
  const auto begin = room.parts.clock.steady();
  const std::string route = call.body.text("route");
  decide::Question question;
  question.from = room.parts.platform.read_number(call.body.text(from));
  question.to = room.parts.platform.read_number(call.body.text(to));
  question.route = route;
  question.at = room.parts.clock.wall();
  if (const auto time = parse_rfc3339(call.body.text("time"))) question.at = WallMs{*time};
  const decide::Answer answer = message ? room.parts.decider.message(question) : room.parts.decider.call(question);
  const double us = std::chrono::duration<double, std::micro>(room.parts.clock.steady() - begin).count();
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("verdict", decide::name(answer.verdict)).field("reason", decide::name(answer.reason));
  if (!answer.measure.empty()) w.field("measure", answer.measure.view());
  if (!answer.redress_url.empty()) w.field("redress_url", answer.redress_url.view());
  w.key("evaluated_us").number(us).end_object();
  return json_answer(std::move(out));
}

Answer decide_call(Room& room, const Call& call) {
  return decide_on(room, call, "caller", "callee", false);
}
Answer decide_message(Room& room, const Call& call) {
  return decide_on(room, call, "sender", "recipient", true);
}

}  // namespace

void add_decision_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kPost, "/api/v1/decisions/call", Door::kRead, decide_call, true});
  routes.push_back({Method::kPost, "/api/v1/decisions/message", Door::kRead, decide_message, true});
}

}  // namespace pandun::api
