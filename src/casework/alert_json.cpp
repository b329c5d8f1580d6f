#include "casework/alert_json.h"

#include <boost/json.hpp>

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

namespace bj = boost::json;

std::string text(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

std::int64_t integer(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_int64()) return value->get_int64();
  return value->is_uint64() ? static_cast<std::int64_t>(value->get_uint64()) : 0;
}

double number(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  return value->to_number<double>();
}

const bj::array& list(const bj::object& object, std::string_view key) {
  static const bj::array kNone;
  const bj::value* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

ShownEntity read_entity(const bj::value& value) {
  ShownEntity entity;
  if (!value.is_object()) return entity;
  const bj::object& object = value.get_object();
  const std::string kind = text(object, "kind");
  for (std::size_t i = 0; i < model::kEntityKinds; ++i) {
    if (name(static_cast<model::EntityKind>(i)) == kind) entity.kind = static_cast<model::EntityKind>(i);
  }
  entity.value = text(object, "value");
  entity.token = text(object, "token");
  entity.note = text(object, "note");
  return entity;
}

EventMs read_time(const bj::object& object, std::string_view key) {
  return EventMs{parse_rfc3339(text(object, key)).value_or(0)};
}

void read_lists(const bj::object& object, Alert& alert) {
  for (const bj::value& peer : list(object, "peers")) alert.peers.push_back(read_entity(peer));
  for (const bj::value& item : list(object, "evidence")) {
    if (!item.is_object()) continue;
    const bj::object& evidence = item.get_object();
    alert.evidence.push_back(
        {text(evidence, "feature"), number(evidence, "value"), number(evidence, "threshold"), text(evidence, "unit")});
  }
  for (const bj::value& item : list(object, "techniques")) {
    if (item.is_string()) alert.techniques.emplace_back(item.get_string());
  }
  for (const bj::value& item : list(object, "source_lines")) {
    if (item.is_string()) alert.source_lines.emplace_back(item.get_string());
  }
  for (const bj::value& item : list(object, "series")) {
    if (!item.is_array() || item.get_array().size() != 2) continue;
    const bj::array& point = item.get_array();
    if (!point[0].is_int64() || !point[1].is_number()) continue;
    alert.series.push_back({EventMs{point[0].get_int64()}, point[1].to_number<double>()});
  }
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
  boost::json::error_code failure;
  const bj::value document = bj::parse(bj::string_view(json.data(), json.size()), failure);
  if (failure || !document.is_object()) {
    return error(Errc::kCorrupt, "store: alerts.doc", "the stored alert is not a JSON object");
  }
  const bj::object& object = document.get_object();
  Alert alert;
  alert.id = text(object, "id");
  alert.detector = text(object, "detector");
  alert.topic = text(object, "topic");
  if (const bj::value* title = object.if_contains("title"); title != nullptr && title->is_object()) {
    alert.title = {text(title->get_object(), "zh"), text(title->get_object(), "en")};
  }
  alert.severity = static_cast<std::uint8_t>(integer(object, "severity"));
  alert.confidence = number(object, "confidence");
  if (const bj::value* entity = object.if_contains("entity")) alert.entity = read_entity(*entity);
  alert.first = read_time(object, "first");
  alert.last = read_time(object, "last");
  read_lists(object, alert);
  alert.series_feature = text(object, "series_feature");
  alert.first_position = static_cast<std::uint64_t>(integer(object, "first_position"));
  alert.last_position = static_cast<std::uint64_t>(integer(object, "last_position"));
  alert.signals = static_cast<std::uint32_t>(integer(object, "signals"));
  return alert;
}

}  // namespace pandun::casework
