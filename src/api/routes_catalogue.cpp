#include <algorithm>

#include "api/json.h"
#include "api/room.h"

namespace pandun::api {
namespace {

Answer openapi(Room& room, const Call& call) {
  http::Response response;
  response.with("ETag", room.openapi_etag).with("Cache-Control", "no-cache");
  if (call.request.header("if-none-match") == room.openapi_etag) {
    response.status = 304;
    return response;
  }
  response.with("Content-Type", "application/json");
  response.shared_body = room.openapi;
  return response;
}

void write_option(JsonWriter& w, const OptionEntry& option) {
  w.begin_object().field("name", option.name).field("unit", option.unit).key("value").number(option.value);
  w.key("default").number(option.fallback).key("min").number(option.min).key("max").number(option.max);
  local(w, "doc", option.doc);
  w.end_object();
}

void write_detector(JsonWriter& w, const DetectorEntry& detector) {
  w.begin_object().field("name", detector.name);
  local(w, "title", detector.title);
  local(w, "finds", detector.finds);
  local(w, "false_positives", detector.false_positives);
  w.strings("reads", detector.reads).field("entity", detector.entity).field("topic", detector.topic);
  w.strings("techniques", detector.techniques).field("maturity", detector.maturity);
  w.key("enabled").boolean(detector.enabled).key("options").begin_array();
  for (const OptionEntry& option : detector.options) write_option(w, option);
  w.end_array().key("state").begin_object().key("keys").unsigned_integer(detector.keys);
  w.key("bytes").unsigned_integer(detector.bytes).key("evicted").unsigned_integer(detector.evicted).end_object();
  w.end_object();
}

// {"items":[…]} of anything that `one` writes.
template <typename T, typename One>
Answer items(const std::vector<T>& all, One one) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const T& item : all) one(w, item);
  w.end_array().end_object();
  return json_answer(std::move(out));
}

Answer detectors(Room& room, const Call&) {
  return items(room.parts.platform.detectors(), write_detector);
}

Answer sources(Room& room, const Call&) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const SourceKindEntry& kind : room.parts.platform.source_kinds()) {
    w.begin_object().field("kind", kind.kind);
    local(w, "title", kind.title);
    local(w, "reads", kind.reads);
    w.strings("gives", kind.gives).key("takes_map").boolean(kind.takes_map).end_object();
  }
  w.end_array();
  write_list(w, "running", room.parts.platform.sources());
  w.end_object();
  return json_answer(std::move(out));
}

Answer rules(Room& room, const Call&) {
  return items(room.parts.platform.rules(), [](JsonWriter& w, const RuleEntry& rule) {
    w.begin_object().field("id", rule.id);
    local(w, "title", rule.title);
    w.field("topic", rule.topic).field_integer("severity", rule.severity).key("enabled").boolean(rule.enabled);
    w.field("when", rule.when);
    local(w, "message", rule.message);
    w.field("ground", rule.ground).field("place", rule.place).end_object();
  });
}

Answer topics(Room& room, const Call&) {
  return items(room.parts.platform.topics(), [](JsonWriter& w, const TopicEntry& topic) {
    w.begin_object().field("id", topic.id);
    local(w, "title", topic.title);
    w.field("category", topic.category);
    local(w, "about", topic.about);
    w.end_object();
  });
}

void write_slot(JsonWriter& w, const FraudTopicEntry& topic, const FraudLibraryEntry& library,
                const casework::TopicCases& cases) {
  w.begin_object().field("id", topic.id).field_integer("number", topic.number);
  w.field_integer("revision", topic.revision).field("state", topic.documented ? "documented" : "reserved");
  local(w, "title", topic.title);
  local(w, "about", topic.about);
  local(w, "advice", topic.advice);
  w.key("stages").begin_array();
  for (const FraudTopicEntry::Stage& stage : topic.stages) {
    w.begin_object().field("stage", stage.stage);
    local(w, "text", stage.text);
    w.end_object();
  }
  w.end_array().key("signs").begin_array();
  for (const LocalText& sign : topic.signs) {
    w.begin_object().field("zh", sign.zh).field("en", sign.en).end_object();
  }
  w.end_array().strings("techniques", topic.techniques);
  std::vector<std::string> detectors;
  for (const FraudTechniqueEntry& technique : library.techniques) {
    if (std::find(topic.techniques.begin(), topic.techniques.end(), technique.id) == topic.techniques.end()) continue;
    for (const std::string& name : technique.detectors)
      if (std::find(detectors.begin(), detectors.end(), name) == detectors.end()) detectors.push_back(name);
  }
  w.strings("detectors", detectors).key("indicators").unsigned_integer(topic.indicators);
  w.strings("intel_lists", topic.intel_lists).key("cases").begin_object();
  w.field_integer("open", cases.open).field_integer("done", cases.done).end_object().end_object();
}

Answer fraud_topics(Room& room, const Call&) {
  const FraudLibraryEntry library = room.parts.platform.fraud_library();
  TRY_ASSIGN(const auto cases, room.parts.desk.cases_by_topic());
  std::string out;
  JsonWriter w(out);
  w.begin_object().field_integer("version", library.version).field("revised", library.revised);
  w.key("items").begin_array();
  for (const FraudTopicEntry& topic : library.topics) {
    const auto counted = cases.find(topic.id);
    write_slot(w, topic, library, counted == cases.end() ? casework::TopicCases{} : counted->second);
  }
  w.end_array().key("techniques").begin_array();
  for (const FraudTechniqueEntry& technique : library.techniques) {
    w.begin_object().field("id", technique.id).field("stage", technique.stage);
    local(w, "title", technique.title);
    local(w, "about", technique.about);
    w.strings("detectors", technique.detectors).end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out));
}

void write_action(JsonWriter& w, const casework::WorkflowAction& action) {
  w.begin_object().field("id", action.id);
  local(w, "title", action.title);
  w.strings("from", action.from).field("to", action.to);
  std::string roles;
  for (const std::string& role : guard::info(action.right).roles.names()) roles += (roles.empty() ? "" : ",") + role;
  w.field("needs_role", roles).key("needs_second_person").boolean(action.second_person).end_object();
}

Answer workflows(Room& room, const Call&) {
  const casework::Workflow& workflow = room.parts.desk.workflow();
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array().begin_object();
  w.field("name", workflow.name()).field_integer("version", workflow.version()).field("initial", workflow.initial());
  w.key("states").begin_array();
  for (const casework::WorkflowState& state : workflow.states()) {
    w.begin_object().field("id", state.id);
    local(w, "title", state.title);
    w.field("kind", casework::name(state.kind)).end_object();
  }
  w.end_array().key("actions").begin_array();
  for (const casework::WorkflowAction& action : workflow.actions()) write_action(w, action);
  w.end_array().end_object().end_array().end_object();
  return json_answer(std::move(out));
}

}  // namespace

void add_catalogue_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/openapi.json", Door::kNone, openapi, true});
  routes.push_back({Method::kGet, "/api/v1/detectors", Door::kRead, detectors});
  routes.push_back({Method::kGet, "/api/v1/sources", Door::kRead, sources});
  routes.push_back({Method::kGet, "/api/v1/rules", Door::kRead, rules});
  routes.push_back({Method::kGet, "/api/v1/topics", Door::kRead, topics});
  routes.push_back({Method::kGet, "/api/v1/fraud-topics", Door::kRead, fraud_topics});
  routes.push_back({Method::kGet, "/api/v1/workflows", Door::kRead, workflows});
}

}  // namespace pandun::api
