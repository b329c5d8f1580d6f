// Leads exchanged with banks and police: partners, files with their receipts, what matched.
#include "api/json.h"
#include "api/paging.h"
#include "api/room.h"
#include "exchange/lead_desk.h"
#include "exchange/memory_file.h"

namespace pandun::api {
namespace {

constexpr std::size_t kExportMax = 8U << 20;

Result<exchange::LeadDesk*> desk_of(Room& room) {
  if (room.parts.leads == nullptr) return error(Errc::kUnavailable, "leads", "the exchange of leads is not loaded");
  return room.parts.leads;
}

Error in_body(Error why) {
  if (why.code == Errc::kUsage && !why.where.starts_with('/')) why.where = "/" + why.where;
  return why;
}

void write_faults(JsonWriter& w, const std::vector<exchange::Fault>& faults) {
  w.key("faults").begin_array();
  for (const exchange::Fault& fault : faults)
    w.begin_object().field_integer("line", fault.line).field("code", fault.code).field("why", fault.why).end_object();
  w.end_array();
}

void write_figures(JsonWriter& w, const store::LeadFigures& f) {
  const std::pair<const char*, std::int64_t> counts[] = {{"files", f.files},
                                                         {"lines", f.lines},
                                                         {"accepted", f.accepted},
                                                         {"matched", f.matched},
                                                         {"waiting", f.waiting},
                                                         {"confirmed", f.confirmed},
                                                         {"refuted", f.refuted},
                                                         {"acted_on", f.acted_on},
                                                         {"given", f.given},
                                                         {"given_confirmed", f.given_confirmed},
                                                         {"given_refuted", f.given_refuted},
                                                         {"given_acted_on", f.given_acted_on}};
  w.key("figures").begin_object();
  for (const auto& [name, n] : counts) w.field_integer(name, n);
  const auto share = [&w](const char* name, std::int64_t part, std::int64_t whole) {
    w.key(name);
    if (whole > 0) {
      w.number(static_cast<double>(part) / static_cast<double>(whole));
    } else {
      w.null();
    }
  };
  share("match_rate", f.matched, f.accepted);
  share("confirmation_rate", f.confirmed + f.acted_on, f.confirmed + f.acted_on + f.refuted);
  share("given_confirmation_rate", f.given_confirmed + f.given_acted_on,
        f.given_confirmed + f.given_acted_on + f.given_refuted);
  w.end_object();
}

void write_key(JsonWriter& w, const exchange::KeyView& key) {
  w.begin_object().field("id", key.id).field("created_by", key.created_by);
  w.field("created_at", rfc3339(key.created_at));
  time_or_null(w, "valid_until", key.valid_until);
  text_or_null(w, "revealed_by", key.revealed_by);
  time_or_null(w, "revealed_at", key.revealed_at);
  w.end_object();
}

void write_partner(JsonWriter& w, const exchange::PartnerView& partner) {
  const store::LeadPartnerRow& row = partner.row;
  w.begin_object().field("id", row.id).field("name", row.name).field("kind", row.kind).field("state", row.state);
  w.field("agreement", row.agreement).field_integer("keep_unmatched_hours", row.keep_unmatched_hours);
  w.key("purposes").begin_array();
  for (const exchange::AgreedPurpose& item : partner.purposes)
    w.begin_object().field("purpose", item.purpose).field("ground", item.ground).end_object();
  w.end_array().field("created_by", row.created_by).field("created_at", rfc3339(row.created_at));
  text_or_null(w, "decided_by", row.decided_by);
  time_or_null(w, "decided_at", row.decided_at);
  w.field("decision_reason", row.decision_reason).field("expires_at", rfc3339(row.expires_at));
  time_or_null(w, "ended_at", row.ended_at);
  w.key("keys").begin_array();
  for (const exchange::KeyView& key : partner.keys) write_key(w, key);
  w.end_array();
  write_figures(w, partner.figures);
  w.key("may_decide").boolean(partner.may_decide).end_object();
}

void write_receipt(JsonWriter& w, const store::LeadFileRow& row) {
  w.begin_object().field("id", row.id).field_integer("seq", row.seq).field("partner_id", row.partner_id);
  w.field("direction", row.direction).field("name", row.name).field("digest", row.digest);
  text_or_null(w, "purpose", row.purpose);
  w.field("state", row.state).field("reason", row.reason).field("created_by", row.created_by);
  w.field_integer("lines", row.lines).field_integer("accepted", row.accepted).field_integer("matched", row.matched);
  w.field_integer("waiting", row.waiting).field_integer("duplicate", row.duplicate);
  w.field_integer("unknown_purpose", row.unknown_purpose).field_integer("expired", row.expired);
  w.field_integer("faulty", row.faulty).field_integer("withdrawn", row.withdrawn).field("at", rfc3339(row.at));
  time_or_null(w, "ended_at", row.ended_at);
}

void write_file(JsonWriter& w, const exchange::FileView& file) {
  write_receipt(w, file.row);
  write_faults(w, file.faults);
  w.key("repeat").boolean(file.repeat).end_object();
}

void write_lead(JsonWriter& w, const exchange::LeadView& lead) {
  const store::LeadRow& row = lead.row;
  w.begin_object().field("id", row.id).field_integer("seq", row.seq).field("partner_id", row.partner_id);
  w.field("partner", lead.partner_name).field("direction", row.direction).field("lead_id", row.lead_id);
  w.field("kind", row.kind).field("purpose", row.purpose).field("file_id", row.file_id).field("state", row.state);
  text_or_null(w, "value", row.shown);
  text_or_null(w, "token", row.token);
  text_or_null(w, "alert_id", row.alert_id);
  text_or_null(w, "case_id", row.case_id);
  text_or_null(w, "measure_id", row.measure_id);
  text_or_null(w, "feedback", row.feedback);
  text_or_null(w, "feedback_by", row.feedback_by);
  time_or_null(w, "feedback_at", row.feedback_at);
  time_or_null(w, "warned_at", row.warned_at);
  w.key("confidence").number(row.confidence).field("observed_at", rfc3339(row.observed_at));
  w.field("expires_at", rfc3339(row.expires_at)).field("at", rfc3339(row.at)).end_object();
}

template <typename T>
Answer answer(const Result<T>& made, void (*write_one)(JsonWriter&, const T&), int status = 200) {
  if (!made.ok()) return in_body(made.error());
  std::string out;
  JsonWriter w(out);
  write_one(w, *made);
  return json_answer(std::move(out), status);
}

void end_page(JsonWriter& w, const std::optional<std::int64_t>& next) {
  w.end_array().key("next");
  if (next) {
    w.string(std::to_string(*next));
  } else {
    w.null();
  }
  w.end_object();
}

// Who watches is told what a file changed.
void tell(Room& room, const std::vector<std::string>& alerts, const std::vector<std::string>& cases) {
  constexpr std::size_t kToldMax = 200;
  for (std::size_t i = 0; i < alerts.size() && i < kToldMax; ++i)
    if (const auto alert = room.parts.desk.alert_summary(alerts[i]); alert.ok()) room.parts.live.alert(*alert);
  for (std::size_t i = 0; i < cases.size() && i < kToldMax; ++i)
    if (const auto changed = room.parts.desk.case_summary(cases[i]); changed.ok()) room.parts.live.changed(*changed);
}

Answer purposes(Room& room, const Call&) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const exchange::Purpose& purpose : desk->purposes().all()) {
    w.begin_object().field("id", purpose.id);
    local(w, "title", purpose.title);
    w.strings("grounds", purpose.grounds).strings("kinds", purpose.kinds);
    w.key("warns").boolean(purpose.warns).key("given").boolean(purpose.given).end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out));
}

Answer partners(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  TRY_ASSIGN(const auto list, desk->partners(call.actor));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const exchange::PartnerView& partner : list) write_partner(w, partner);
  w.end_array().end_object();
  return json_answer(std::move(out));
}

Answer propose(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  exchange::NewPartner wish;
  wish.name = call.body.text("name");
  wish.kind = call.body.text("kind");
  wish.agreement = call.body.text("agreement");
  wish.expires_at = call.body.text("expires_at");
  wish.keep_unmatched_hours = call.body.integer("keep_unmatched_hours");
  for (const auto& [purpose, ground] : call.body.text_map("purposes")) wish.purposes.push_back({purpose, ground});
  return answer(desk->propose_partner(call.actor, wish), write_partner, 201);
}

Answer partner(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  return answer(desk->partner(call.actor, call.path[0]), write_partner);
}
Answer decide(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  return answer(desk->decide_partner(call.actor, call.path[0], call.body.boolean("accept"), call.body.text("reason")),
                write_partner);
}
Answer end(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  return answer(desk->end_partner(call.actor, call.path[0], call.body.text("reason")), write_partner);
}
Answer rotate(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  return answer(desk->rotate_key(call.actor, call.path[0], call.body.integer("overlap_days", 30)), write_partner, 201);
}
Answer reveal(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  TRY_ASSIGN(const std::string key, desk->reveal_key(call.actor, call.path[0], call.path[1]));
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("key_id", call.path[1]).field("key", key).end_object();
  return json_answer(std::move(out));
}

Answer files(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  TRY_ASSIGN(const auto page, page_of(call));
  TRY_ASSIGN(const auto rows, desk->files(call.query_text("partner_id"), page));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const store::LeadFileRow& row : rows.items) {
    write_receipt(w, row);
    w.end_object();
  }
  end_page(w, rows.next);
  return json_answer(std::move(out));
}
Answer file(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  return answer(desk->file(call.path[0]), write_file);
}
Answer import(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  const exchange::MemoryInput content(call.body.text("content"));
  const auto taken = desk->import(call.actor, call.body.text("partner_id"), call.body.text("name"), content);
  if (taken.ok()) tell(room, taken->new_alerts, taken->changed_cases);
  return answer(taken, write_file, 201);
}
Answer export_findings(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  exchange::MemoryOutput content(kExportMax);
  const auto made = desk->export_findings(call.actor, call.body.text("partner_id"), call.body.text("purpose"), content);
  if (!made.ok()) return in_body(made.error());
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("file");
  write_file(w, *made);
  w.field("content", content.take()).end_object();
  return json_answer(std::move(out), 201);
}

Answer matches(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  TRY_ASSIGN(const auto page, page_of(call));
  const store::LeadFilter filter{call.query_text("partner_id"), call.query_text("direction"), call.query_text("state"),
                                 call.query_text("purpose"), call.query_text("case_id")};
  TRY_ASSIGN(const auto rows, desk->leads(filter, page));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const exchange::LeadView& lead : rows.items) write_lead(w, lead);
  end_page(w, rows.next);
  return json_answer(std::move(out));
}
Answer use(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  const auto used = desk->use(call.actor, call.path[0], {call.body.text("purpose"), call.body.text("case_id")});
  if (used.ok()) tell(room, {}, {used->row.case_id});
  return answer(used, write_lead);
}
Answer feedback(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  return answer(desk->feedback(call.actor, call.path[0], {call.body.text("result"), call.body.text("at")}), write_lead);
}
Answer import_feedback(Room& room, const Call& call) {
  TRY_ASSIGN(exchange::LeadDesk * desk, desk_of(room));
  const exchange::MemoryInput content(call.body.text("content"));
  const auto taken = desk->import_feedback(call.actor, call.body.text("partner_id"), call.body.text("name"), content);
  if (!taken.ok()) return in_body(taken.error());
  std::string out;
  JsonWriter w(out);
  w.begin_object().field_integer("lines", taken->lines).field_integer("taken", taken->taken);
  w.field_integer("unchanged", taken->unchanged).field_integer("faulty", taken->faulty);
  write_faults(w, taken->faults);
  w.end_object();
  return json_answer(std::move(out));
}

}  // namespace

void add_lead_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/leads/purposes", Door::kRead, purposes});
  routes.push_back({Method::kGet, "/api/v1/leads/partners", Door::kRead, partners});
  routes.push_back({Method::kPost, "/api/v1/leads/partners", Door::kLeads, propose});
  routes.push_back({Method::kGet, "/api/v1/leads/partners/{id}", Door::kRead, partner});
  routes.push_back({Method::kPost, "/api/v1/leads/partners/{id}/decide", Door::kLeads, decide});
  routes.push_back({Method::kPost, "/api/v1/leads/partners/{id}/end", Door::kLeads, end});
  routes.push_back({Method::kPost, "/api/v1/leads/partners/{id}/keys", Door::kLeads, rotate});
  routes.push_back({Method::kPost, "/api/v1/leads/partners/{id}/keys/{key}/reveal", Door::kLeads, reveal});
  routes.push_back({Method::kGet, "/api/v1/leads/files", Door::kRead, files});
  routes.push_back({Method::kPost, "/api/v1/leads/files", Door::kLeads, import});
  routes.push_back({Method::kGet, "/api/v1/leads/files/{id}", Door::kRead, file});
  routes.push_back({Method::kPost, "/api/v1/leads/exports", Door::kLeads, export_findings});
  routes.push_back({Method::kGet, "/api/v1/leads/matches", Door::kRead, matches});
  routes.push_back({Method::kPost, "/api/v1/leads/matches/{id}/use", Door::kLeads, use});
  routes.push_back({Method::kPost, "/api/v1/leads/matches/{id}/feedback", Door::kLeads, feedback});
  routes.push_back({Method::kPost, "/api/v1/leads/feedback", Door::kLeads, import_feedback});
}

}  // namespace pandun::api
