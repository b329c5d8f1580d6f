#include "api/json.h"
#include "api/paging.h"
#include "api/room.h"

namespace pandun::api {
namespace {

Answer grant_answer(Room& room, const Result<store::GrantRow>& grant, int status = 200) {
  if (!grant.ok()) return grant.error();
  std::string out;
  JsonWriter w(out);
  write(w, *grant, room.parts.clock.wall());
  return json_answer(std::move(out), status);
}

Answer ask(Room& room, const Call& call) {
  const Body scope = call.body.object("scope");
  guard::GrantWish wish;
  wish.case_id = call.body.text("case_id");
  wish.ground_id = call.body.text("ground_id");
  wish.reason = call.body.text("reason");
  wish.tokens = scope.texts("tokens");
  wish.fields = scope.texts("fields");
  wish.minutes = static_cast<int>(call.body.integer("minutes"));
  wish.notice_delay_ground = call.body.text("notice_delay_ground");
  return grant_answer(room, room.parts.vault.ask(call.actor, wish), 201);
}

Answer grants(Room& room, const Call& call) {
  TRY_ASSIGN(const auto all, room.parts.vault.grants(call.actor, call.query_text("case_id")));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const store::GrantRow& grant : all) write(w, grant, room.parts.clock.wall());
  w.end_array().end_object();
  return json_answer(std::move(out));
}

Answer approve(Room& room, const Call& call) {
  return grant_answer(room, room.parts.vault.approve(call.actor, call.path[0], call.body.text("reason")));
}

Answer refuse(Room& room, const Call& call) {
  return grant_answer(room, room.parts.vault.refuse(call.actor, call.path[0], call.body.text("reason")));
}

// The vault counts and audits the view itself, before a value leaves it.
Answer values(Room& room, const Call& call) {
  TRY_ASSIGN(const guard::VaultValues found, room.parts.vault.values(call.actor, call.path[0]));
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("watermark", found.watermark).key("values").begin_array();
  for (const guard::VaultValue& value : found.values) {
    w.begin_object().field("token", value.token).field("kind", value.kind).field("value", value.value).end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out));
}

Answer audit(Room& room, const Call& call) {
  const store::AuditFilter filter{call.query_text("actor"), call.query_text("action"), call.query_text("object")};
  TRY_ASSIGN(const store::PageRequest request, page_of(call));
  TRY_ASSIGN(const auto page, room.parts.audit.list(filter, request));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const store::AuditRow& row : page.items) {
    w.begin_object().field_integer("seq", row.seq).field("at", rfc3339(row.at)).field("actor", row.actor);
    w.field("action", row.action).field("object", row.object).key("detail").raw(row.detail.empty() ? "{}" : row.detail);
    w.field("hash", row.hash).field("prev_hash", row.prev_hash).end_object();
  }
  w.end_array();
  text_or_null(w, "next", page.next ? std::to_string(*page.next) : "");
  w.end_object();
  return json_answer(std::move(out));
}

Answer verify(Room& room, const Call&) {
  TRY_ASSIGN(const guard::VerifyReport report, room.parts.audit.verify());
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("ok").boolean(report.ok).field_integer("entries", report.entries);
  w.field_integer("first", report.first).field_integer("last", report.last).field_integer("anchors", report.anchors);
  if (report.broken_at) w.field_integer("broken_at", *report.broken_at);
  if (!report.reason.empty()) w.field("reason", report.reason);
  w.end_object();
  return json_answer(std::move(out));
}

}  // namespace

void add_vault_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kPost, "/api/v1/vault/grants", Door::kVaultAsk, ask});
  routes.push_back({Method::kGet, "/api/v1/vault/grants", Door::kVaultRead, grants});
  routes.push_back({Method::kPost, "/api/v1/vault/grants/{id}/approve", Door::kVaultDecide, approve});
  routes.push_back({Method::kPost, "/api/v1/vault/grants/{id}/refuse", Door::kVaultDecide, refuse});
  routes.push_back({Method::kGet, "/api/v1/vault/grants/{id}/values", Door::kVaultAsk, values});
  routes.push_back({Method::kGet, "/api/v1/audit", Door::kReadAudit, audit});
  routes.push_back({Method::kGet, "/api/v1/audit/verify", Door::kReadAudit, verify});
}

}  // namespace pandun::api
