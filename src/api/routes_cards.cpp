// Proposals about lists of cards: millions of numbers, one decision, a measure for each.
#include "api/json.h"
#include "api/paging.h"
#include "api/room.h"

namespace pandun::api {
namespace {

using casework::CardBatchView;

Result<casework::CardDesk*> desk_of(Room& room) {
  if (room.parts.cards == nullptr) return error(Errc::kUnavailable, "cards", "lists of cards are not loaded");
  return room.parts.cards;
}

void counts(JsonWriter& w, std::string_view key, const std::vector<std::pair<std::string, std::int64_t>>& list) {
  w.key(key).begin_object();
  for (const auto& [name, n] : list) w.field_integer(name, n);
  w.end_object();
}

void write_times(JsonWriter& w, const store::CardBatchRow& row) {
  const bool proposed = !row.kind.empty();
  w.field("at", rfc3339(row.proposed_at));
  time_or_null(w, "expires_at", proposed ? std::optional<WallMs>(row.expires_at) : std::nullopt);
  time_or_null(w, "lapse_at", proposed ? std::optional<WallMs>(row.lapse_at) : std::nullopt);
  time_or_null(w, "decided_at", row.decided_at);
  time_or_null(w, "done_at", row.done_at);
}

void write_batch(JsonWriter& w, const CardBatchView& batch) {
  const store::CardBatchRow& row = batch.row;
  w.begin_object().field("id", row.id).field_integer("seq", row.seq).field("case_id", row.case_id);
  w.field("case_number", batch.case_number).field("state", row.state).field("name", row.name);
  text_or_null(w, "kind", row.kind);
  local(w, "title", batch.title);
  text_or_null(w, "ground", row.ground_id);
  w.field("scope", row.scope).field("reason", row.reason).field("notice", row.notice);
  w.field("appeal_channel", row.appeal_channel).field("loaded_by", row.loaded_by);
  text_or_null(w, "proposed_by", row.proposed_by);
  w.strings("approvals", row.approvals).field("refused_reason", row.refused_reason);
  w.field_integer("lines", row.lines).field_integer("members", row.members).field_integer("duplicate", row.duplicate);
  w.field_integer("faulty", row.faulty).field_integer("set_aside", row.set_aside);
  w.field_integer("created", row.created);
  counts(w, "groups", batch.groups);
  counts(w, "counts", batch.counts);
  write_times(w, row);
  w.key("may_propose").boolean(batch.may_propose).key("may_approve").boolean(batch.may_approve);
  w.key("may_refuse").boolean(batch.may_refuse);
  if (batch.why_not) {
    local(w, "why_not", *batch.why_not);
  } else {
    w.key("why_not").null();
  }
  w.end_object();
}

Answer told(Room& room, const Result<CardBatchView>& batch) {
  if (!batch.ok()) {
    Error why = batch.error();
    if (why.code == Errc::kUsage && !why.where.starts_with('/')) why.where = "/" + why.where;
    return why;
  }
  if (const auto summary = room.parts.desk.case_summary(batch->row.case_id); summary.ok())
    room.parts.live.changed(*summary);
  std::string out;
  JsonWriter w(out);
  write_batch(w, *batch);
  return json_answer(std::move(out));
}

Answer batches(Room& room, const Call& call) {
  TRY_ASSIGN(casework::CardDesk * desk, desk_of(room));
  TRY_ASSIGN(const auto page, page_of(call));
  TRY_ASSIGN(const auto rows, desk->batches(call.actor, call.query_text("state"), page));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const CardBatchView& batch : rows.items) write_batch(w, batch);
  w.end_array().key("next");
  if (rows.next) {
    w.string(std::to_string(*rows.next));
  } else {
    w.null();
  }
  w.end_object();
  return json_answer(std::move(out));
}

Answer batch(Room& room, const Call& call) {
  TRY_ASSIGN(casework::CardDesk * desk, desk_of(room));
  TRY_ASSIGN(const CardBatchView view, desk->batch(call.actor, call.path[0]));
  std::string out;
  JsonWriter w(out);
  write_batch(w, view);
  return json_answer(std::move(out));
}

Answer propose(Room& room, const Call& call) {
  TRY_ASSIGN(casework::CardDesk * desk, desk_of(room));
  casework::MeasureTerms terms;
  const std::pair<const char*, std::string*> fields[] = {
      {"kind", &terms.kind},     {"category", &terms.category},     {"ground", &terms.ground},
      {"scope", &terms.scope},   {"reason", &terms.reason},         {"skip_reason", &terms.skip_reason},
      {"notice", &terms.notice}, {"expires_at", &terms.expires_at}, {"appeal_channel", &terms.appeal_channel}};
  for (const auto& [name, text] : fields) *text = call.body.text(name);
  return told(room, desk->propose(call.actor, call.path[0], terms));
}
Answer approve(Room& room, const Call& call) {
  TRY_ASSIGN(casework::CardDesk * desk, desk_of(room));
  return told(room, desk->approve(call.actor, call.path[0]));
}
Answer refuse(Room& room, const Call& call) {
  TRY_ASSIGN(casework::CardDesk * desk, desk_of(room));
  return told(room, desk->refuse(call.actor, call.path[0], call.body.text("reason")));
}

}  // namespace

void add_card_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/card-batches", Door::kRead, batches});
  routes.push_back({Method::kGet, "/api/v1/card-batches/{id}", Door::kRead, batch});
  routes.push_back({Method::kPost, "/api/v1/card-batches/{id}/propose", Door::kCaseWork, propose});
  routes.push_back({Method::kPost, "/api/v1/card-batches/{id}/approve", Door::kCaseWork, approve});
  routes.push_back({Method::kPost, "/api/v1/card-batches/{id}/refuse", Door::kCaseWork, refuse});
}

}  // namespace pandun::api
