// One step of one case, inside the caller's transaction: the workflow's rules, the measure behind it, clocks, history, audit.
// Inside casework only.
#pragma once

#include <string>
#include <string_view>

#include "casework/case_desk.h"
#include "store/store.h"

namespace pandun::casework {

// "field", "category", …: what an Error's `where` says when a request was refused for that reason.
inline constexpr std::string_view kRefusedCategory = "category";

Result<store::CaseRow> need_case(const store::View& view, const std::string& id);

// Checks right, state, second person and fields, does the effect, moves the case. `row` is brought up to date.
Result<> perform_step(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::CaseRow& row,
                      const WorkflowAction& action, const ActionInput& input);

// The step itself, once its effect is done: state, clocks, history, audit.
Result<> take_step(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::CaseRow& row,
                   const WorkflowAction& action, const ActionInput& input, bool moves);

// A move by rule and not by a person's action: relapse, lapse, quiet verification, a receipt.
struct RuleMove {
  std::string to;      // state
  std::string action;  // "relapse", "lapse", "verified_by_quiet"…
  LocalText title;
  std::string note;
};
Result<> move_by_rule(const DeskParts& parts, store::Tx& tx, std::string_view part, store::CaseRow& row,
                      const RuleMove& move);

Result<> start_clock(const DeskParts& parts, store::Tx& tx, store::CaseRow& row, const std::string& clock);
Result<> stop_clocks(const DeskParts& parts, store::Tx& tx, store::CaseRow& row,
                     const std::vector<std::string>& clocks);
Result<> refresh_due(store::Tx& tx, store::CaseRow& row);  // due_at = the earliest running clock
Result<> add_history(const DeskParts& parts, store::Tx& tx, const store::CaseRow& row, const std::string& by,
                     const std::string& action, const LocalText& title, const std::string& from,
                     const std::string& note);
// Ends a measure, records it and, if it was ordered, orders it lifted.
Result<> end_measure(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::MeasureRow& measure,
                     const std::string& case_number, std::string_view state, const std::string& reason);

}  // namespace pandun::casework
