// Results of re-verification: who passes is left alone at once, who fails may be met by a new proposal, and silence is no guilt.
#include <fmt/format.h>

#include "casework/case_rows.h"
#include "casework/case_steps.h"
#include "casework/measures.h"

namespace pandun::casework {
namespace {

using store::MeasureRow;

Result<MeasureRow> find_check(const store::View& view, const CheckResult& item) {
  const auto fits = [](const MeasureRow& measure) { return measure.kind == kReverify && is_live(measure); };
  if (!item.measure_id.empty()) {
    TRY_ASSIGN(MeasureRow measure, need_measure(view, item.measure_id));
    if (fits(measure)) return measure;
    return error(Errc::kConflict, "measure_id",
                 fmt::format("'{}' is no re-verification in force", item.measure_id.substr(0, 60)));
  }
  TRY_ASSIGN(const auto measures, view.measures().of_token(item.token));
  for (const MeasureRow& measure : measures) {
    if (fits(measure)) return measure;
  }
  return error(Errc::kNotFound, "token", "no re-verification is in force for it");
}

Result<> take(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, const CheckResult& item,
              CheckReport& report) {
  TRY_ASSIGN(MeasureRow measure, find_check(tx, item));
  if (measure.check_result == item.result) return error(Errc::kConflict, "result", "this result is known already");
  if (measure.check_result == "failed" && item.result == "no_answer")
    return error(Errc::kConflict, "result", "a failure is known already");
  TRY_ASSIGN(const store::CaseRow row, need_case(tx, measure.case_id));
  measure.check_result = item.result;
  measure.checked_at = parts.clock.wall();
  measure.checked_by = actor.name;
  if (item.result == "failed") measure.check_due.reset();
  TRY(parts.audit.record(tx, actor, "measure.check", "measure:" + measure.id,
                         {{"result", item.result}, {"case", row.number}}));
  if (item.result != "passed") {
    TRY(tx.measures().update(measure));
    ++(item.result == "failed" ? report.failed : report.no_answer);
    return {};
  }
  TRY(close_appeal(parts, tx, actor, measure, "upheld", "the re-verification was passed", "lifted at once"));
  TRY(end_measure(parts, tx, actor, measure, row.number, "lifted", "the re-verification was passed"));
  TRY(settle_case(parts, tx, row.id));
  ++report.passed;
  report.changed_cases.push_back(row.id);
  return {};
}

}  // namespace

Result<CheckReport> CaseDesk::record_checks(const guard::Actor& actor, std::span<const CheckResult> results) {
  TRY(guard::require(actor, guard::Right::kTriage));
  CheckReport report;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    for (std::size_t i = 0; i < results.size(); ++i) {
      const CheckResult& item = results[i];
      if (item.result != "passed" && item.result != "failed" && item.result != "no_answer") {
        report.refused.push_back({i, "the result is passed, failed or no_answer"});
        continue;
      }
      const Result<> taken = take(parts_, tx, actor, item, report);
      if (taken.ok()) continue;
      const Errc code = taken.error().code;
      if (code != Errc::kNotFound && code != Errc::kConflict) return taken;
      report.refused.push_back({i, taken.error().message});
    }
    return {};
  }));
  std::sort(report.changed_cases.begin(), report.changed_cases.end());
  report.changed_cases.erase(std::unique(report.changed_cases.begin(), report.changed_cases.end()),
                             report.changed_cases.end());
  return report;
}

Result<> lapse_checks(const DeskParts& parts, store::Tx& tx, TickReport& report) {
  TRY_ASSIGN(const auto due, std::as_const(tx).measures().checks_due_by(parts.clock.wall()));
  const guard::Actor system = guard::Actor::system("clock");
  for (MeasureRow measure : due) {
    TRY_ASSIGN(const store::CaseRow row, need_case(tx, measure.case_id));
    const bool ordered = measure.state != "approved";
    TRY(end_measure(parts, tx, system, measure, row.number, "lapsed", "no failed re-verification within its time"));
    TRY(add_history(parts, tx, row, system.name, "check_lapsed",
                    {"重新核验逾期无未通过结果，措施失效", "No failed re-verification in time: the measure lapsed"},
                    row.state, measure.id));
    if (ordered || !measure.batch_id.empty()) TRY(settle_case(parts, tx, row.id));
    ++report.measures_lapsed;
    report.changed_cases.push_back(row.id);
  }
  return {};
}

}  // namespace pandun::casework
