#include "api/json.h"
#include "api/paging.h"
#include "api/room.h"

namespace pandun::api {
namespace {

Answer alerts(Room& room, const Call& call) {
  casework::CaseDesk::AlertQuery query;
  query.detector = call.query_text("detector");
  query.topic = call.query_text("topic");
  query.state = call.query_text("state");
  query.entity_kind = call.query_text("entity_kind");
  query.q = call.query_text("q");
  query.severity_min = static_cast<int>(call.query_integer("severity_min", 0));
  query.from_ms = time_ms(call, "from");
  query.to_ms = time_ms(call, "to");
  TRY_ASSIGN(query.page, page_of(call));
  TRY_ASSIGN(const casework::AlertPage page, room.parts.desk.alerts(query));
  std::string out;
  JsonWriter w(out);
  begin_page(w, page.items, page.next);
  w.field_integer("total_open", page.total_open).end_object();
  return json_answer(std::move(out));
}

Answer alert(Room& room, const Call& call) {
  TRY_ASSIGN(const casework::AlertView view, room.parts.desk.alert(call.path[0]));
  AlertContext context;
  for (FeatureEntry& feature : room.parts.platform.features()) {
    context.features.emplace(std::move(feature.name), std::move(feature.title));
  }
  for (TechniqueEntry& technique : room.parts.platform.techniques()) {
    context.techniques.emplace(std::move(technique.id), std::move(technique.name));
  }
  const std::vector<DetectorEntry> detectors = room.parts.platform.detectors();
  for (const DetectorEntry& detector : detectors) {
    if (detector.name == view.summary.detector) context.detector = &detector;
  }
  DetectorEntry as_rule;  // a rule is a detector written as data: its message says what it finds
  for (const RuleEntry& rule : room.parts.platform.rules()) {
    if (rule.id != view.summary.detector || context.detector != nullptr) continue;
    as_rule.finds = rule.message;
    as_rule.ground = rule.ground;
    context.detector = &as_rule;
  }
  return json_answer(alert_json(view, context));
}

using Change = Result<casework::AlertSummary> (casework::CaseDesk::*)(const guard::Actor&, const std::string&,
                                                                      const std::string&);

Answer change_alert(Room& room, const Call& call, Change change) {
  TRY_ASSIGN(const casework::AlertSummary summary,
             (room.parts.desk.*change)(call.actor, call.path[0], call.body.text("reason")));
  room.parts.live.alert(summary);
  return json_answer(to_json(summary));
}

Answer dismiss(Room& room, const Call& call) {
  return change_alert(room, call, &casework::CaseDesk::dismiss_alert);
}
Answer reopen(Room& room, const Call& call) {
  return change_alert(room, call, &casework::CaseDesk::reopen_alert);
}

Answer incidents(Room& room, const Call& call) {
  TRY_ASSIGN(const store::PageRequest request, page_of(call));
  TRY_ASSIGN(const auto page, room.parts.desk.incidents(call.query_text("state"), call.query_text("grade"), request));
  std::string out;
  JsonWriter w(out);
  begin_page(w, page.items, page.next);
  w.end_object();
  return json_answer(std::move(out));
}

Answer incident(Room& room, const Call& call) {
  TRY_ASSIGN(const casework::IncidentView view, room.parts.desk.incident(call.path[0]));
  return json_answer(incident_json(view));
}

// ---- overview ----

void write_series(JsonWriter& w, const RateSeries& rates) {
  w.key("series").begin_object().key("step_s").unsigned_integer(rates.step_s).field("start", rfc3339(rates.start));
  w.key("events").begin_array();
  for (const double value : rates.events) w.number(value);
  w.end_array().key("alerts").begin_array();
  for (const double value : rates.alerts) w.number(value);
  w.end_array().end_object();
}

void write_by_detector(JsonWriter& w, const casework::CaseworkOverview& desk,
                       const std::vector<DetectorEntry>& detectors, const std::vector<RuleEntry>& rules) {
  w.key("by_detector").begin_array();
  for (const casework::NamedCount& count : desk.by_detector) {
    LocalText title{count.name, count.name};
    for (const DetectorEntry& detector : detectors) {
      if (detector.name == count.name) title = detector.title;
    }
    for (const RuleEntry& rule : rules) {
      if (rule.id == count.name) title = rule.title;
    }
    w.begin_object().field("detector", count.name);
    local(w, "title", title);
    w.field_integer("count", count.count).end_object();
  }
  w.end_array();
}

void write_counts(JsonWriter& w, const casework::CaseworkOverview& desk) {
  w.field_integer("alerts_open", desk.alerts_open).field_integer("alerts_24h", desk.alerts_24h);
  w.field_integer("cases_open", desk.cases_open).field_integer("cases_overdue", desk.cases_overdue);
  w.field_integer("incidents_open", desk.incidents_open).field_integer("measures_pending", desk.measures_pending);
  w.key("by_severity").begin_object();
  for (const std::string_view band : {"critical", "high", "medium", "low"}) {
    std::int64_t count = 0;
    for (const casework::NamedCount& named : desk.by_severity) count += named.name == band ? named.count : 0;
    w.field_integer(band, count);
  }
  w.end_object().key("by_grade").begin_object();
  for (const casework::NamedCount& named : desk.by_grade) w.field_integer(named.name, named.count);
  w.end_object();
}

Answer overview(Room& room, const Call& call) {
  const auto hours = static_cast<unsigned>(call.query_integer("hours", 24));
  TRY_ASSIGN(const casework::CaseworkOverview desk, room.parts.desk.overview(static_cast<int>(hours)));
  const EngineFigures figures = room.parts.platform.figures();
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("now", rfc3339(desk.now)).key("events_per_s").number(figures.events_per_s);
  w.key("events_total").unsigned_integer(figures.events_total);
  write(w, "by_kind", figures.by_kind);
  w.key("late").unsigned_integer(figures.late).key("rejected").unsigned_integer(figures.rejected);
  write_counts(w, desk);
  write_series(w, room.parts.platform.rates(hours));
  write_by_detector(w, desk, room.parts.platform.detectors(), room.parts.platform.rules());
  write_list(w, "sources", room.parts.platform.sources());
  w.key("engine");
  write_engine(w, figures.engine);
  write_list(w, "recent_alerts", desk.recent_alerts);
  write_list(w, "overdue_cases", desk.overdue_cases);
  w.end_object();
  return json_answer(std::move(out));
}

}  // namespace

void add_alert_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/overview", Door::kRead, overview});
  routes.push_back({Method::kGet, "/api/v1/alerts", Door::kRead, alerts});
  routes.push_back({Method::kGet, "/api/v1/alerts/{id}", Door::kRead, alert});
  routes.push_back({Method::kPost, "/api/v1/alerts/{id}/dismiss", Door::kTriage, dismiss});
  routes.push_back({Method::kPost, "/api/v1/alerts/{id}/reopen", Door::kTriage, reopen});
  routes.push_back({Method::kGet, "/api/v1/incidents", Door::kRead, incidents});
  routes.push_back({Method::kGet, "/api/v1/incidents/{id}", Door::kRead, incident});
}

}  // namespace pandun::api
