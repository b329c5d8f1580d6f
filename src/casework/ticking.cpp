// What the passing of time does: clocks are missed, what was not approved or has expired lapses in the person's favour,
// quiet cases count as verified.
#include <fmt/format.h>

#include <algorithm>

#include "casework/case_steps.h"
#include "casework/measures.h"

namespace pandun::casework {
namespace {

Result<> miss_clocks(const DeskParts& parts, store::Tx& tx, TickReport& report) {
  TRY_ASSIGN(const auto clocks, std::as_const(tx).case_files().clocks_due_by(parts.clock.wall()));
  for (store::ClockRow clock : clocks) {
    clock.state = "missed";
    TRY(tx.case_files().update_clock(clock));
    TRY_ASSIGN(store::CaseRow row, need_case(tx, clock.case_id));
    TRY(add_history(parts, tx, row, "system:clock", "clock_missed",
                    {"时限已过：" + clock.title_zh, "Missed: " + clock.title_en}, row.state, clock.clock));
    TRY(parts.audit.record(tx, guard::Actor::system("clock"), "clock.missed", "case:" + row.id,
                           {{"clock", clock.clock}, {"due_at", rfc3339(clock.due_at)}}));
    ++report.clocks_missed;
    report.changed_cases.push_back(row.id);
    if (clock.clock != "appeal_answer") continue;
    // Safeguard 8: an appeal that was not answered in time is upheld.
    TRY_ASSIGN(const auto measures, std::as_const(tx).measures().of_case(row.id));
    for (store::MeasureRow measure : measures) {
      if (measure.state != "appealed" || !measure.batch_id.empty()) continue;
      const guard::Actor system = guard::Actor::system("clock");
      const std::string reason = "the appeal was not answered in time";
      TRY(close_appeal(parts, tx, system, measure, "lapsed", reason, ""));
      TRY(end_measure(parts, tx, system, measure, row.number, "lifted", reason));
      ++report.measures_lapsed;
    }
    row.verify_until.reset();
    TRY(move_by_rule(parts, tx, "clock", row,
                     {parts.content.workflow.lifted(),
                      "lapse",
                      {"申诉逾期未答复，措施解除", "The appeal was not answered in time: lifted"},
                      ""}));
  }
  return {};
}

// Closes the proposal whose last waiting member lapsed. True while other measures of the batch are proposed or approved: the
// case then stays where it stands.
Result<bool> batch_waits(const DeskParts& parts, store::Tx& tx, const store::MeasureRow& measure) {
  if (measure.batch_id.empty()) return false;
  TRY_ASSIGN(const auto counts, std::as_const(tx).measures().counts_of_batch(measure.batch_id));
  bool proposed = false, approved = false, decided = false;
  for (const auto& [state, n] : counts) {
    proposed = proposed || state == "proposed";
    approved = approved || state == "approved";
    decided =
        decided || (state != "proposed" && state != "lapsed" && state != "refused" && !state.starts_with("check:"));
  }
  TRY_ASSIGN(auto batch, std::as_const(tx).batches().by_id(measure.batch_id));
  if (batch && !proposed && (batch->state == "proposed" || batch->state == "partly")) {
    batch->state = decided ? "approved" : "lapsed";
    batch->decided_at = parts.clock.wall();
    TRY(tx.batches().update(*batch));
  }
  return proposed || approved;
}

Result<> lapse_measures(const DeskParts& parts, store::Tx& tx, TickReport& report) {
  const WallMs now = parts.clock.wall();
  TRY_ASSIGN(const auto measures, std::as_const(tx).measures().ending_by(now));
  for (store::MeasureRow measure : measures) {
    TRY_ASSIGN(store::CaseRow row, need_case(tx, measure.case_id));
    const bool never_ordered = measure.state == "proposed" || measure.state == "approved";
    const std::string reason =
        measure.state == "proposed" && measure.lapse_at <= now ? "not approved in time" : "expired";
    TRY(close_appeal(parts, tx, guard::Actor::system("clock"), measure, "lapsed", "the measure expired", ""));
    TRY(end_measure(parts, tx, guard::Actor::system("clock"), measure, row.number, "lapsed", reason));
    TRY_ASSIGN(const bool others_wait, batch_waits(parts, tx, measure));
    const Workflow& workflow = parts.content.workflow;
    // Only where the case still waits for this very measure does it step back.
    const bool waits = workflow.step_with(Effect::kApproveMeasure, row.state) != nullptr ||
                       workflow.step_with(Effect::kOrderMeasure, row.state) != nullptr;
    if (never_ordered && waits && !others_wait) {
      TRY(move_by_rule(parts, tx, "clock", row,
                       {workflow.lapse_to(), "lapse", {"措施失效", "The measure lapsed"}, measure.id + ": " + reason}));
    } else {
      TRY(add_history(parts, tx, row, "system:clock", "lapse", {"措施到期失效", "The measure expired"}, row.state,
                      measure.id));
    }
    ++report.measures_lapsed;
    report.changed_cases.push_back(row.id);
  }
  return {};
}

Result<> verify_quiet(const DeskParts& parts, store::Tx& tx, TickReport& report) {
  TRY_ASSIGN(const auto cases, std::as_const(tx).cases().verifying_until(parts.clock.wall()));
  for (store::CaseRow row : cases) {
    const WorkflowAction* verify = parts.content.workflow.step_with(Effect::kVerify, row.state);
    if (verify == nullptr) continue;  // appealed meanwhile: people decide first
    row.verify_until.reset();
    TRY(stop_clocks(parts, tx, row, verify->stops.empty() ? std::vector<std::string>{"verification"} : verify->stops));
    TRY(move_by_rule(parts, tx, "sighting", row,
                     {parts.content.workflow.verified(),
                      "verified_by_quiet",
                      {"核验期内未再发现", "Not seen again: verified"},
                      ""}));
    ++report.cases_verified;
    report.changed_cases.push_back(row.id);
  }
  return {};
}

}  // namespace

Result<TickReport> CaseDesk::tick() {
  // Most minutes nothing is due: look first, so that an idle desk writes nothing.
  bool due = false;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    const WallMs now = parts_.clock.wall();
    TRY_ASSIGN(const auto clocks, view.case_files().clocks_due_by(now));
    TRY_ASSIGN(const auto measures, view.measures().ending_by(now));
    TRY_ASSIGN(const auto cases, view.cases().verifying_until(now));
    TRY_ASSIGN(const auto appeals, view.appeals().due_by(now));
    TRY_ASSIGN(const auto checks, view.measures().checks_due_by(now));
    due = !clocks.empty() || !measures.empty() || !cases.empty() || !appeals.empty() || !checks.empty();
    return {};
  }));
  TickReport report;
  if (!due) return report;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY(miss_clocks(parts_, tx, report));
    TRY(lapse_appeals(parts_, tx, report));
    TRY(lapse_checks(parts_, tx, report));
    TRY(lapse_measures(parts_, tx, report));
    return verify_quiet(parts_, tx, report);
  }));
  std::sort(report.changed_cases.begin(), report.changed_cases.end());
  report.changed_cases.erase(std::unique(report.changed_cases.begin(), report.changed_cases.end()),
                             report.changed_cases.end());
  return report;
}

}  // namespace pandun::casework
