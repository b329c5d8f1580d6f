// The archive's columns: one description per kind, from which the table, the rows and the answers are made.
//
// Reading order of a visitor: text(name, value), count(name, value; -1 is null), flag(name, value),
// number(name, key) (three columns), device(name, value), ip(name, address), time and position come first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eventlog/archive/duckdb_api.h"
#include "model/event.h"

namespace pandun::eventlog {

inline std::string_view answered_text(model::Answered a) {
  return a == model::Answered::kYes ? "yes" : a == model::Answered::kNo ? "no" : "";
}
inline std::string_view flow_state_text(model::FlowState s) {
  switch (s) {
    case model::FlowState::kAttempted:
      return "attempted";
    case model::FlowState::kRejected:
      return "rejected";
    case model::FlowState::kEstablished:
      return "established";
    case model::FlowState::kMidstream:
      return "midstream";
    case model::FlowState::kUnknown:
      break;
  }
  return "";
}
inline std::string_view number_kind_text(model::NumberKind k) {
  switch (k) {
    case model::NumberKind::kE164:
      return "e164";
    case model::NumberKind::kService:
      return "service";
    case model::NumberKind::kOpaque:
      return "opaque";
    case model::NumberKind::kInvalid:
      return "invalid";
    case model::NumberKind::kWithheld:
      break;
  }
  return "withheld";
}

template <typename V>
void describe(V& v, const model::Call& c) {
  v.number("caller", c.caller);
  v.number("callee", c.callee);
  v.device("caller_device_token", c.caller_device);
  v.text("caller_cell", c.caller_cell);
  v.text("callee_cell", c.callee_cell);
  v.text("route", c.route);
  v.count("duration_s", c.duration_s);
  v.count("release_cause", c.release_cause);
  v.text("answered", answered_text(c.answered));
  v.flag("international", c.international);
}
template <typename V>
void describe(V& v, const model::Opening& o) {
  v.number("number", o.number);
  v.text("holder", o.holder);
  v.text("agent", o.agent);
  v.text("plan", o.plan);
}
template <typename V>
void describe(V& v, const model::CellReport& c) {
  v.number("reporter", c.reporter);
  v.number("sender", c.sender);
  v.text("cell", c.cell);
  v.text("near_cell", c.near_cell);
  v.text("oddity", model::name(c.oddity));
}
template <typename V>
void describe(V& v, const model::CallProgress& c) {
  v.number("caller", c.caller);
  v.number("callee", c.callee);
  v.text("call", c.call);
  v.text("route", c.route);
  v.text("stage", model::name(c.stage));
  v.count("since_s", c.since_s);
  v.flag("international", c.international);
}
template <typename V>
void describe(V& v, const model::Message& m) {
  v.number("sender", m.sender);
  v.number("recipient", m.recipient);
  v.device("sender_device_token", m.sender_device);
  v.text("sender_cell", m.sender_cell);
  v.text("route", m.route);
  v.count("segments", m.segments);
  v.flag("international", m.international);
}
template <typename V>
void describe(V& v, const model::Flow& f) {
  v.ip("src", f.src);
  v.count("src_port", f.src_port);
  v.ip("dst", f.dst);
  v.count("dst_port", f.dst_port);
  v.count("protocol", f.protocol);
  v.text("state", flow_state_text(f.state));
  v.count("bytes_out", f.bytes_out);
  v.count("bytes_in", f.bytes_in);
  v.count("packets_out", f.packets_out);
  v.count("packets_in", f.packets_in);
  v.count("duration_ms", f.duration_ms);
  v.text("service", f.service);
}
template <typename V>
void describe(V& v, const model::Dns& d) {
  v.ip("client", d.client);
  v.ip("server", d.server);
  v.domain("query", d.query);
  v.domain("registrable", d.registrable);
  v.text("answers", d.answers);
  v.count("qtype", d.qtype);
  v.count("rcode", d.rcode);
}
template <typename V>
void describe(V& v, const model::Http& h) {
  v.ip("client", h.client);
  v.ip("server", h.server);
  v.count("server_port", h.server_port);
  v.text("method", h.method);
  v.domain("host", h.host);
  v.domain("registrable", h.registrable);
  v.text("uri", h.uri);
  v.text("user_agent", h.user_agent);
  v.count("status", h.status);
  v.count("bytes_out", h.bytes_out);
  v.count("bytes_in", h.bytes_in);
}
template <typename V>
void describe(V& v, const model::Tls& t) {
  v.ip("client", t.client);
  v.ip("server", t.server);
  v.count("server_port", t.server_port);
  v.flag("established", t.established);
  v.domain("sni", t.sni);
  v.domain("registrable", t.registrable);
  v.text("ja3", t.ja3);
  v.text("ja3s", t.ja3s);
  v.text("certificate", t.certificate_sha1);
}
template <typename V>
void describe(V& v, const model::File& f) {
  v.ip("client", f.client);
  v.ip("server", f.server);
  v.text("sha256", f.sha256);
  v.text("sha1", f.sha1);
  v.text("md5", f.md5);
  v.text("mime", f.mime);
  v.text("name", f.name);
  v.count("bytes", f.bytes);
}
template <typename V>
void describe(V& v, const model::Login& l) {
  v.ip("client", l.client);
  v.ip("server", l.server);
  v.count("server_port", l.server_port);
  v.text("succeeded", answered_text(l.succeeded));
  v.count("attempts", l.attempts);
  v.text("service", l.service);
}
template <typename V>
void describe(V& v, const model::Sighting& s) {
  v.ip("client", s.client);
  v.ip("server", s.server);
  v.count("server_port", s.server_port);
  v.count("severity", s.severity);
  v.text("name", s.name);
  v.text("category", s.category);
  v.text("message", s.message);
}

// What an entity question may compare a column with.
enum class ColumnRole : std::uint8_t { kPlain, kToken, kIp, kDomain };
struct Column {
  std::string name;
  DuckType type;
  ColumnRole role = ColumnRole::kPlain;
};
// position, time, record, source, late, then the kind's own.
std::vector<Column> columns_of(model::EventKind kind);
std::string_view sql_name(DuckType type);

}  // namespace pandun::eventlog
