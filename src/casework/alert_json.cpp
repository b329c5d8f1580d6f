#include "casework/alert_json.h"

#include <simdjson.h>

#include "casework/alert_folder.h"
#include "guard/json_writer.h"

namespace pandun::casework {
namespace {

using guard::JsonWriter;
using model::Alert;
using model::ShownEntity;

void write_entity(JsonWriter& json, const ShownEntity& entity, bool whole) {
  json.begin_object().field("kind", name(entity.kind)).field("value", entity.value);
  if (whole || !entity.token.empty()) json.field("token", entity.token);
  if (!entity.note.empty()) json.field("note", entity.note);
  json.end_object();
}

void write_evidence(JsonWriter& json, const Alert& alert) {
  json.key("evidence").begin_array();
  for (const model::Evidence& item : alert.evidence) {
    json.begin_object().field("feature", item.feature).key("value").number(item.value);
    json.key("threshold").number(item.threshold).field("unit", item.unit).end_object();
  }
  json.end_array();
}

// The contract's fields in the contract's order.
void write_contract_fields(JsonWriter& json, const Alert& alert) {
  json.field("id", alert.id).field("detector", alert.detector).field("topic", alert.topic);
  json.local("title", alert.title.zh, alert.title.en);
  json.key("severity").integer(alert.severity).key("confidence").number(alert.confidence);
  json.key("entity");
  write_entity(json, alert.entity, true);
  json.key("peers").begin_array();
  for (const ShownEntity& peer : alert.peers) write_entity(json, peer, false);
  json.end_array();
  json.field("first", rfc3339(alert.first)).field("last", rfc3339(alert.last));
  write_evidence(json, alert);
  json.strings("techniques", alert.techniques).strings("source_lines", alert.source_lines);
}

// simdjson, because it reads a number back as the very double that was written; Boost.JSON 1.81 may miss by the last digit.
namespace dom = simdjson::dom;

std::string text(const dom::object& object, std::string_view key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

std::int64_t integer(const dom::object& object, std::string_view key) {
  std::int64_t value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : 0;
}

std::uint64_t position(const dom::object& object, std::string_view key) {
  std::uint64_t value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : 0;
}

double number(const dom::object& object, std::string_view key) {
  double value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : 0;
}

template <typename Each>
void each_of(const dom::object& object, std::string_view key, Each each) {
  dom::array list;
  if (object[key].get(list) != simdjson::SUCCESS) return;
  for (const dom::element item : list) each(item);
}

ShownEntity read_entity(const dom::element& value) {
  ShownEntity entity;
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return entity;
  const std::string kind = text(object, "kind");
  for (std::size_t i = 0; i < model::kEntityKinds; ++i) {
    if (name(static_cast<model::EntityKind>(i)) == kind) entity.kind = static_cast<model::EntityKind>(i);
  }
  entity.value = text(object, "value");
  entity.token = text(object, "token");
  entity.note = text(object, "note");
  return entity;
}

EventMs read_time(const dom::object& object, std::string_view key) {
  return EventMs{parse_rfc3339(text(object, key)).value_or(0)};
}

void read_texts(const dom::object& object, std::string_view key, std::vector<std::string>& out) {
  each_of(object, key, [&](const dom::element& item) {
    if (std::string_view value; item.get(value) == simdjson::SUCCESS) out.emplace_back(value);
  });
}

void read_lists(const dom::object& object, Alert& alert) {
  each_of(object, "peers", [&](const dom::element& peer) { alert.peers.push_back(read_entity(peer)); });
  each_of(object, "evidence", [&](const dom::element& item) {
    dom::object evidence;
    if (item.get(evidence) != simdjson::SUCCESS) return;
    alert.evidence.push_back(
        {text(evidence, "feature"), number(evidence, "value"), number(evidence, "threshold"), text(evidence, "unit")});
  });
  read_texts(object, "techniques", alert.techniques);
  read_texts(object, "source_lines", alert.source_lines);
  each_of(object, "series", [&](const dom::element& item) {
    dom::array point;
    std::int64_t time = 0;
    double value = 0;
    if (item.get(point) != simdjson::SUCCESS || point.size() != 2) return;
    if (point.at(0).get(time) != simdjson::SUCCESS || point.at(1).get(value) != simdjson::SUCCESS) return;
    alert.series.push_back({EventMs{time}, value});
  });
}

}  // namespace

void append_json(std::string& out, const Alert& alert) {
  JsonWriter json(out);
  json.begin_object();
  write_contract_fields(json, alert);
  json.end_object();
}

void append_stored(std::string& out, const Alert& alert) {
  JsonWriter json(out);
  json.begin_object();
  write_contract_fields(json, alert);
  json.field("series_feature", alert.series_feature).key("series").begin_array();
  for (const model::EvidencePoint& point : alert.series) {
    json.begin_array().integer(point.time.ms).number(point.value).end_array();
  }
  json.end_array();
  json.key("first_position").unsigned_integer(alert.first_position);
  json.key("last_position").unsigned_integer(alert.last_position);
  json.key("signals").integer(alert.signals).end_object();
}

Result<Alert> parse_stored(std::string_view json) {
  dom::parser parser;
  const simdjson::padded_string padded(json);
  dom::object object;
  if (parser.parse(padded).get(object) != simdjson::SUCCESS) {
    return error(Errc::kCorrupt, "store: alerts.doc", "the stored alert is not a JSON object");
  }
  Alert alert;
  alert.id = text(object, "id");
  alert.detector = text(object, "detector");
  alert.topic = text(object, "topic");
  if (dom::object title; object["title"].get(title) == simdjson::SUCCESS) {
    alert.title = {text(title, "zh"), text(title, "en")};
  }
  alert.severity = static_cast<std::uint8_t>(integer(object, "severity"));
  alert.confidence = number(object, "confidence");
  if (dom::element entity; object["entity"].get(entity) == simdjson::SUCCESS) alert.entity = read_entity(entity);
  alert.first = read_time(object, "first");
  alert.last = read_time(object, "last");
  read_lists(object, alert);
  alert.series_feature = text(object, "series_feature");
  alert.first_position = position(object, "first_position");
  alert.last_position = position(object, "last_position");
  alert.signals = static_cast<std::uint32_t>(integer(object, "signals"));
  return alert;
}

}  // namespace pandun::casework
