#include "api/json.h"

namespace pandun::api {
namespace {

void write_order(JsonWriter& w, const casework::OrderView& order) {
  w.begin_object().field("id", order.id).field("verb", order.verb).field("state", order.state);
  w.field("action", order.action).field_integer("attempts", order.attempts).field("last_error", order.last_error);
  w.field("created_at", rfc3339(order.created_at)).field("updated_at", rfc3339(order.updated_at)).end_object();
}

void write_ground(JsonWriter& w, const casework::GroundView& ground) {
  w.key("ground").begin_object().field("id", ground.id);
  local(w, "law", ground.law);
  w.field("article", ground.article);
  local(w, "text", ground.text);
  w.end_object();
}

void local_or_null(JsonWriter& w, std::string_view key, const std::optional<LocalText>& text) {
  if (text) {
    local(w, key, *text);
  } else {
    w.key(key).null();
  }
}

void write_decision(JsonWriter& w, const casework::MeasureView& m) {
  w.field("proposed_by", m.proposed_by).field("proposed_at", rfc3339(m.proposed_at));
  w.strings("approvals", m.approvals).field_integer("approvals_needed", m.approvals_needed);
  text_or_null(w, "approved_by", m.approved_by);
  time_or_null(w, "approved_at", m.approved_at);
  time_or_null(w, "ended_at", m.ended_at);
  time_or_null(w, "lapse_at", m.lapse_at);
}

void write_member(JsonWriter& w, const casework::MeasureView& m) {
  w.field("case_id", m.case_id);
  text_or_null(w, "batch_id", m.batch_id);
  w.field_integer("risk", m.risk);
  text_or_null(w, "risk_grade", m.risk_grade);
  w.field("risk_basis", m.risk_basis);
  text_or_null(w, "protected_group", m.protected_group);
  w.field("skip_reason", m.skip_reason);
  text_or_null(w, "check_result", m.check_result);
  time_or_null(w, "check_due", m.check_due);
  time_or_null(w, "checked_at", m.checked_at);
  text_or_null(w, "checked_by", m.checked_by);
}

void counts(JsonWriter& w, std::string_view key, const std::vector<std::pair<std::string, std::int64_t>>& list) {
  w.key(key).begin_object();
  for (const auto& [name, n] : list) w.field_integer(name, n);
  w.end_object();
}

void batch_fields(JsonWriter& w, const casework::BatchSummary& b) {
  w.field("id", b.id).field_integer("seq", b.seq).field("case_id", b.case_id).field("case_number", b.case_number);
  w.field("kind", b.kind);
  local(w, "title", b.title);
  w.field("state", b.state).field("proposed_by", b.proposed_by).field_integer("members", b.members);
  counts(w, "counts", b.counts);
  counts(w, "checks", b.checks);
  w.field("proposed_at", rfc3339(b.proposed_at)).field("expires_at", rfc3339(b.expires_at));
  w.field("lapse_at", rfc3339(b.lapse_at));
}

void write_lifting(JsonWriter& w, const casework::AppealView& a) {
  w.key("lift_ordered").boolean(a.lift_ordered).key("lift_verified").boolean(a.lift_verified);
  w.key("carriers").begin_array();
  for (const casework::CarrierLift& carrier : a.carriers) {
    w.begin_object().field("carrier", carrier.carrier).key("applied").boolean(carrier.applied);
    w.key("lifted").boolean(carrier.lifted).end_object();
  }
  w.end_array();
}

}  // namespace

void write(JsonWriter& w, const casework::MeasureView& m) {
  w.begin_object().field("id", m.id).field("kind", m.kind);
  local(w, "title", m.title);
  write_ground(w, m.ground);
  w.field("category", m.category).field("scope", m.scope).field("reason", m.reason).key("entity");
  write(w, m.entity);
  w.field("expires_at", rfc3339(m.expires_at)).field("state", m.state);
  write_decision(w, m);
  w.field("notice", m.notice).field("appeal_channel", m.appeal_channel);
  w.field("refused_reason", m.refused_reason).field("lapsed_reason", m.lapsed_reason);
  w.key("orders").begin_array();
  for (const casework::OrderView& order : m.orders) write_order(w, order);
  w.end_array();
  write_member(w, m);
  w.end_object();
}

void write(JsonWriter& w, const casework::BatchNumber& n) {
  w.begin_object().key("entity");
  write(w, n.entity);
  w.field_integer("risk", n.risk).field("grade", n.grade).field("basis", n.basis);
  text_or_null(w, "protected_group", n.protected_group);
  text_or_null(w, "measure_id", n.measure_id);
  text_or_null(w, "measure_kind", n.measure_kind);
  text_or_null(w, "measure_state", n.measure_state);
  text_or_null(w, "check_result", n.check_result);
  local_or_null(w, "left_out", n.left_out);
  w.end_object();
}

void write(JsonWriter& w, const casework::BatchSummary& b) {
  w.begin_object();
  batch_fields(w, b);
  w.end_object();
}

void write(JsonWriter& w, const casework::BatchView& b) {
  w.begin_object();
  batch_fields(w, b.summary);
  write_ground(w, b.ground);
  w.field("category", b.category).field("scope", b.scope).field("reason", b.reason).field("skip_reason", b.skip_reason);
  w.field("notice", b.notice).field("appeal_channel", b.appeal_channel).field("refused_reason", b.refused_reason);
  w.key("left_out").begin_array();
  for (const casework::LeftOut& item : b.left_out) {
    w.begin_object().key("entity");
    write(w, item.entity);
    local(w, "why", item.why);
    w.end_object();
  }
  w.end_array().field_integer("protected_members", b.protected_members);
  w.key("may_approve")
      .boolean(b.may_approve)
      .key("may_refuse")
      .boolean(b.may_refuse)
      .key("may_order")
      .boolean(b.may_order);
  local_or_null(w, "why_not", b.why_not);
  w.end_object();
}

void write(JsonWriter& w, const casework::AppealView& a) {
  w.begin_object().field("id", a.id).field_integer("seq", a.seq).field("state", a.state).field("claim", a.claim);
  w.field("channel", a.channel).field("recorded_by", a.recorded_by);
  text_or_null(w, "decision_id", a.decision_id);
  text_or_null(w, "reviewer", a.reviewer);
  w.field("reason", a.reason).field("repair", a.repair).key("late").boolean(a.late);
  w.key("overdue").boolean(a.overdue).field("received_at", rfc3339(a.received_at)).field("due_at", rfc3339(a.due_at));
  time_or_null(w, "decided_at", a.decided_at);
  w.field("measure_id", a.measure_id).field("case_id", a.case_id).field("case_number", a.case_number);
  text_or_null(w, "batch_id", a.batch_id);
  w.field("kind", a.kind);
  local(w, "title", a.title);
  w.field("measure_state", a.measure_state);
  text_or_null(w, "protected_group", a.protected_group);
  w.key("entity");
  write(w, a.entity);
  write_lifting(w, a);
  w.key("may_decide").boolean(a.may_decide);
  local_or_null(w, "why_not", a.why_not);
  w.end_object();
}

void write(JsonWriter& w, const casework::MeasureStory& story) {
  w.begin_object().key("measure");
  write(w, story.measure);
  w.field("case_number", story.case_number);
  write_list(w, "appeals", story.appeals);
  w.key("history").begin_array();
  for (const casework::StoryView& entry : story.history) {
    w.begin_object().field("at", rfc3339(entry.at)).field("by", entry.by).field("action", entry.action);
    w.key("detail").raw(entry.note).end_object();
  }
  w.end_array().key("may_appeal").boolean(story.may_appeal).end_object();
}

}  // namespace pandun::api
