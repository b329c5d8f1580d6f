#include "casework/case_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "casework/alert_json.h"
#include "casework/batch_numbers.h"

namespace pandun::casework {
namespace {

constexpr int kRelatedMax = 20;

}  // namespace

std::optional<model::EntityKind> parse_entity_kind(std::string_view text) {
  for (std::size_t i = 0; i < model::kEntityKinds; ++i) {
    if (name(static_cast<model::EntityKind>(i)) == text) return static_cast<model::EntityKind>(i);
  }
  return std::nullopt;
}

ShownEntity entity_of(const std::string& kind, const std::string& value, const std::string& token,
                      const std::string& note) {
  return {parse_entity_kind(kind).value_or(model::EntityKind::kIp), value, token, note};
}

const std::string& key_of(const ShownEntity& entity) {
  return entity.token.empty() ? entity.value : entity.token;
}

AlertSummary summary_of(const store::AlertRow& row) {
  AlertSummary out;
  out.id = row.id;
  out.seq = row.seq;
  out.detector = row.detector;
  out.topic = row.topic;
  out.title = {row.title_zh, row.title_en};
  out.severity = row.severity;
  out.severity_band = severity_band(static_cast<unsigned>(row.severity));
  out.confidence = row.confidence;
  out.state = row.state;
  out.entity = entity_of(row.entity_kind, row.entity_value, row.entity_token, row.entity_note);
  out.first = row.first;
  out.last = row.last;
  out.signals = row.signals;
  out.incident_id = row.incident_id;
  out.case_id = row.case_id;
  return out;
}

void fill_row(store::AlertRow& row, const model::Alert& alert) {
  row.id = alert.id;
  row.detector = alert.detector;
  row.topic = alert.topic;
  row.title_zh = alert.title.zh;
  row.title_en = alert.title.en;
  row.entity_kind = name(alert.entity.kind);
  row.entity_value = alert.entity.value;
  row.entity_token = alert.entity.token;
  row.entity_note = alert.entity.note;
  row.severity = alert.severity;
  row.confidence = alert.confidence;
  row.first = alert.first;
  row.last = alert.last;
  row.signals = alert.signals;
  row.first_position = static_cast<std::int64_t>(alert.first_position);
  row.last_position = static_cast<std::int64_t>(alert.last_position);
  row.doc.clear();
  append_stored(row.doc, alert);
}

IncidentSummary summary_of(const store::IncidentRow& row) {
  return {row.id,
          row.seq,
          row.topic,
          {row.title_zh, row.title_en},
          row.grade,
          row.state,
          row.alerts,
          row.entities,
          row.severity,
          row.owner,
          row.first,
          row.last,
          {row.summary_zh, row.summary_en},
          row.case_id};
}

CaseSummary summary_of(const store::CaseRow& row, const Workflow& workflow, WallMs now) {
  CaseSummary out;
  out.id = row.id;
  out.seq = row.seq;
  out.number = row.number;
  out.title = {row.title_zh, row.title_en};
  out.state = row.state;
  const WorkflowState* state = workflow.state(row.state);
  out.state_title = state != nullptr ? state->title : LocalText{row.state, row.state};
  out.severity = row.severity;
  out.grade = row.grade;
  out.assignee = row.assignee;
  out.opened_at = row.opened_at;
  out.due_at = row.due_at;
  out.overdue = !row.done && row.due_at && *row.due_at < now;
  out.version = row.version;
  out.entity = entity_of(row.entity_kind, row.entity_value, row.entity_token, row.entity_note);
  return out;
}

GroundView ground_view(const guard::Ground* ground, const std::string& id) {
  if (ground == nullptr) return {id, {id, id}, "", {"", ""}, {}, false, true};
  return {ground->id,       ground->law,   ground->article,         ground->text,
          ground->measures, ground->vault, ground->certainty == "M"};
}

NoteView note_view(const store::NoteRow& row) {
  return {row.id, row.by, row.text, row.at};
}
EvidenceView evidence_view(const store::EvidenceRow& row) {
  return {row.id, row.kind, row.title, row.sha256, row.added_by, row.value, row.at};
}

Result<AlertView> alert_view(const DeskParts& parts, const store::View& view, const store::AlertRow& row) {
  TRY_ASSIGN(model::Alert alert, parse_stored(row.doc));
  AlertView out;
  out.summary = summary_of(row);
  out.why = why_of(alert, parts.words);
  out.peers = std::move(alert.peers);
  out.evidence = std::move(alert.evidence);
  out.series_feature = std::move(alert.series_feature);
  out.series = std::move(alert.series);
  out.techniques = std::move(alert.techniques);
  out.source_lines = std::move(alert.source_lines);
  out.protected_group = row.protected_group;
  std::set<std::string> seen{row.id};
  const auto add = [&](const store::Page<store::AlertRow>& page) {
    for (const store::AlertRow& other : page.items) {
      if (out.related.size() < kRelatedMax && seen.insert(other.id).second) out.related.push_back(summary_of(other));
    }
  };
  store::AlertFilter same_entity;
  same_entity.entity_kind = row.entity_kind;
  same_entity.entity = row.entity_token.empty() ? row.entity_value : row.entity_token;
  TRY_ASSIGN(const auto of_entity, view.alerts().list(same_entity, {0, kRelatedMax, true}));
  add(of_entity);
  if (!row.incident_id.empty()) {
    store::AlertFilter same_incident;
    same_incident.incident_id = row.incident_id;
    TRY_ASSIGN(const auto of_incident, view.alerts().list(same_incident, {0, kRelatedMax, true}));
    add(of_incident);
  }
  return out;
}

namespace {

std::vector<ChoiceView> choices_of(const DeskParts& parts, const WorkflowField& field, const std::string& entity_kind) {
  std::vector<ChoiceView> out;
  const guard::LawLibrary& laws = parts.content.laws;
  if (field.choices_from == "measure_kinds") {
    for (const guard::MeasureKind& kind : laws.kinds()) {
      const bool fits = std::find(kind.entities.begin(), kind.entities.end(), entity_kind) != kind.entities.end();
      if (fits) out.push_back({kind.id, kind.title});
    }
  } else if (field.choices_from == "grounds") {
    for (const guard::Ground& ground : laws.grounds()) {
      if (ground.measures.empty()) continue;
      out.push_back({ground.id, {ground.law.zh + " " + ground.article, ground.law.en + " " + ground.article}});
    }
  } else if (field.choices_from == "categories") {
    for (const guard::Category& category : laws.categories()) out.push_back({category.id, category.title});
  }
  for (const std::string& choice : field.choices) out.push_back({choice, {choice, choice}});
  return out;
}

const store::MeasureRow* newest_live(const std::vector<store::MeasureRow>& measures) {
  for (auto it = measures.rbegin(); it != measures.rend(); ++it) {
    if (it->state != "refused" && it->state != "lapsed" && it->state != "lifted") return &*it;
  }
  return nullptr;
}

// Who may take the step. A kind of measure may reserve its approval for one role; refusing stays open to every approver.
guard::RoleSet roles_for(const DeskParts& parts, const WorkflowAction& action, const store::MeasureRow* measure) {
  if (action.effect == Effect::kApproveMeasure && measure != nullptr) {
    const guard::MeasureKind* kind = parts.content.laws.kind(measure->kind);
    if (kind != nullptr && kind->approver) return {*kind->approver};
  }
  return guard::info(action.right).roles;
}

std::optional<LocalText> why_not(const DeskParts& parts, const WorkflowAction& action, const guard::Actor& actor,
                                 const store::MeasureRow* measure) {
  if (!guard::allows(actor, action.right)) {
    const std::string roles = fmt::format("{}", fmt::join(roles_for(parts, action, measure).names(), " / "));
    return LocalText{"需要角色：" + roles, "needs the role " + roles};
  }
  if (measure == nullptr) return std::nullopt;
  const bool of_one = action.effect == Effect::kApproveMeasure || action.effect == Effect::kRefuseMeasure;
  if (!measure->batch_id.empty() && of_one) {
    return LocalText{"批量措施请在其页面上审批", "it is a batch: decide on the batch's own page"};
  }
  if (!measure->batch_id.empty() && action.effect == Effect::kAppeal) {
    return LocalText{"申诉针对单个号码，请在申诉台登记", "an appeal is about one number: record it at the appeal desk"};
  }
  if (action.second_person && measure->proposed_by == actor.person) {
    return LocalText{"提出人不能审批自己的提议，需由他人办理", "you proposed it: a second person is needed"};
  }
  if (!actor.roles.meets(roles_for(parts, action, measure))) {
    return LocalText{"该措施须由高级审批人批准；您可以拒绝",
                     "only a senior approver may approve this measure; you may refuse it"};
  }
  const bool approved_it =
      std::find(measure->approvals.begin(), measure->approvals.end(), actor.person) != measure->approvals.end();
  if (approved_it && action.effect == Effect::kApproveMeasure) {
    return LocalText{"您已批准，还需另一人批准", "you approved it already: another approver is needed"};
  }
  const bool reviews =
      measure->state == "appealed" && (action.effect == Effect::kRejectAppeal || action.effect == Effect::kLift);
  if (reviews && (approved_it || measure->proposed_by == actor.person)) {
    return LocalText{"提出人和批准人不能复核对该措施的申诉",
                     "you proposed or approved the measure: somebody else must review the appeal"};
  }
  return std::nullopt;
}

ActionView action_view(const DeskParts& parts, const WorkflowAction& action, const guard::Actor& actor,
                       const store::CaseRow& row, const store::MeasureRow* measure) {
  ActionView out;
  out.id = action.id;
  out.title = action.title;
  out.to = action.to == "@previous" ? row.previous_state : action.to;
  out.needs_role = fmt::format("{}", fmt::join(roles_for(parts, action, measure).names(), ","));
  out.needs_second_person = action.second_person;
  for (const WorkflowField& field : action.fields) {
    constexpr std::array<std::string_view, 3> kTypes{"text", "choice", "datetime"};
    out.fields.push_back({field.name, field.title, std::string(kTypes[static_cast<std::size_t>(field.type)]),
                          field.required, choices_of(parts, field, row.entity_kind)});
  }
  out.why_not = why_not(parts, action, actor, measure);
  out.allowed = !out.why_not;
  return out;
}

}  // namespace

Result<MeasureView> measure_view(const DeskParts& parts, const store::View& view, const store::MeasureRow& row) {
  MeasureView out;
  out.id = row.id;
  out.kind = row.kind;
  const guard::MeasureKind* kind = parts.content.laws.kind(row.kind);
  out.title = kind != nullptr ? kind->title : LocalText{row.kind, row.kind};
  out.ground = ground_view(parts.content.laws.ground(row.ground_id), row.ground_id);
  out.category = row.category;
  out.scope = row.scope;
  out.reason = row.reason;
  out.entity = entity_of(row.entity_kind, row.entity_value, row.entity_token, "");
  out.expires_at = row.expires_at;
  out.state = row.state;
  out.proposed_by = row.proposed_by;
  out.proposed_at = row.proposed_at;
  out.approvals = row.approvals;
  out.approvals_needed = row.approvals_needed;
  out.approved_by = row.approved_by;
  out.approved_at = row.approved_at;
  out.ended_at = row.ended_at;
  if (row.state == "proposed") out.lapse_at = std::min(row.lapse_at, row.expires_at);
  out.notice = row.notice;
  out.appeal_channel = row.appeal_channel;
  out.refused_reason = row.refused_reason;
  out.lapsed_reason = row.lapsed_reason;
  TRY_ASSIGN(const auto orders, view.orders().of_case(row.case_id));
  for (const store::OrderRow& order : orders) {
    if (order.measure_id != row.id) continue;
    out.orders.push_back({order.id, order.verb, order.state, order.action, order.attempts, order.last_error,
                          order.created_at, order.updated_at});
  }
  out.case_id = row.case_id;
  out.batch_id = row.batch_id;
  out.risk = row.risk;
  if (!row.batch_id.empty()) out.risk_grade = risk_grade(parts, row.risk);
  out.risk_basis = row.risk_basis;
  out.protected_group = row.protected_group;
  out.skip_reason = row.skip_reason;
  out.check_result = row.check_result;
  out.check_due = row.check_due;
  out.checked_at = row.checked_at;
  out.checked_by = row.checked_by;
  return out;
}

namespace {

Result<> add_files(const store::View& view, const std::string& id, CaseView& out) {
  TRY_ASSIGN(const auto clocks, view.case_files().clocks(id));
  for (const store::ClockRow& clock : clocks) {
    out.clocks.push_back({clock.id,
                          {clock.title_zh, clock.title_en},
                          clock.started_at,
                          clock.due_at,
                          clock.state,
                          clock.source,
                          clock.unverified});
  }
  TRY_ASSIGN(const auto notes, view.case_files().notes(id));
  for (const store::NoteRow& note : notes) out.notes.push_back(note_view(note));
  TRY_ASSIGN(const auto evidence, view.case_files().evidence(id));
  for (const store::EvidenceRow& item : evidence) out.evidence.push_back(evidence_view(item));
  TRY_ASSIGN(const auto history, view.case_files().history(id));
  for (const store::HistoryRow& entry : history) {
    out.history.push_back(
        {entry.at, entry.by, entry.action, {entry.title_zh, entry.title_en}, entry.from, entry.to, entry.note});
  }
  return {};
}

}  // namespace

Result<CaseView> make_case_view(const DeskParts& parts, const store::View& view, const guard::Actor& actor,
                                const store::CaseRow& row) {
  CaseView out;
  const Workflow& workflow = parts.content.workflow;
  out.summary = summary_of(row, workflow, parts.clock.wall());
  out.workflow_name = row.workflow;
  out.workflow_version = row.workflow_version;
  for (const WorkflowState& state : workflow.states()) {
    out.states.push_back({state.id, state.title, std::string(name(state.kind))});
  }
  TRY_ASSIGN(const auto measures, view.measures().of_case(row.id));
  for (const WorkflowAction& action : workflow.actions()) {
    if (!Workflow::is_step(row.state, action)) continue;
    out.actions.push_back(action_view(parts, action, actor, row, newest_live(measures)));
  }
  store::AlertFilter of_case;
  of_case.case_id = row.id;
  TRY_ASSIGN(const auto alerts, view.alerts().list(of_case, {0, 200, true}));
  for (const store::AlertRow& alert : alerts.items) out.alerts.push_back(summary_of(alert));
  for (const store::MeasureRow& measure : measures) {
    if (!measure.batch_id.empty()) continue;
    TRY_ASSIGN(MeasureView shown, measure_view(parts, view, measure));
    out.measures.push_back(std::move(shown));
  }
  TRY_ASSIGN(const auto batches, view.batches().list("", row.id, {0, 50, true}));
  for (const store::BatchRow& batch : batches.items) {
    TRY_ASSIGN(BatchSummary shown, batch_summary(parts, view, batch));
    out.batches.push_back(std::move(shown));
  }
  TRY(add_files(view, row.id, out));
  out.incident_id = row.incident_id;
  out.topic = row.topic;
  out.protected_group = row.protected_group;
  out.verify_until = row.verify_until;
  return out;
}

}  // namespace pandun::casework
