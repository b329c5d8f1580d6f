#include "casework/case_desk.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <set>

#include "casework/case_rows.h"
#include "casework/case_steps.h"
#include "casework/folding.h"
#include "guard/audit_anchor.h"
#include "guard/number_tokens.h"
#include "platform/random.h"

namespace pandun::casework {
namespace {

using guard::Actor;
using guard::Right;

constexpr std::size_t kTitleMax = 300, kTextMax = 20'000, kAlertsMax = 500;

Result<> good_text(std::string_view name, const std::string& text, std::size_t max) {
  if (text.empty()) return error(Errc::kUsage, std::string(name), "it is empty");
  if (text.size() > max) return error(Errc::kTooLarge, std::string(name), fmt::format("at most {} bytes", max));
  return {};
}

Result<store::AlertRow> need_alert(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.alerts().by_id(id));
  if (!row) return error(Errc::kNotFound, "alert " + id, "there is no such alert");
  return std::move(*row);
}

std::string sha256_hex(const std::string& text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return guard::hex_of({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace

Result<IngestReport> CaseDesk::ingest_signals(std::span<const model::Signal> signals, const std::string& consumer,
                                              std::uint64_t position) {
  IngestReport report;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(report, fold_batch(parts_, tx, signals, consumer, position));
    return {};
  }));
  return report;
}

Result<std::uint64_t> CaseDesk::position(const std::string& consumer) const {
  std::uint64_t out = 0;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(out, view.consumers().position(consumer));
    return {};
  }));
  return out;
}

Result<AlertPage> CaseDesk::alerts(const AlertQuery& query) const {
  AlertPage out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    store::AlertFilter filter;
    filter.detector = query.detector;
    filter.topic = query.topic;
    filter.state = query.state;
    filter.entity_kind = query.entity_kind;
    filter.q = query.q;
    filter.severity_min = query.severity_min;
    filter.from_ms = query.from_ms;
    filter.to_ms = query.to_ms;
    TRY_ASSIGN(const auto page, view.alerts().list(filter, query.page));
    for (const store::AlertRow& row : page.items) out.items.push_back(summary_of(row));
    out.next = page.next;
    store::AlertFilter open;
    open.state = "open";
    TRY_ASSIGN(out.total_open, view.alerts().count(open));
    return {};
  }));
  return out;
}

Result<AlertView> CaseDesk::alert(const std::string& id) const {
  AlertView out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto row, need_alert(view, id));
    TRY_ASSIGN(out, alert_view(parts_, view, row));
    return {};
  }));
  return out;
}

Result<AlertSummary> CaseDesk::alert_summary(const std::string& id) const {
  AlertSummary out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto row, need_alert(view, id));
    out = summary_of(row);
    return {};
  }));
  return out;
}

Result<AlertSummary> CaseDesk::set_alert_state(const Actor& actor, const std::string& id, const std::string& reason,
                                               std::string_view from, std::string_view to) {
  TRY(guard::require(actor, Right::kTriage));
  TRY(good_text("reason", reason, kTextMax));
  AlertSummary out;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto row, need_alert(tx, id));
    if (row.state != from) {
      return error(Errc::kConflict, "alert " + id, fmt::format("it is '{}', not '{}'", row.state, from));
    }
    row.state = to;
    row.updated_at = parts_.clock.wall();
    TRY(tx.alerts().update(row));
    out = summary_of(row);
    return parts_.audit.record(tx, actor, to == "dismissed" ? "alert.dismiss" : "alert.reopen", "alert:" + id,
                               {{"reason", reason.substr(0, 500)}});
  }));
  return out;
}

Result<AlertSummary> CaseDesk::dismiss_alert(const Actor& actor, const std::string& id, const std::string& reason) {
  return set_alert_state(actor, id, reason, "open", "dismissed");
}
Result<AlertSummary> CaseDesk::reopen_alert(const Actor& actor, const std::string& id, const std::string& reason) {
  return set_alert_state(actor, id, reason, "dismissed", "open");
}

Result<ViewPage<IncidentSummary>> CaseDesk::incidents(const std::string& state, const std::string& grade,
                                                      const store::PageRequest& page) const {
  ViewPage<IncidentSummary> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.incidents().list(state, grade, page));
    for (const store::IncidentRow& row : rows.items) out.items.push_back(summary_of(row));
    out.next = rows.next;
    return {};
  }));
  return out;
}

Result<IncidentView> CaseDesk::incident(const std::string& id) const {
  IncidentView out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(auto row, view.incidents().by_id(id));
    if (row && row->state == "merged") {
      TRY_ASSIGN(row, view.incidents().by_id(row->merged_into));
    }
    if (!row) return error(Errc::kNotFound, "incident " + id, "there is no such incident");
    out.summary = summary_of(*row);
    store::AlertFilter filter;
    filter.incident_id = row->id;
    TRY_ASSIGN(const auto alerts, view.alerts().list(filter, {0, 200, true}));
    std::set<std::string> seen;
    for (const store::AlertRow& alert : alerts.items) {
      out.alerts.push_back(summary_of(alert));
      const ShownEntity& entity = out.alerts.back().entity;
      if (seen.insert(fmt::format("{}:{}", name(entity.kind), key_of(entity))).second) out.entities.push_back(entity);
    }
    return {};
  }));
  return out;
}

Result<ViewPage<CaseSummary>> CaseDesk::cases(const CaseQuery& query) const {
  ViewPage<CaseSummary> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    const WallMs now = parts_.clock.wall();
    TRY_ASSIGN(const auto rows,
               view.cases().list({query.state, query.assignee, query.topic, query.overdue_only, now}, query.page));
    for (const store::CaseRow& row : rows.items) out.items.push_back(summary_of(row, parts_.content.workflow, now));
    out.next = rows.next;
    return {};
  }));
  return out;
}

Result<std::map<std::string, TopicCases>> CaseDesk::cases_by_topic() const {
  std::map<std::string, TopicCases> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto counts, view.cases().count_by_topic());
    for (const store::TopicCount& count : counts)
      (count.done ? out[count.topic].done : out[count.topic].open) = count.cases;
    return {};
  }));
  return out;
}

Result<CaseView> CaseDesk::view_of(const store::View& view, const Actor& actor, const std::string& id) const {
  TRY_ASSIGN(const auto row, need_case(view, id));
  return make_case_view(parts_, view, actor, row);
}

Result<CaseView> CaseDesk::case_view(const Actor& actor, const std::string& id) const {
  CaseView out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(out, view_of(view, actor, id));
    return {};
  }));
  return out;
}

Result<CaseSummary> CaseDesk::case_summary(const std::string& id) const {
  CaseSummary out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto row, need_case(view, id));
    out = summary_of(row, parts_.content.workflow, parts_.clock.wall());
    return {};
  }));
  return out;
}

namespace {

// The alerts a new case is made of: those named, and those of the incident named.
Result<std::vector<store::AlertRow>> alerts_for(const store::View& view, const NewCase& wish) {
  std::vector<store::AlertRow> out;
  if (wish.alert_ids.size() > kAlertsMax) {
    return error(Errc::kTooLarge, "alert_ids", fmt::format("at most {}", kAlertsMax));
  }
  const std::set<std::string> ids(wish.alert_ids.begin(), wish.alert_ids.end());
  for (const std::string& id : ids) {
    TRY_ASSIGN(auto row, need_alert(view, id));
    if (!row.case_id.empty())
      return error(Errc::kConflict, "alert " + id, "it is in the case " + row.case_id + " already");
    out.push_back(std::move(row));
  }
  if (!wish.incident_id.empty()) {
    TRY_ASSIGN(const auto incident, view.incidents().by_id(wish.incident_id));
    if (!incident || incident->state == "merged") {
      return error(Errc::kNotFound, "incident " + wish.incident_id, "there is no such incident");
    }
    if (!incident->case_id.empty()) {
      return error(Errc::kConflict, "incident " + wish.incident_id,
                   "it is in the case " + incident->case_id + " already");
    }
    store::AlertFilter filter;
    filter.incident_id = wish.incident_id;
    TRY_ASSIGN(const auto page, view.alerts().list(filter, {0, static_cast<int>(kAlertsMax), true}));
    for (const store::AlertRow& row : page.items) {
      if (row.case_id.empty() && !ids.contains(row.id)) out.push_back(row);
    }
  }
  if (out.empty()) return error(Errc::kUsage, "alert_ids", "a case begins with at least one alert or an incident");
  std::stable_sort(out.begin(), out.end(),
                   [](const store::AlertRow& a, const store::AlertRow& b) { return a.severity > b.severity; });
  return out;
}

// In both languages where it is an alert's; what a person wrote stays as it is.
void set_title(store::CaseRow& row, const std::string& wish, const std::vector<store::AlertRow>& alerts) {
  row.title_zh = row.title_en = wish;
  for (const store::AlertRow& alert : alerts) {
    if (!wish.empty() && wish != alert.title_zh && wish != alert.title_en) continue;
    row.title_zh = alert.title_zh;
    row.title_en = alert.title_en;
    return;
  }
}

Result<std::string> next_number(store::Tx& tx, WallMs now) {
  const int year = guard::year_of(EventMs{now.ms});
  TRY_ASSIGN(const std::int64_t number, tx.values().add(fmt::format("casework.number.{}", year), 1));
  return fmt::format("PD-{}-{:06}", year, number);
}

}  // namespace

Result<CaseView> CaseDesk::open_case(const Actor& actor, const NewCase& wish) {
  TRY(guard::require(actor, Right::kTriage));
  if (wish.title.size() > kTitleMax) return error(Errc::kTooLarge, "title", fmt::format("at most {} bytes", kTitleMax));
  CaseView out;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto alerts, alerts_for(tx, wish));
    const store::AlertRow& first = alerts.front();
    const WallMs now = parts_.clock.wall();
    store::CaseRow row;
    row.id = "C-" + platform::random_hex(8);
    TRY_ASSIGN(row.number, next_number(tx, now));
    set_title(row, wish.title, alerts);
    row.state = row.previous_state = parts_.content.workflow.initial();
    row.topic = first.topic;
    row.workflow = parts_.content.workflow.name();
    row.workflow_version = parts_.content.workflow.version();
    row.incident_id = wish.incident_id;
    row.opened_by = actor.name;
    row.assignee = actor.person;
    row.entity_kind = first.entity_kind;
    row.entity_value = first.entity_value;
    row.entity_token = first.entity_token;
    row.entity_note = first.entity_note;
    row.opened_at = row.updated_at = now;
    row.grade = parts_.content.grades.grade(static_cast<unsigned>(first.severity), alerts.size(), alerts.size()).id;
    if (!wish.incident_id.empty()) {
      TRY_ASSIGN(auto incident, std::as_const(tx).incidents().by_id(wish.incident_id));
      row.grade = incident->grade;
      incident->state = "in_case";
      incident->case_id = row.id;
      incident->updated_at = now;
      TRY(tx.incidents().update(*incident));
    }
    TRY(tx.cases().insert(row));
    for (store::AlertRow& alert : alerts) {
      TRY(attach_alert(parts_, tx, row, alert));
      alert.updated_at = now;
      TRY(tx.alerts().update(alert));
    }
    for (const std::string& clock : parts_.content.workflow.initial_clocks()) TRY(start_clock(parts_, tx, row, clock));
    TRY(refresh_due(tx, row));
    TRY(tx.cases().update(row));
    ++row.version;
    TRY(add_history(parts_, tx, row, actor.name, "open", {"立案", "Opened"}, "", ""));
    TRY(parts_.audit.record(tx, actor, "case.open", "case:" + row.id,
                            {{"number", row.number}, {"alerts", fmt::to_string(alerts.size())}}));
    TRY_ASSIGN(out, view_of(tx, actor, row.id));
    return {};
  }));
  return out;
}

Result<CaseView> CaseDesk::perform(const Actor& actor, const std::string& case_id, const std::string& action,
                                   const ActionInput& input) {
  const WorkflowAction* step = parts_.content.workflow.action(action);
  if (step == nullptr)
    return error(Errc::kNotFound, "action " + action.substr(0, 60), "the workflow has no such action");
  CaseView out;
  Result<> done = parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto row, need_case(tx, case_id));
    TRY(perform_step(parts_, tx, actor, row, *step, input));
    TRY_ASSIGN(out, view_of(tx, actor, case_id));
    return {};
  });
  if (done.ok()) return out;
  if (done.error().code == Errc::kNotAllowed) {
    // What somebody was refused is worth knowing, although nothing of it was done.
    TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
      const bool category = done.error().where == kRefusedCategory;
      TRY(tx.values().add(category ? "refused.category" : "refused.action", 1));
      return parts_.audit.record(tx, actor, "case." + action + ".refused", "case:" + case_id,
                                 {{"reason", done.error().message}});
    }));
  }
  return std::move(done).error();
}

Result<CaseView> CaseDesk::patch_case(const Actor& actor, const std::string& case_id, const CasePatch& patch) {
  TRY(guard::require(actor, Right::kTriage));
  if (patch.title) TRY(good_text("title", *patch.title, kTitleMax));
  CaseView out;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto row, need_case(tx, case_id));
    if (row.version != patch.version) {
      return error(Errc::kConflict, "case " + row.number,
                   fmt::format("the case is at version {}, not {}", row.version, patch.version));
    }
    guard::AuditDetail detail{{"number", row.number}};
    if (patch.assignee && *patch.assignee != row.assignee) {
      if (!patch.assignee->empty()) {
        TRY_ASSIGN(const auto user, std::as_const(tx).users().by_username(*patch.assignee));
        if (!user || user->disabled) return error(Errc::kUsage, "assignee", "there is no such user");
      }
      detail.emplace_back("assignee_before", row.assignee);
      detail.emplace_back("assignee", *patch.assignee);
      row.assignee = *patch.assignee;
    }
    if (patch.title && *patch.title != row.title_zh && *patch.title != row.title_en) {
      detail.emplace_back("title_before", row.title_zh);
      detail.emplace_back("title", *patch.title);
      row.title_zh = row.title_en = *patch.title;
    }
    if (patch.topic && *patch.topic != row.topic) {
      detail.emplace_back("topic_before", row.topic);
      detail.emplace_back("topic", *patch.topic);
      row.topic = *patch.topic;
    }
    row.updated_at = parts_.clock.wall();
    TRY(tx.cases().update(row));
    ++row.version;
    TRY(add_history(parts_, tx, row, actor.name, "change", {"修改", "Changed"}, row.state, row.assignee));
    TRY(parts_.audit.record(tx, actor, "case.change", "case:" + row.id, std::move(detail)));
    TRY_ASSIGN(out, view_of(tx, actor, case_id));
    return {};
  }));
  return out;
}

Result<NoteView> CaseDesk::add_note(const Actor& actor, const std::string& case_id, const std::string& text) {
  TRY(guard::require(actor, Right::kTriage));
  TRY(good_text("text", text, kTextMax));
  const store::NoteRow row{0, "N-" + platform::random_hex(8), case_id, actor.name, text, parts_.clock.wall()};
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY(need_case(tx, case_id));
    TRY(tx.case_files().insert_note(row));
    return parts_.audit.record(tx, actor, "case.note", "case:" + case_id, {{"note", row.id}});
  }));
  return note_view(row);
}

Result<EvidenceView> CaseDesk::add_evidence(const Actor& actor, const std::string& case_id, const NewEvidence& wish) {
  TRY(guard::require(actor, Right::kTriage));
  TRY(good_text("kind", wish.kind, 60));
  TRY(good_text("title", wish.title, kTitleMax));
  TRY(good_text("value", wish.value, kTextMax));
  const store::EvidenceRow row{0,          "E-" + platform::random_hex(8), case_id,    wish.kind,          wish.title,
                               wish.value, sha256_hex(wish.value),         actor.name, parts_.clock.wall()};
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY(need_case(tx, case_id));
    TRY(tx.case_files().insert_evidence(row));
    return parts_.audit.record(tx, actor, "case.evidence", "case:" + case_id,
                               {{"evidence", row.id}, {"kind", row.kind}, {"sha256", row.sha256}});
  }));
  return evidence_view(row);
}

std::vector<GroundView> CaseDesk::grounds() const {
  std::vector<GroundView> out;
  for (const guard::Ground& ground : parts_.content.laws.grounds()) out.push_back(ground_view(&ground, ground.id));
  return out;
}

std::vector<MeasureKindView> CaseDesk::measure_kinds() const {
  std::vector<MeasureKindView> out;
  for (const guard::MeasureKind& kind : parts_.content.laws.kinds())
    out.push_back({kind.id, kind.title, kind.rank, kind.approver ? std::string(guard::name(*kind.approver)) : ""});
  return out;
}

std::vector<StateView> CaseDesk::workflow_states() const {
  std::vector<StateView> out;
  for (const WorkflowState& state : parts_.content.workflow.states()) {
    out.push_back({state.id, state.title, std::string(name(state.kind))});
  }
  return out;
}

const Workflow& CaseDesk::workflow() const {
  return parts_.content.workflow;
}

}  // namespace pandun::casework
