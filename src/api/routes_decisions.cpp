#include <array>

#include "api/json.h"
#include "api/room.h"
#include "decide/desk.h"

namespace pandun::api {
namespace {

using decide::Direction;
using decide::Identity;

// A question about another time than now is a rehearsal: rates and records belong to what really happened.
constexpr std::int64_t kNowWithinMs = 600'000;
constexpr std::array<std::string_view, 6> kIdentities{"none", "full", "partial", "gateway", "failed", "not_checked"};
constexpr std::array<Direction, 3> kDirections{Direction::kInternationalIn, Direction::kInterNetwork,
                                               Direction::kIntraNetwork};

void texts(JsonWriter& w, std::string_view key, std::string_view zh, std::string_view en) {
  w.key(key).begin_object().field("zh", zh).field("en", en).end_object();
}

void ground(JsonWriter& w, decide::Verdict verdict, decide::Reason reason) {
  const decide::ReasonInfo& why = decide::info(reason);
  w.field("verdict", decide::name(verdict)).field("reason", why.name).field("basis", decide::name(why.basis));
  texts(w, "why", why.zh, why.en);
}

decide::Question question_of(Room& room, const Call& call, const std::string& from, const std::string& to,
                             const std::string& route) {
  decide::Question question;
  question.from = room.parts.platform.read_number(from);
  question.to = room.parts.platform.read_number(to);
  question.from_text = from;
  question.route = route;
  question.at = room.parts.clock.wall();
  if (const auto time = parse_rfc3339(call.body.text("time"))) {
    const std::int64_t away = *time - question.at.ms;
    question.rehearsal = away > kNowWithinMs || away < -kNowWithinMs;
    question.at = WallMs{*time};
  }
  if (call.body.has("diverted_by"))
    question.diverted_by = room.parts.platform.read_number(call.body.text("diverted_by"));
  question.diversions = static_cast<std::uint8_t>(call.body.integer("diversions"));
  const std::string direction = call.body.text("direction"), identity = call.body.text("identity");
  for (const Direction known : kDirections)
    if (decide::name(known) == direction) question.direction = known;
  for (std::size_t i = 0; i < kIdentities.size(); ++i)
    if (kIdentities[i] == identity) question.identity = static_cast<Identity>(i);
  return question;
}

Answer decide_on(Room& room, const Call& call, std::string_view from_key, std::string_view to_key, bool message) {
  const auto begin = room.parts.clock.steady();
  const std::string from = call.body.text(from_key), to = call.body.text(to_key), route = call.body.text("route");
  const decide::Question question = question_of(room, call, from, to, route);
  const decide::Answer answer = message ? room.parts.decider.message(question) : room.parts.decider.call(question);
  const double us = std::chrono::duration<double, std::micro>(room.parts.clock.steady() - begin).count();
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  ground(w, answer.verdict, answer.reason);
  if (!answer.measure.empty()) w.field("measure", answer.measure.view());
  if (!answer.label_zh.empty()) texts(w, "label", answer.label_zh, answer.label_en);
  if (answer.score != 0) w.key("score").unsigned_integer(answer.score);
  if (answer.id != 0) w.field("decision_id", decide::decision_id(answer.id).view());
  if (question.rehearsal) w.key("rehearsal").boolean(true);
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

Result<decide::Desk*> desk_of(Room& room) {
  decide::Desk* desk = room.parts.decider.desk();
  if (desk == nullptr) return error(Errc::kUnavailable, "decisions", "the decision room is not open yet", true);
  return desk;
}

void number(JsonWriter& w, std::string_view key, const decide::ShownNumber& shown) {
  w.key(key).begin_object().field("mask", shown.mask).field("token", shown.token).end_object();
}

Answer explain(Room& room, const Call& call) {
  const auto id = decide::parse_decision_id(call.path[0]);
  if (!id) return error(Errc::kNotFound, "decision", "an id is d- and 16 hex digits, as the answer gave it");
  TRY_ASSIGN(decide::Desk* const desk, desk_of(room));
  TRY_ASSIGN(const decide::Explanation e, desk->explain(*id));
  TRY(room.parts.audit.record_alone({call.actor.name, "decide.explain", "decision:" + e.id, {}}));
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("id", e.id).field("service", e.service).field("at", rfc3339(e.at));
  ground(w, e.verdict, e.reason);
  if (!e.measure.empty()) w.field("measure", e.measure);
  number(w, "caller", e.from);
  number(w, "callee", e.to);
  if (!e.diverted_by.token.empty()) number(w, "diverted_by", e.diverted_by);
  w.key("diversions").unsigned_integer(e.diversions);
  w.field("trunk", e.trunk).field("direction", e.direction);
  w.field("identity", kIdentities[e.identity < kIdentities.size() ? e.identity : 0]);
  w.key("score").unsigned_integer(e.score).key("snapshot").unsigned_integer(e.snapshot);
  w.key("rates").begin_object();
  for (std::size_t i = 0; i < e.rates.size(); ++i)
    w.key(decide::name(static_cast<decide::Measured>(i))).unsigned_integer(e.rates[i]);
  w.end_object().end_object();
  return json_answer(std::move(out));
}

// Every text must be a number; the first that is not is named by its place, never by itself.
Result<std::vector<model::NumberKey>> read_numbers(Room& room, const std::vector<std::string>& list,
                                                   std::string_view where) {
  std::vector<model::NumberKey> out;
  out.reserve(list.size());
  for (const std::string& text : list) {
    const model::NumberKey key = room.parts.platform.read_number(text);
    if (!key.known() || key.kind() == model::NumberKind::kInvalid)
      return error(Errc::kBadInput, std::string(where) + "/" + std::to_string(out.size()), "is not a telephone number");
    out.push_back(key);
  }
  return out;
}

Answer counted(std::size_t count) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("count").unsigned_integer(count).end_object();
  return json_answer(std::move(out));
}

Answer totals(Room& room, const Call&) {
  TRY_ASSIGN(decide::Desk* const desk, desk_of(room));
  const decide::Desk::Totals all = desk->totals();
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("callees").unsigned_integer(all.callees).key("labels").unsigned_integer(all.labels);
  w.key("label_kinds").begin_array();
  for (std::size_t i = 1; i < decide::kLabels; ++i) {
    const decide::LabelInfo& label = decide::info(static_cast<decide::Label>(i));
    w.begin_object().field("name", label.name);
    texts(w, "title", label.zh, label.en);
    w.key("warns").boolean(label.warns).end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out));
}

// A DELETE has no choices in its body, and so forgets them.
Answer set_blocks(Room& room, const Call& call) {
  TRY_ASSIGN(decide::Desk* const desk, desk_of(room));
  TRY_ASSIGN(const auto callees, read_numbers(room, call.body.texts("callees"), "callees"));
  TRY_ASSIGN(const auto blocked, read_numbers(room, call.body.texts("blocked"), "blocked"));
  unsigned choices = 0;
  if (call.body.boolean("no_calls_from_abroad")) choices |= decide::kNoCallsFromAbroad;
  if (call.body.boolean("no_messages_from_abroad")) choices |= decide::kNoMessagesFromAbroad;
  if (callees.size() * (1 + blocked.size()) > 200'000)
    return error(Errc::kTooLarge, "callees", "at most 200,000 pairs of called and blocked at once");
  std::vector<decide::CalleeSettings> settings;
  settings.reserve(callees.size());
  for (const model::NumberKey callee : callees)
    settings.push_back({callee, static_cast<std::uint8_t>(choices), blocked});
  TRY(desk->set_callees(settings, call.actor.name));
  return counted(settings.size());
}

Answer query_blocks(Room& room, const Call& call) {
  TRY_ASSIGN(decide::Desk* const desk, desk_of(room));
  TRY_ASSIGN(const auto callees, read_numbers(room, {call.body.text("callee")}, "callee"));
  TRY_ASSIGN(const decide::CalleeSettings settings, desk->callee(callees[0]));
  TRY_ASSIGN(const decide::Label label, desk->label(callees[0]));
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  w.key("no_calls_from_abroad").boolean((settings.choices & decide::kNoCallsFromAbroad) != 0);
  w.key("no_messages_from_abroad").boolean((settings.choices & decide::kNoMessagesFromAbroad) != 0);
  w.key("blocked").unsigned_integer(settings.blocked.size());
  w.field("label", decide::info(label).name).end_object();
  return json_answer(std::move(out));
}

// A DELETE names no label, and so removes them.
Answer set_labels(Room& room, const Call& call) {
  TRY_ASSIGN(decide::Desk* const desk, desk_of(room));
  TRY_ASSIGN(const auto numbers, read_numbers(room, call.body.texts("numbers"), "numbers"));
  const decide::Label label = decide::parse_label(call.body.text("label")).value_or(decide::Label::kNone);
  std::vector<decide::NumberLabel> labels;
  labels.reserve(numbers.size());
  for (const model::NumberKey key : numbers) labels.push_back({key, label});
  TRY(desk->set_labels(labels, call.actor.name));
  return counted(labels.size());
}

}  // namespace

void add_decision_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kPost, "/api/v1/decisions/call", Door::kRead, decide_call, true});
  routes.push_back({Method::kPost, "/api/v1/decisions/message", Door::kRead, decide_message, true});
  routes.push_back({Method::kGet, "/api/v1/decisions/blocks", Door::kRead, totals});
  routes.push_back({Method::kPut, "/api/v1/decisions/blocks", Door::kIntelWrite, set_blocks});
  routes.push_back({Method::kDelete, "/api/v1/decisions/blocks", Door::kIntelWrite, set_blocks});
  routes.push_back({Method::kPost, "/api/v1/decisions/blocks/query", Door::kIntelWrite, query_blocks});
  routes.push_back({Method::kPut, "/api/v1/decisions/labels", Door::kIntelWrite, set_labels});
  routes.push_back({Method::kDelete, "/api/v1/decisions/labels", Door::kIntelWrite, set_labels});
  routes.push_back({Method::kGet, "/api/v1/decisions/{id}", Door::kReadArchive, explain});
}

}  // namespace pandun::api
