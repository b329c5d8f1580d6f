#include "api/http/server.h"
#include "api/json.h"
#include "api/metrics.h"
#include "api/paging.h"
#include "api/room.h"

namespace pandun::api {
namespace {

http::ServerStats server_stats(const Room& room) {
  const http::Server* server = room.server.load();
  return server != nullptr ? server->stats() : http::ServerStats{};
}

void write_figures(JsonWriter& w, std::string_view key, const std::vector<Figure>& figures) {
  w.key(key).begin_object();
  for (const Figure& figure : figures) {
    w.key(figure.name);
    if (figure.number) {
      w.number(*figure.number);
    } else {
      w.string(figure.text);
    }
  }
  w.end_object();
}

void write_http(JsonWriter& w, const Room& room) {
  const http::ServerStats stats = server_stats(room);
  const http::Server* server = room.server.load();
  w.key("http").begin_object().key("connections").unsigned_integer(stats.connections);
  w.key("streams").unsigned_integer(stats.streams).key("requests").unsigned_integer(stats.requests);
  w.key("rate_limited").unsigned_integer(room.rate_limited.load());
  w.key("streams_dropped").unsigned_integer(stats.streams_dropped);
  w.key("tls").boolean(server != nullptr && server->tls()).end_object();
}

Answer system(Room& room, const Call&) {
  const SystemState state = room.parts.platform.system();
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("version", state.version).field("content_digest", state.content_digest);
  w.key("uptime_s").unsigned_integer(state.uptime_s).key("rss_bytes").unsigned_integer(state.rss_bytes);
  write_figures(w, "store", state.store);
  write_figures(w, "eventlog", state.eventlog);
  write_figures(w, "engine", state.engine);
  write_http(w, room);
  w.key("queues").begin_array();
  for (const QueueState& queue : state.queues) {
    w.begin_object().field("name", queue.name).key("size").unsigned_integer(queue.size);
    w.key("capacity").unsigned_integer(queue.capacity).field("policy", queue.policy);
    w.key("shed").unsigned_integer(queue.shed).end_object();
  }
  w.end_array().key("faults").begin_array();
  if (const std::string fault = server_stats(room).tls_fault; !fault.empty()) {
    w.begin_object().field("at", rfc3339(room.parts.clock.wall())).field("where", "server.tls");
    w.field("message", fault).end_object();
  }
  for (const FaultEntry& fault : state.faults) {
    w.begin_object().field("at", rfc3339(fault.at)).field("where", fault.where);
    w.field("message", fault.message).end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out));
}

// ---- archive ----

// A clear number must not end up in the audit chain because somebody typed it into the search field.
bool looks_like_a_number(std::string_view text) {
  std::size_t digits = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      ++digits;
    } else if (c != '+' && c != '-' && c != ' ' && c != '(' && c != ')') {
      return false;
    }
  }
  return digits >= 5;
}

void write_event(JsonWriter& w, const ArchiveEvent& event) {
  w.begin_object().field("time", rfc3339(event.time)).field("kind", event.kind);
  w.key("position").unsigned_integer(event.position).field("source", event.source);
  write_list(w, "entities", event.entities);
  w.key("fields").begin_object();
  for (const auto& [name, value] : event.fields) w.field(name, value);
  w.end_object().end_object();
}

Answer archive_events(Room& room, const Call& call) {
  ArchiveQuery query;
  query.kind = call.query_text("kind");
  query.entity = call.query_text("entity");
  query.limit = static_cast<std::size_t>(call.query_integer("limit", 100));
  if (const auto from = time_ms(call, "from")) query.from = EventMs{*from};
  if (const auto to = time_ms(call, "to")) query.to = EventMs{*to};
  if (looks_like_a_number(query.entity)) {
    return error(Errc::kUsage, "?entity", "give the number's token, as an alert shows it, never the number itself");
  }
  // Recorded before anything is read: a query that cannot be recorded is not answered.
  TRY(room.parts.audit.record_alone({call.actor.name,
                                     "archive.query",
                                     "entity:" + query.entity,
                                     {{"address", call.actor.address},
                                      {"kind", query.kind},
                                      {"from", call.query_text("from")},
                                      {"to", call.query_text("to")}}}));
  TRY_ASSIGN(const ArchiveAnswer answer, room.parts.platform.archive_events(query));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const ArchiveEvent& event : answer.events) write_event(w, event);
  w.end_array().key("truncated").boolean(answer.truncated).end_object();
  return json_answer(std::move(out));
}

// ---- probes ----

void add_http_metrics(std::vector<Metric>& all, const Room& room) {
  const http::ServerStats s = server_stats(room);
  const auto add = [&](std::string name, std::string help, MetricKind kind, std::uint64_t value,
                       std::vector<std::pair<std::string, std::string>> labels = {}) {
    all.push_back({std::move(name), std::move(help), kind, std::move(labels), static_cast<double>(value)});
  };
  using enum MetricKind;
  add("pandun_http_connections", "open connections", kGauge, s.connections);
  add("pandun_http_connections_total", "connections taken", kCounter, s.accepted);
  add("pandun_http_connections_refused_total", "connections over a limit", kCounter, s.refused);
  add("pandun_http_requests_total", "requests whose head was read", kCounter, s.requests);
  const std::string help = "answers by class of status";
  add("pandun_http_answers_total", help, kCounter, s.answers_2xx, {{"class", "2xx"}});
  add("pandun_http_answers_total", help, kCounter, s.answers_3xx, {{"class", "3xx"}});
  add("pandun_http_answers_total", help, kCounter, s.answers_4xx, {{"class", "4xx"}});
  add("pandun_http_answers_total", help, kCounter, s.answers_5xx, {{"class", "5xx"}});
  add("pandun_http_bad_requests_total", "requests that were not HTTP or not allowed by it", kCounter, s.bad_requests);
  add("pandun_http_timeouts_total", "requests or answers that took too long", kCounter, s.timeouts);
  add("pandun_http_overloaded_total", "requests answered 503 because the workers' queue was full", kCounter,
      s.overloaded);
  add("pandun_http_rate_limited_total", "requests answered 429", kCounter, room.rate_limited.load());
  add("pandun_http_tls_failures_total", "TLS sessions that broke", kCounter, s.tls_failures);
  add("pandun_http_streams", "open event streams", kGauge, s.streams);
  add("pandun_http_streams_dropped_total", "streams whose consumer was too slow", kCounter, s.streams_dropped);
  add("pandun_live_events_total", "events published to streams", kCounter, room.parts.live.events());
}

void add_decision_metrics(std::vector<Metric>& all, const Room& room) {
  const decide::Decider::Figures figures = room.parts.decider.figures();
  for (std::size_t i = 0; i < 3; ++i) {
    all.push_back({"pandun_decisions_total",
                   "decisions by verdict",
                   MetricKind::kCounter,
                   {{"verdict", std::string(decide::name(static_cast<decide::Verdict>(i)))}},
                   static_cast<double>(figures.by_verdict[i])});
  }
  all.push_back({"pandun_decision_measures",
                 "measures in the decider's snapshot",
                 MetricKind::kGauge,
                 {},
                 static_cast<double>(figures.measures)});
}

Answer metrics(Room& room, const Call&) {
  std::vector<Metric> all = room.parts.platform.metrics();
  add_http_metrics(all, room);
  add_decision_metrics(all, room);
  http::Response response;
  response.body = prometheus_text(std::move(all));
  response.with("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

Answer healthz(Room&, const Call&) {
  return json_answer(R"({"status":"ok"})");
}

Answer readyz(Room& room, const Call&) {
  const std::vector<std::string> waiting_for = room.parts.platform.waiting_for();
  const bool draining = room.draining.load();
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("status", draining ? "draining" : waiting_for.empty() ? "ok" : "starting");
  if (!waiting_for.empty()) w.strings("waiting_for", waiting_for);
  w.end_object();
  return json_answer(std::move(out), draining || !waiting_for.empty() ? 503 : 200);
}

}  // namespace

void add_system_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/system", Door::kOperate, system});
  routes.push_back({Method::kGet, "/api/v1/archive/events", Door::kReadArchive, archive_events});
  routes.push_back({Method::kGet, "/metrics", Door::kMetrics, metrics});
  routes.push_back({Method::kGet, "/healthz", Door::kNone, healthz, true});
  routes.push_back({Method::kGet, "/readyz", Door::kNone, readyz, true});
}

}  // namespace pandun::api
