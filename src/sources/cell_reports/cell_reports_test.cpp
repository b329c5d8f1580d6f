#include <gmock/gmock.h>

#include "sources/kit/testing.h"

namespace pandun::sources {
SourcePart cell_reports_source();
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Lines : testing::Decode {
  explicit Lines(const std::vector<std::string>& lines, const std::string& map = {})
      : Decode(cell_reports_source(), lines, "cell_reports.csv", map) {}
};

TEST(CellReports, ReadsEveryColumnOfCsv) {
  const Lines run({"time,reporter,cell,reason,near_cell,sender",
                   "2024-04-19T08:00:01+08:00,+8613800138000,460-00-1234-99,lac_jump,460-00-4321-7,95588",
                   "2024-04-19T08:00:02+08:00,app-7f3a,460-00-1234-99,unknown_cell,,"});
  EXPECT_THAT(
      run.seen.events,
      ElementsAre("#2 2024-04-19T00:00:01Z cell_report +8613800138000 cell=460-00-1234-99 near=460-00-4321-7 "
                  "lac_jump sender=95588",
                  "#3 2024-04-19T00:00:02Z cell_report app-7f3a cell=460-00-1234-99 near= unknown_cell sender="));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(CellReports, ReadsJsonLinesAndKeepsNothingElse) {
  const Lines run(
      {R"({"time":"2024-04-19T08:00:01+08:00","reporter":"app-1","cell":"460-00-1-2","reason":"message_from_it",)"
       R"("near_cell":"460-00-9-9","sender":"95588","text":"your account","position":{"lat":30.5}})",
       R"({"reason":"forced_2g","cell":"460-00-1-2","reporter":13800138000,"time":"2024-04-19T00:00:02Z"})"});
  EXPECT_THAT(run.seen.events,
              ElementsAre("#1 2024-04-19T00:00:01Z cell_report app-1 cell=460-00-1-2 near=460-00-9-9 message_from_it "
                          "sender=95588",
                          "#2 2024-04-19T00:00:02Z cell_report 13800138000 cell=460-00-1-2 near= forced_2g sender="));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(CellReports, RefusesWhatIsNotAReportAndShowsNoLine) {
  const Lines run(
      {R"({"time":"2024-04-19T00:00:01Z","cell":"460-00-1-2","reason":"lac_jump"})",
       R"({"time":"2024-04-19 08:00:01","reporter":"a","cell":"460-00-1-2","reason":"lac_jump"})",
       R"({"time":"2024-04-19T00:00:01Z","reporter":"a","cell":"460-00-1-2","reason":"odd"})",
       R"({"time":"2024-04-19T00:00:01Z","reporter":"460001234567890","cell":"460-00-1-2","reason":"lac_jump"})",
       R"({"time":"2024-04-19T00:00:01Z","reporter":"a","cell":"460-00-1-2","reason":"lac_jump","sender":"please call me back"})",
       R"({"time":"2024-04-19T00:00:01Z","reporter":["a"],"cell":"460-00-1-2","reason":"lac_jump"})",
       R"({"time":"2024-04-19T00:00:01Z","reporter":"a")", "{}"});
  EXPECT_THAT(run.seen.events, IsEmpty());
  ASSERT_EQ(run.seen.details.size(), 8U);
  EXPECT_THAT(run.seen.details[0], HasSubstr("reporter is missing"));
  EXPECT_THAT(run.seen.details[2], HasSubstr("reason is one of"));
  EXPECT_THAT(run.seen.details[3], HasSubstr("identity or device number"));
  EXPECT_THAT(run.seen.details[4], HasSubstr("sender is not"));
  EXPECT_THAT(run.seen.details[6], HasSubstr("JSON"));
  for (const std::string& reject : run.seen.rejects) EXPECT_THAT(reject, Not(HasSubstr("call me back")));
  EXPECT_TRUE(run.seen.adds_up());

  const Lines csv({"time,reporter,cell,reason,near_cell,sender",
                   "1713484800,a,460-00-1-2,lac_jump,,please call me back", "1713484800,a,,lac_jump,,",
                   "1713484800,a,460-00-1-2,,,"});
  EXPECT_THAT(csv.seen.events, IsEmpty());
  EXPECT_EQ(csv.seen.rejects.size(), 3U);
  for (const std::string& reject : csv.seen.rejects) EXPECT_THAT(reject, Not(HasSubstr("call me back")));
  EXPECT_TRUE(csv.seen.adds_up());
}

TEST(CellReports, AMapNamesAnAppsOwnColumns) {
  const Lines run({"when;who;seen;why", "1713484800;app-1;460-00-1-2;5"},
                  R"(kind = "cell_reports"
delimiter = ";"
[columns]
time = "when"
reporter = "who"
cell = "seen"
reason = "why"
[values.reason]
"5" = "strong_signal"
)");
  EXPECT_THAT(run.seen.events,
              ElementsAre("#2 2024-04-19T00:00:00Z cell_report app-1 cell=460-00-1-2 near= strong_signal sender="));
}

TEST(CellReports, TakesOnlyFilesThatSaySo) {
  const auto takes = cell_reports_source().takes_file;
  EXPECT_TRUE(takes("cell_reports-2026.csv.gz"));
  EXPECT_TRUE(takes("cell-reports.jsonl"));
  EXPECT_FALSE(takes("calls.csv"));
  EXPECT_FALSE(takes("cell_reports.txt"));
}

}  // namespace
}  // namespace pandun::sources
