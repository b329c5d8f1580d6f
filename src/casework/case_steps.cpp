#include "casework/case_steps.h"

#include <fmt/format.h>

#include <algorithm>

#include "casework/measures.h"
#include "platform/random.h"

namespace pandun::casework {
namespace {

constexpr std::string_view kPrevious = "@previous";

Result<> check_fields(const WorkflowAction& action, const ActionInput& input) {
  for (const auto& [name, value] : input.fields) {
    const bool known =
        std::any_of(action.fields.begin(), action.fields.end(),
                    [&, field_name = name](const WorkflowField& field) { return field.name == field_name; });
    if (!known) return error(Errc::kUsage, name, fmt::format("'{}' has no such field", action.id));
  }
  for (const WorkflowField& field : action.fields) {
    const auto it = input.fields.find(field.name);
    const bool given = it != input.fields.end() && !it->second.empty();
    if (field.required && !given) return error(Errc::kUsage, field.name, "this field is required");
    if (!given) continue;
    if (field.type == FieldType::kDatetime && !parse_rfc3339(it->second)) {
      return error(Errc::kUsage, field.name, "a time like 2026-12-01T00:00:00Z");
    }
    if (field.type == FieldType::kChoice && field.choices_from.empty() &&
        std::find(field.choices.begin(), field.choices.end(), it->second) == field.choices.end()) {
      return error(Errc::kUsage, field.name, fmt::format("one of: {}", fmt::join(field.choices, ", ")));
    }
  }
  return {};
}

// "Second person" means: not the one who proposed the newest measure.
Result<> check_second_person(const store::View& view, const guard::Actor& actor, const store::CaseRow& row) {
  TRY_ASSIGN(const auto measures, view.measures().of_case(row.id));
  if (measures.empty()) return {};
  if (actor.person.empty() || measures.back().proposed_by == actor.person) {
    return error(Errc::kNotAllowed, "second_person", "you proposed it; a second person is needed");
  }
  return {};
}

// By value: `to` may be the row's own previous_state.
void enter(const DeskParts& parts, store::CaseRow& row, std::string to) {
  const WorkflowState* state = parts.content.workflow.state(to);
  CHECK(state != nullptr);
  if (row.state != to) row.previous_state = row.state;
  row.state = std::move(to);
  row.done = state->kind == StateKind::kDone;
  row.updated_at = parts.clock.wall();
  row.closed_at = row.done ? std::optional(row.updated_at) : std::nullopt;
}

Result<> follow_incident(store::Tx& tx, const store::CaseRow& row, WallMs now) {
  if (row.incident_id.empty()) return {};
  TRY_ASSIGN(auto incident, std::as_const(tx).incidents().by_id(row.incident_id));
  if (!incident || incident->state == "merged") return {};
  const std::string state = row.done ? "closed" : "in_case";
  if (incident->state == state) return {};
  incident->state = state;
  incident->updated_at = now;
  return tx.incidents().update(*incident);
}

std::string note_of(const WorkflowAction& action, const ActionInput& input) {
  std::string out;
  for (const WorkflowField& field : action.fields) {
    const auto it = input.fields.find(field.name);
    if (it == input.fields.end() || it->second.empty()) continue;
    out += fmt::format("{}{}: {}", out.empty() ? "" : "\n", field.name, it->second);
  }
  if (!input.note.empty()) out += (out.empty() ? "" : "\n") + input.note;
  return out;
}

}  // namespace

Result<store::CaseRow> need_case(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.cases().by_id(id));
  if (!row) return error(Errc::kNotFound, "case " + id, "there is no such case");
  return std::move(*row);
}

Result<> add_history(const DeskParts& parts, store::Tx& tx, const store::CaseRow& row, const std::string& by,
                     const std::string& action, const LocalText& title, const std::string& from,
                     const std::string& note) {
  return tx.case_files().insert_history(
      {0, row.id, by, action, title.zh, title.en, from, row.state, note, parts.clock.wall()});
}

Result<> start_clock(const DeskParts& parts, store::Tx& tx, store::CaseRow& row, const std::string& clock) {
  const ClockKind* kind = parts.content.clocks.find(clock);
  CHECK(kind != nullptr);  // the workflow was checked against the table
  TRY_ASSIGN(const auto clocks, std::as_const(tx).case_files().clocks(row.id));
  for (const store::ClockRow& other : clocks) {
    if (other.clock == clock && other.state == "running") return {};  // it runs already
  }
  const WallMs now = parts.clock.wall();
  return tx.case_files().insert_clock({0, "K-" + platform::random_hex(8), row.id, clock, kind->title.zh, kind->title.en,
                                       kind->source, "running", kind->unverified(), now,
                                       parts.content.clocks.due(*kind, now), std::nullopt});
}

Result<> stop_clocks(const DeskParts& parts, store::Tx& tx, store::CaseRow& row,
                     const std::vector<std::string>& names) {
  TRY_ASSIGN(const auto clocks, std::as_const(tx).case_files().clocks(row.id));
  for (store::ClockRow clock : clocks) {
    const bool named = names.empty() || std::find(names.begin(), names.end(), clock.clock) != names.end();
    if (!named || clock.state != "running") continue;
    clock.stopped_at = parts.clock.wall();
    clock.state = *clock.stopped_at <= clock.due_at ? "met" : "missed";
    TRY(tx.case_files().update_clock(clock));
  }
  return {};
}

Result<> refresh_due(store::Tx& tx, store::CaseRow& row) {
  row.due_at.reset();
  if (row.done) return {};
  TRY_ASSIGN(const auto clocks, std::as_const(tx).case_files().clocks(row.id));
  for (const store::ClockRow& clock : clocks) {
    // A missed clock that nobody stopped keeps the case overdue.
    const bool counts = clock.state == "running" || (clock.state == "missed" && !clock.stopped_at);
    if (counts && (!row.due_at || clock.due_at < *row.due_at)) row.due_at = clock.due_at;
  }
  return {};
}

Result<> end_measure(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::MeasureRow& measure,
                     const std::string& case_number, std::string_view state, const std::string& reason) {
  measure.state = state;
  measure.lapsed_reason = reason;
  measure.ended_at = parts.clock.wall();
  TRY(tx.measures().update(measure));
  TRY(parts.audit.record(tx, actor, state == "lifted" ? "measure.lift" : "measure.lapse", "measure:" + measure.id,
                         {{"case", case_number}, {"reason", reason.substr(0, 500)}}));
  TRY_ASSIGN(const auto applied, std::as_const(tx).orders().by_id(fmt::format("O-{}-apply", measure.id.substr(2))));
  if (!applied) return {};
  return queue_order(parts, tx, measure, case_number, "lift");
}

Result<> perform_step(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::CaseRow& row,
                      const WorkflowAction& action, const ActionInput& input) {
  TRY(guard::require(actor, action.right));
  if (!Workflow::is_step(row.state, action)) {
    return error(Errc::kConflict, "case " + row.number,
                 fmt::format("'{}' is no step from the state '{}'", action.id, row.state));
  }
  if (input.version != row.version) {
    return error(Errc::kConflict, "case " + row.number,
                 fmt::format("the case is at version {}, not {}", row.version, input.version));
  }
  if (action.second_person) TRY(check_second_person(tx, actor, row));
  TRY(check_fields(action, input));
  TRY_ASSIGN(const bool moves, apply_effect(parts, tx, actor, row, action, input));
  return take_step(parts, tx, actor, row, action, input, moves);
}

Result<> take_step(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::CaseRow& row,
                   const WorkflowAction& action, const ActionInput& input, bool moves) {
  const std::string from = row.state;
  if (moves) {
    enter(parts, row, action.to == kPrevious ? row.previous_state : action.to);
    if (!action.stops.empty()) TRY(stop_clocks(parts, tx, row, action.stops));
    for (const std::string& clock : action.starts) TRY(start_clock(parts, tx, row, clock));
    if (row.done) TRY(stop_clocks(parts, tx, row, {}));
  }
  row.updated_at = parts.clock.wall();
  TRY(refresh_due(tx, row));
  TRY(tx.cases().update(row));
  ++row.version;
  TRY(follow_incident(tx, row, row.updated_at));
  TRY(add_history(parts, tx, row, actor.name, action.id, action.title, from, note_of(action, input)));
  guard::AuditDetail detail{{"from", from}, {"to", row.state}, {"number", row.number}};
  for (const auto& [name, value] : input.fields) {
    if (!value.empty()) detail.emplace_back("field." + name, value.substr(0, 500));
  }
  return parts.audit.record(tx, actor, "case." + action.id, "case:" + row.id, std::move(detail));
}

Result<> move_by_rule(const DeskParts& parts, store::Tx& tx, std::string_view part, store::CaseRow& row,
                      const RuleMove& move) {
  const guard::Actor system = guard::Actor::system(part);
  const std::string from = row.state;
  enter(parts, row, move.to);
  TRY(refresh_due(tx, row));
  TRY(tx.cases().update(row));
  ++row.version;
  TRY(follow_incident(tx, row, row.updated_at));
  TRY(add_history(parts, tx, row, system.name, move.action, move.title, from, move.note));
  return parts.audit.record(tx, system, "case." + move.action, "case:" + row.id,
                            {{"from", from}, {"to", row.state}, {"number", row.number}, {"note", move.note}});
}

}  // namespace pandun::casework
