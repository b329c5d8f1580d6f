// What screens and the API show of casework: plain data, identities already masked, ready to be written as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/alert.h"
#include "model/signal.h"
#include "store/page.h"

namespace pandun::casework {

using model::LocalText;
using model::ShownEntity;

struct AlertSummary {
  std::string id;
  std::int64_t seq = 0;
  std::string detector, topic;
  LocalText title;
  int severity = 0;
  std::string severity_band;  // critical, high, medium, low
  double confidence = 0;
  std::string state;  // open, in_case, dismissed
  ShownEntity entity;
  EventMs first, last;
  std::int64_t signals = 0;
  std::string incident_id, case_id;
};

struct AlertView {
  AlertSummary summary;
  std::vector<ShownEntity> peers;
  std::vector<model::Evidence> evidence;
  std::string series_feature;
  std::vector<model::EvidencePoint> series;
  std::vector<std::string> techniques, source_lines;
  LocalText why;                      // a sentence or two made of the title and the evidence
  std::vector<AlertSummary> related;  // of the same entity or incident, newest first, at most 20
  std::string protected_group;
};

struct AlertPage {
  std::vector<AlertSummary> items;
  std::optional<std::int64_t> next;
  std::int64_t total_open = 0;
};

struct IncidentSummary {
  std::string id;
  std::int64_t seq = 0;
  std::string topic;
  LocalText title;
  std::string grade, state;  // open, in_case, closed
  std::int64_t alerts = 0, entities = 0;
  int severity = 0;
  std::string owner;
  EventMs first, last;
  LocalText summary;
  std::string case_id;
};
struct IncidentView {
  IncidentSummary summary;
  std::vector<AlertSummary> alerts;
  std::vector<ShownEntity> entities;
};

struct CaseSummary {
  std::string id;
  std::int64_t seq = 0;
  std::string number;
  LocalText title;
  std::string state;
  LocalText state_title;
  int severity = 0;
  std::string grade, assignee;
  WallMs opened_at;
  std::optional<WallMs> due_at;
  bool overdue = false;
  std::int64_t version = 0;
  ShownEntity entity;
};

struct StateView {
  std::string id;
  LocalText title;
  std::string kind;  // open, wait, done
};
struct ChoiceView {
  std::string id;
  LocalText title;
};
struct FieldView {
  std::string name;
  LocalText title;
  std::string type;  // text, choice, datetime
  bool required = false;
  std::vector<ChoiceView> choices;
};
struct ActionView {
  std::string id;
  LocalText title;
  std::string to;
  std::string needs_role;  // the roles that have the right, separated by commas
  bool needs_second_person = false;
  std::vector<FieldView> fields;
  bool allowed = false;
  std::optional<LocalText> why_not;
};
struct GroundView {
  std::string id;
  LocalText law;
  std::string article;
  LocalText text;
  std::vector<std::string> measures;
  bool vault = false;
  bool unverified = false;
};
struct MeasureKindView {
  std::string id;
  LocalText title;
  int rank = 0;
  std::string approver;  // the only role that may approve it; empty: every approver
};
struct OrderView {
  std::string id, verb, state, action;  // verb: apply, lift; state: pending, sent, acknowledged, done, failed
  std::int64_t attempts = 0;
  std::string last_error;
  WallMs created_at, updated_at;
};
struct MeasureView {
  std::string id, kind;
  LocalText title;
  GroundView ground;
  std::string category, scope, reason;
  ShownEntity entity;
  WallMs expires_at;
  std::string state;
  std::string proposed_by;
  WallMs proposed_at;
  std::vector<std::string> approvals;
  std::int64_t approvals_needed = 1;
  std::string approved_by;
  std::optional<WallMs> approved_at, ended_at;
  std::optional<WallMs> lapse_at;  // of a proposal: when it ends unless somebody approves
  std::string notice, appeal_channel, refused_reason, lapsed_reason;
  std::vector<OrderView> orders;
  std::string case_id, batch_id;
  int risk = 0;            // 0..100; of a batch's member
  std::string risk_grade;  // high, medium, low; empty outside a batch
  std::string risk_basis, protected_group, skip_reason;
  std::string check_result;  // of a re-verification: passed, failed, no_answer
  std::optional<WallMs> check_due, checked_at;
  std::string checked_by;
};

// A number that a case is about, as a proposal for all of them sees it.
struct BatchNumber {
  ShownEntity entity;
  int risk = 0;
  std::string grade, basis, protected_group;
  std::string measure_id, measure_kind, measure_state, check_result;  // of its newest live measure
  std::optional<LocalText> left_out;                                  // why a proposal for all would leave it out
};
struct LeftOut {
  ShownEntity entity;
  LocalText why;
};
struct BatchSummary {
  std::string id;
  std::int64_t seq = 0;
  std::string case_id, case_number, kind;
  LocalText title;
  std::string state, proposed_by;
  std::int64_t members = 0;
  std::vector<std::pair<std::string, std::int64_t>> counts;  // members by state
  std::vector<std::pair<std::string, std::int64_t>> checks;  // and by result of re-verification
  WallMs proposed_at, expires_at, lapse_at;
};
struct BatchView {
  BatchSummary summary;
  GroundView ground;
  std::string category, scope, reason, skip_reason, notice, appeal_channel, refused_reason;
  std::vector<LeftOut> left_out;
  std::int64_t protected_members = 0;
  bool may_approve = false, may_refuse = false, may_order = false;  // refusing asks no higher role than an approver's
  std::optional<LocalText> why_not;                                 // why the asker may not approve
};

struct CarrierLift {
  std::string carrier;  // empty: the receipts do not say who
  bool applied = false, lifted = false;
};
struct AppealView {
  std::string id;
  std::int64_t seq = 0;
  std::string state, claim, channel, recorded_by, decision_id, reviewer, reason, repair;
  bool late = false, overdue = false;
  WallMs received_at, due_at;
  std::optional<WallMs> decided_at;
  std::string measure_id, case_id, case_number, batch_id, kind, measure_state, protected_group;
  LocalText title;
  ShownEntity entity;
  // How far an upheld appeal got: what carriers applied must be lifted by each of them.
  bool lift_ordered = false, lift_verified = false;
  std::vector<CarrierLift> carriers;
  bool may_decide = false;
  std::optional<LocalText> why_not;
};
struct StoryView {
  WallMs at;
  std::string by, action, note;
};
struct MeasureStory {
  MeasureView measure;
  std::string case_number;
  std::vector<AppealView> appeals;
  std::vector<StoryView> history;  // oldest first
  bool may_appeal = false;
};
struct ClockView {
  std::string id;
  LocalText title;
  WallMs started_at, due_at;
  std::string state;  // running, met, missed
  std::string source;
  bool unverified = false;
};
struct NoteView {
  std::string id, by, text;
  WallMs at;
};
struct EvidenceView {
  std::string id, kind, title, sha256, added_by, value;
  WallMs at;
};
struct HistoryView {
  WallMs at;
  std::string by, action;
  LocalText title;
  std::string from, to, note;
};
struct CaseView {
  CaseSummary summary;
  std::string workflow_name;
  std::int64_t workflow_version = 0;
  std::vector<StateView> states;
  std::vector<ActionView> actions;
  std::vector<AlertSummary> alerts;
  std::vector<MeasureView> measures;  // of the case itself; a batch's are asked for by its id
  std::vector<BatchSummary> batches;
  std::vector<ClockView> clocks;
  std::vector<NoteView> notes;
  std::vector<EvidenceView> evidence;
  std::vector<HistoryView> history;
  std::string incident_id, topic, protected_group;
  std::optional<WallMs> verify_until;
};

template <typename T>
struct ViewPage {
  std::vector<T> items;
  std::optional<std::int64_t> next;
};

struct NamedCount {
  std::string name;
  std::int64_t count = 0;
};
// The casework part of the overview; engine figures come from elsewhere.
struct CaseworkOverview {
  WallMs now;
  std::int64_t alerts_open = 0, alerts_24h = 0, cases_open = 0, cases_overdue = 0, incidents_open = 0,
               measures_pending = 0;
  WallMs series_start;
  std::int64_t series_step_s = 0;
  std::vector<std::int64_t> alerts_per_step;
  std::vector<NamedCount> by_detector, by_severity, by_grade;  // by_severity: critical, high, medium, low
  std::vector<AlertSummary> recent_alerts;                     // 10
  std::vector<CaseSummary> overdue_cases;                      // 5
};

// A measure in force, for the decider's snapshot. `number` is clear and lives in the engine's memory only.
struct ActiveMeasure {
  std::string id, kind, case_id;
  int rank = 0;
  model::EntityKind entity_kind = model::EntityKind::kNumber;
  std::string value, token;
  model::NumberKey number{};  // for numbers whose sealed value could be opened
  std::string ground_id, reason, appeal_channel;
  WallMs approved_at, expires_at;
};

}  // namespace pandun::casework
