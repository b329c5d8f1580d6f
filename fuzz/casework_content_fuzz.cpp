// Any bytes as a workflow, clock table, calendar, law library or grade table: a report of faults or something whole, never a crash;
// and no file whatever makes a workflow in which one person decides alone.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "casework/clock_table.h"
#include "casework/incident_grouper.h"
#include "casework/workflow.h"
#include "guard/law_library.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto workflow =
      casework::Workflow::parse(text, "w.toml", {"triage", "disposal", "acknowledgement", "appeal_answer"});
  if (workflow.ok()) {
    for (const casework::WorkflowAction& action : workflow->actions()) {
      const bool decides =
          action.effect == casework::Effect::kApproveMeasure || action.effect == casework::Effect::kRejectAppeal;
      CHECK(!decides || (action.second_person && guard::info(action.right).person_only));
      for (const std::string& from : action.from) CHECK(workflow->state(from) != nullptr);
    }
    CHECK(workflow->state(workflow->initial()) != nullptr);
  }
  const auto clocks = casework::ClockTable::parse(text, "c.toml", "", "k.toml");
  if (clocks.ok()) {
    for (const casework::ClockKind& clock : clocks->clocks()) CHECK(clocks->due(clock, WallMs{0}).ms > 0);
  }
  (void)casework::WorkCalendar::parse(text, "k.toml").ok();
  const auto laws = guard::LawLibrary::parse(text, "g.toml");
  if (laws.ok()) CHECK(laws->categories().size() <= 8);
  const auto grades = casework::GradeTable::parse(text, "r.toml");
  if (grades.ok()) (void)grades->grade(100, 1, 1);
  return 0;
}
