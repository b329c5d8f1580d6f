// What screens and the API show of casework: plain data, identities already masked, ready to be written as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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
  std::string number, title, state;
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
  std::string notice, appeal_channel, refused_reason, lapsed_reason;
  std::vector<OrderView> orders;
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
  std::vector<MeasureView> measures;
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
