#include "casework/workflow.h"

#include <gtest/gtest.h>

#include "casework/clock_table.h"
#include "casework/testing/desk.h"

namespace pandun::casework {
namespace {

using testing::must;
using testing::shipped_content;

const std::vector<std::string> kClocks{"triage", "appeal_answer"};

std::string small(const std::string& action) {
  return R"(name = "t"
initial = "a"
relapse_to = "a"
lapse_to = "a"
lifted = "a"
verified = "a"
[[state]]
id = "a"
zh = "甲"
en = "A"
kind = "open"
[[state]]
id = "z"
zh = "末"
en = "Z"
kind = "done"
[[action]]
id = "go"
zh = "走"
en = "Go"
from = ["a"]
to = "z"
right = "triage"
)" + action;
}

TEST(Workflow, ShippedOneIsWhole) {
  const Workflow& workflow = shipped_content().workflow;
  EXPECT_EQ(workflow.name(), "standard");
  EXPECT_NE(workflow.step_with(Effect::kApproveMeasure, "measure_proposed"), nullptr);
  EXPECT_TRUE(workflow.action("approve")->second_person);
  EXPECT_EQ(workflow.step_with(Effect::kApproveMeasure, "found"), nullptr);
}

TEST(Workflow, ReportsAllFaultsWithLineAndColumn) {
  const auto bad = Workflow::parse(small(R"([[action]]
id = "go"
zh = "又"
en = "Again"
from = ["nowhere"]
to = "elsewhere"
right = "everything"
effect = "explode"
starts = ["sundial"]
frm = 1
)"),
                                   "w.toml", kClocks);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Errc::kBadConfig);
  for (const char* part :
       {"w.toml:24:", "'from' names the unknown state 'nowhere'", "'to' names the unknown state 'elsewhere'",
        "'everything' is not a right", "effect 'explode'", "clock 'sundial'", "given twice",
        "unknown field 'frm'; did you mean 'from'?"}) {
    EXPECT_NE(bad.error().message.find(part), std::string::npos) << part << "\n" << bad.error().message;
  }
}

TEST(Workflow, RefusesAFlowInWhichOneDecidesAlone) {
  const auto bad = Workflow::parse(small(R"([[action]]
id = "approve"
zh = "批准"
en = "Approve"
from = ["a"]
to = "z"
right = "triage"
effect = "approve_measure"
)"),
                                   "w.toml", kClocks);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("second_person = true"), std::string::npos);
  EXPECT_NE(bad.error().message.find("needs the right measure.approve"), std::string::npos);
}

TEST(Workflow, RefusesStatesWithoutAWayInOrOut) {
  const auto bad = Workflow::parse(small(R"([[state]]
id = "island"
zh = "岛"
en = "Island"
kind = "open"
)"),
                                   "w.toml", kClocks);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("no action leads to the state 'island'"), std::string::npos);
  EXPECT_NE(bad.error().message.find("'island' can never end"), std::string::npos);
}

TEST(Workflow, BrokenTomlNamesItsPlace) {
  const auto bad = Workflow::parse("name = \"x\nversion = 1", "w.toml", kClocks);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().where.substr(0, 9), "w.toml:1:");
}

WallMs at(const char* text) {
  return WallMs{*parse_rfc3339(text)};
}

TEST(ClockTable, WorkingDaysSkipWeekendsAndHolidaysAndCountMadeUpOnes) {
  const ClockTable& table = shipped_content().clocks;
  const WorkCalendar& calendar = table.calendar();
  // Friday 2026-09-18; Saturday off, Sunday 20th worked, 21st … the fourth working day is Wednesday.
  EXPECT_EQ(calendar.after_working_days(at("2026-09-18T02:00:00Z"), 4).ms, at("2026-09-24T00:00:00+08:00").ms);
  // Over the National Day holiday: 30 September plus one is 8 October, ending at its midnight.
  EXPECT_EQ(calendar.after_working_days(at("2026-09-30T02:00:00Z"), 1).ms, at("2026-10-09T00:00:00+08:00").ms);
  EXPECT_EQ(table.due(*table.find("approval"), at("2026-11-23T01:00:00Z")).ms, at("2026-11-24T01:00:00Z").ms);
  EXPECT_TRUE(table.find("appeal_answer")->unverified());
}

TEST(ClockTable, NeedsTheClocksTheDeskAsksFor) {
  const auto bad = ClockTable::parse(
      "version = "
      "1\n[[clock]]\nid=\"triage\"\nzh=\"a\"\nen=\"a\"\namount=0\nunit=\"weeks\"\nsource=\"x\"\ncertainty=\"Q\"\n",
      "c.toml", "", "k.toml");
  ASSERT_FALSE(bad.ok());
  for (const char* part : {"the clock 'approval' is missing", "unit 'weeks'", "'amount'", "'certainty'"}) {
    EXPECT_NE(bad.error().message.find(part), std::string::npos) << part;
  }
}

TEST(LawLibrary, CategoriesAreAClosedList) {
  const auto bad = guard::LawLibrary::parse(R"([[measure_kind]]
id = "warn"
zh = "提醒"
en = "Warn"
rank = 1
days_max = 3
entities = ["number"]
[[category]]
id = "rumour"
zh = "谣言"
en = "Rumour"
[[ground]]
id = "g"
law = { zh = "法", en = "Law" }
version = "1"
article = "1"
text = { zh = "文", en = "Text" }
measures = ["banish"]
certainty = "P"
)",
                                            "g.toml");
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("'rumour' is not a disposal category; the list is closed"), std::string::npos);
  EXPECT_NE(bad.error().message.find("'banish' is not a kind of measure"), std::string::npos);
}

}  // namespace
}  // namespace pandun::casework
