#include "api/json.h"

namespace pandun::api {

// ---- pieces ----

void local(JsonWriter& w, std::string_view key, const model::LocalText& text) {
  w.local(key, text.zh, text.en);
}

void time_or_null(JsonWriter& w, std::string_view key, const std::optional<WallMs>& time) {
  w.key(key);
  if (time) {
    w.string(rfc3339(*time));
  } else {
    w.null();
  }
}

void text_or_null(JsonWriter& w, std::string_view key, std::string_view text) {
  w.key(key);
  if (text.empty()) {
    w.null();
  } else {
    w.string(text);
  }
}

void write(JsonWriter& w, std::string_view key, const Counts& counts) {
  w.key(key).begin_object();
  for (const auto& [name, count] : counts) w.key(name).unsigned_integer(count);
  w.end_object();
}

void write(JsonWriter& w, const model::ShownEntity& entity) {
  w.begin_object();
  w.field("kind", model::name(entity.kind)).field("value", entity.value);
  w.field("token", entity.token).field("note", entity.note).end_object();
}

void write(JsonWriter& w, const SourceState& source) {
  w.begin_object();
  w.field("name", source.name).field("kind", source.kind).field("state", source.state);
  w.key("records").unsigned_integer(source.records).key("rejected").unsigned_integer(source.rejected);
  text_or_null(w, "last_event_at", source.last_event ? rfc3339(*source.last_event) : "");
  w.field("message", source.message).end_object();
}

void write_engine(JsonWriter& w, const EngineState& engine) {
  w.begin_object();
  text_or_null(w, "watermark", engine.watermark ? rfc3339(*engine.watermark) : "");
  w.key("lag_events").unsigned_integer(engine.lag_events).key("shards").unsigned_integer(engine.shards);
  w.key("state_bytes").unsigned_integer(engine.state_bytes);
  time_or_null(w, "checkpoint_at", engine.checkpoint_at);
  w.key("log_first").unsigned_integer(engine.log_first).key("log_last").unsigned_integer(engine.log_last);
  w.end_object();
}

void write(JsonWriter& w, const guard::User& user) {
  w.begin_object();
  w.field("id", user.id).field("username", user.username).field("display_name", user.display_name);
  w.strings("roles", user.roles.names());
  w.key("disabled").boolean(user.disabled).key("must_change_password").boolean(user.must_change_password);
  w.field("created_at", rfc3339(user.created_at)).end_object();
}

void write(JsonWriter& w, const store::GrantRow& grant, WallMs now) {
  w.begin_object();
  w.field("id", grant.id).field("case_id", grant.case_id).field("ground_id", grant.ground_id);
  w.key("scope").begin_object().strings("tokens", grant.tokens).strings("fields", grant.fields).end_object();
  w.field_integer("minutes", grant.minutes).field("reason", grant.reason);
  w.field("state", guard::grant_state(grant, now));
  w.field("asked_by", grant.asked_by).field("asked_at", rfc3339(grant.asked_at));
  text_or_null(w, "decided_by", grant.decided_by);
  time_or_null(w, "decided_at", grant.decided_at);
  w.field("decision_reason", grant.decision_reason);
  time_or_null(w, "expires_at", grant.expires_at);
  time_or_null(w, "notice_due_at", grant.notice_due_at);
  w.field_integer("views", grant.views).end_object();
}

// ---- alerts and incidents ----

namespace {

void alert_fields(JsonWriter& w, const casework::AlertSummary& a) {
  w.field("id", a.id).field_integer("seq", a.seq).field("detector", a.detector).field("topic", a.topic);
  local(w, "title", a.title);
  w.field_integer("severity", a.severity).field("severity_band", a.severity_band);
  w.key("confidence").number(a.confidence);
  w.field("state", a.state);
  w.key("entity");
  write(w, a.entity);
  w.field("first", rfc3339(a.first)).field("last", rfc3339(a.last)).field_integer("signals", a.signals);
  text_or_null(w, "incident_id", a.incident_id);
  text_or_null(w, "case_id", a.case_id);
}

LocalText title_of(const AlertContext& context, const std::string& feature) {
  const auto it = context.features.find(feature);
  return it == context.features.end() ? LocalText{feature, feature} : it->second;
}

void write_evidence(JsonWriter& w, const casework::AlertView& alert, const AlertContext& context) {
  w.key("evidence").begin_array();
  for (const model::Evidence& item : alert.evidence) {
    w.begin_object().field("feature", item.feature);
    local(w, "title", title_of(context, item.feature));
    w.key("value").number(item.value).key("threshold").number(item.threshold).field("unit", item.unit).end_object();
  }
  w.end_array();
  w.key("series").begin_object().field("feature", alert.series_feature);
  local(w, "title", title_of(context, alert.series_feature));
  w.key("points").begin_array();
  for (const model::EvidencePoint& point : alert.series) {
    w.begin_object().field("t", rfc3339(point.time)).key("v").number(point.value).end_object();
  }
  w.end_array().end_object();
}

void incident_fields(JsonWriter& w, const casework::IncidentSummary& i) {
  w.field("id", i.id).field_integer("seq", i.seq).field("topic", i.topic);
  local(w, "title", i.title);
  w.field("grade", i.grade).field("state", i.state).field_integer("severity", i.severity);
  text_or_null(w, "owner", i.owner);
  w.field("first", rfc3339(i.first)).field("last", rfc3339(i.last));
  local(w, "summary", i.summary);
  text_or_null(w, "case_id", i.case_id);
}

}  // namespace

void write(JsonWriter& w, const casework::AlertSummary& alert) {
  w.begin_object();
  alert_fields(w, alert);
  w.end_object();
}

std::string alert_json(const casework::AlertView& alert, const AlertContext& context) {
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  alert_fields(w, alert.summary);
  write_list(w, "peers", alert.peers);
  write_evidence(w, alert, context);
  w.key("techniques").begin_array();
  for (const std::string& id : alert.techniques) {
    const auto known = context.techniques.find(id);
    w.begin_object().field("id", id).field("name", known == context.techniques.end() ? id : known->second).end_object();
  }
  w.end_array();
  w.strings("source_lines", alert.source_lines);
  local(w, "why", alert.why);
  w.key("detector_info").begin_object();
  local(w, "finds", context.detector != nullptr ? context.detector->finds : LocalText{});
  local(w, "false_positives", context.detector != nullptr ? context.detector->false_positives : LocalText{});
  text_or_null(w, "ground",
               context.detector != nullptr ? std::string_view(context.detector->ground) : std::string_view());
  w.end_object();
  write_list(w, "related", alert.related);
  text_or_null(w, "protected_group", alert.protected_group);
  w.end_object();
  return out;
}

void write(JsonWriter& w, const casework::IncidentSummary& incident) {
  w.begin_object();
  incident_fields(w, incident);
  w.field_integer("alerts", incident.alerts).field_integer("entities", incident.entities).end_object();
}

std::string incident_json(const casework::IncidentView& incident) {
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  incident_fields(w, incident.summary);
  write_list(w, "alerts", incident.alerts);
  write_list(w, "entities", incident.entities);
  w.end_object();
  return out;
}

// ---- sessions, live ----

std::string session_json(const guard::SessionInfo& session) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("user").begin_object();
  w.field("id", session.user.id).field("username", session.user.username);
  w.field("display_name", session.user.display_name).strings("roles", session.user.roles.names());
  w.key("must_change_password").boolean(session.user.must_change_password).end_object();
  w.field("csrf_token", session.csrf_token).field("expires_at", rfc3339(session.expires_at)).end_object();
  return out;
}

std::string live_stats_json(WallMs at, const EngineFigures& figures, std::uint64_t alerts_open) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("at", rfc3339(at)).key("events_per_s").number(figures.events_per_s);
  w.key("events_total").unsigned_integer(figures.events_total).key("alerts_open").unsigned_integer(alerts_open);
  text_or_null(w, "watermark", figures.engine.watermark ? rfc3339(*figures.engine.watermark) : "");
  w.key("lag_events").unsigned_integer(figures.engine.lag_events);
  write(w, "by_kind", figures.by_kind);
  w.end_object();
  return out;
}

}  // namespace pandun::api
