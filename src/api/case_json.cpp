#include "api/json.h"

namespace pandun::api {
namespace {

bool known(const model::ShownEntity& entity) {
  return !entity.value.empty() || !entity.token.empty();
}

void summary_fields(JsonWriter& w, const casework::CaseSummary& c) {
  w.field("id", c.id).field_integer("seq", c.seq).field("number", c.number);
  local(w, "title", c.title);
  w.field("state", c.state);
  local(w, "state_title", c.state_title);
  w.field_integer("severity", c.severity).field("grade", c.grade);
  text_or_null(w, "assignee", c.assignee);
  w.field("opened_at", rfc3339(c.opened_at));
  time_or_null(w, "due_at", c.due_at);
  w.key("overdue").boolean(c.overdue).field_integer("version", c.version).key("entity");
  if (known(c.entity)) {
    api::write(w, c.entity);
  } else {
    w.null();
  }
}

void write(JsonWriter& w, const casework::StateView& state) {
  w.begin_object().field("id", state.id);
  local(w, "title", state.title);
  w.field("kind", state.kind).end_object();
}

void write(JsonWriter& w, const casework::FieldView& field) {
  w.begin_object().field("name", field.name);
  local(w, "title", field.title);
  w.field("type", field.type).key("required").boolean(field.required);
  if (field.type == "choice") {
    w.key("choices").begin_array();
    for (const casework::ChoiceView& choice : field.choices) {
      w.begin_object().field("value", choice.id);
      local(w, "title", choice.title);
      w.end_object();
    }
    w.end_array();
  }
  w.end_object();
}

void write(JsonWriter& w, const casework::ActionView& action) {
  w.begin_object().field("id", action.id);
  local(w, "title", action.title);
  w.field("to", action.to).field("needs_role", action.needs_role);
  w.key("needs_second_person").boolean(action.needs_second_person);
  w.key("fields").begin_array();
  for (const casework::FieldView& field : action.fields) write(w, field);
  w.end_array();
  w.key("allowed").boolean(action.allowed);
  if (action.why_not) local(w, "why_not", *action.why_not);
  w.end_object();
}

void write(JsonWriter& w, const casework::ClockView& clock) {
  w.begin_object().field("id", clock.id);
  local(w, "title", clock.title);
  w.field("started_at", rfc3339(clock.started_at)).field("due_at", rfc3339(clock.due_at)).field("state", clock.state);
  w.field("source", clock.source).key("unverified").boolean(clock.unverified).end_object();
}

void write(JsonWriter& w, const casework::NoteView& note) {
  w.begin_object().field("id", note.id).field("by", note.by).field("at", rfc3339(note.at));
  w.field("text", note.text).end_object();
}

void write(JsonWriter& w, const casework::EvidenceView& e) {
  w.begin_object().field("id", e.id).field("kind", e.kind).field("title", e.title).field("sha256", e.sha256);
  w.field("added_by", e.added_by).field("at", rfc3339(e.at)).field("value", e.value).end_object();
}

void write(JsonWriter& w, const casework::HistoryView& h) {
  w.begin_object().field("at", rfc3339(h.at)).field("by", h.by).field("action", h.action);
  local(w, "title", h.title);
  w.field("from", h.from).field("to", h.to).field("note", h.note).end_object();
}

template <typename T>
void list(JsonWriter& w, std::string_view key, const std::vector<T>& items) {
  w.key(key).begin_array();
  for (const T& item : items) write(w, item);
  w.end_array();
}

}  // namespace

void write(JsonWriter& w, const casework::CaseSummary& summary) {
  w.begin_object();
  summary_fields(w, summary);
  w.end_object();
}

std::string case_json(const casework::CaseView& view) {
  std::string out;
  JsonWriter w(out);
  w.begin_object();
  summary_fields(w, view.summary);
  w.key("workflow").begin_object().field("name", view.workflow_name).field_integer("version", view.workflow_version);
  list(w, "states", view.states);
  w.end_object();
  list(w, "actions", view.actions);
  write_list(w, "alerts", view.alerts);
  write_list(w, "measures", view.measures);
  write_list(w, "batches", view.batches);
  list(w, "clocks", view.clocks);
  list(w, "notes", view.notes);
  list(w, "evidence", view.evidence);
  list(w, "history", view.history);
  text_or_null(w, "incident_id", view.incident_id);
  w.field("topic", view.topic);
  text_or_null(w, "protected_group", view.protected_group);
  time_or_null(w, "verify_until", view.verify_until);
  w.end_object();
  return out;
}

}  // namespace pandun::api
