#include <gmock/gmock.h>

#include "sources/kit/csv.h"
#include "sources/kit/testing.h"

namespace pandun::sources {
SourcePart calls_source();
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Lines : testing::Decode {
  explicit Lines(const std::vector<std::string>& lines, const std::string& map = {})
      : Decode(calls_source(), lines, "x.csv", map) {}
};

const std::string kHead =
    "time,caller,callee,duration_s,answered,caller_device,caller_cell,callee_cell,route,release_cause,kind";

TEST(Calls, ReadsEveryCanonicalColumn) {
  const Lines run({kHead,
                   "2024-04-19T08:00:01.250+08:00,+8613800138000,02885551234,17.97,true,8612,460-00-1,460-00-2,trunk-7,"
                   "16,international"});
  EXPECT_THAT(
      run.seen.events,
      ElementsAre("#2 2024-04-19T00:00:01.250Z call +8613800138000>02885551234 dev=8612 cells=460-00-1/460-00-2 "
                  "route=trunk-7 s=17 cause=16 answered=2 intl=true"));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Calls, ReadsRingTimeTheCalleesDeviceAndRoaming) {
  const Lines run({"time,caller,callee,ring_s,callee_device,kind", "1713484800,a,b,7.9,8613,roaming",
                   "1713484801,a,b,90000,,international_roaming", "1713484802,a,b,soon,,"});
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("intl=false ring=7 callee_dev=8613 roaming"),
                                           HasSubstr("intl=true ring=3600 roaming")));
  EXPECT_THAT(run.seen.details, ElementsAre(HasSubstr("ring_s is not a number of seconds")));
}

TEST(Calls, NeedsOnlyTimeAndBothParties) {
  const Lines run({"callee,time,note,caller", "10086,1713484800,x,abc123", "10086,1713484801.5,y,"});
  EXPECT_THAT(
      run.seen.events,
      ElementsAre("#2 2024-04-19T00:00:00Z call abc123>10086 dev= cells=/ route= s=-1 cause=-1 answered=0 intl=false",
                  "#3 2024-04-19T00:00:01.500Z call >10086 dev= cells=/ route= s=-1 cause=-1 answered=0 intl=false"));
  EXPECT_EQ(run.seen.counts.extra_columns, 1U);
}

TEST(Calls, QuotedFieldsMayHoldDelimitersQuotesAndLineBreaks) {
  const Lines run({"time,caller,callee,route", R"(1713484800,"a,b","c ""d""",r)", "1713484801,a,b,\"two", "lines\""});
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("call a,b>c \"d\" "), HasSubstr("route=two\nlines")));
}

TEST(Calls, AQuoteThatNeverClosesCostsItsOwnLineOnly) {
  std::vector<std::string> lines{"time,caller,callee,route", "1713484800,a,b,\"open"};
  for (int i = 1; i <= 40; ++i) lines.push_back("17134848" + std::to_string(10 + i) + ",a,b,r");
  const Lines run(lines);
  EXPECT_EQ(run.seen.events.size(), 40U);
  EXPECT_THAT(run.seen.rejects, ElementsAre("#2 reject truncated"));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Calls, TheFirstTimeDecidesTheFilesForm) {
  const Lines run(
      {"time,caller,callee", "1713484800000,a,b", "1713484800,a,b", "2024-04-19T00:00:00Z,a,b", "yesterday,a,b"});
  EXPECT_EQ(run.seen.events.size(), 1U);
  EXPECT_THAT(run.seen.rejects, ElementsAre("#3 reject time_form", "#4 reject time_form", "#5 reject bad_time"));
}

TEST(Calls, ALocalTimeWithoutAZoneIsRefused) {
  const Lines run(
      {"time,caller,callee", "2024-04-19T00:00:00,a,b", "2024-04-19 00:00:00,a,b", "2024-02-30T00:00:00Z,a,b"});
  EXPECT_THAT(run.seen.events, IsEmpty());
  EXPECT_THAT(run.seen.rejects, ElementsAre("#2 reject bad_time", "#3 reject bad_time", "#4 reject bad_time"));
  EXPECT_THAT(run.seen.details[0], HasSubstr("zone"));
}

TEST(Calls, BadFieldsAreRejectedWithTheirReason) {
  const Lines run({"time,caller,callee,duration_s,answered,release_cause", "1713484800,a,b,-5,,",
                   "1713484800,a,b,1,maybe,", "1713484800,a,b,1,yes,200", "1713484800,a,,1,yes,16", "1713484800,a,b",
                   "1713484800,a,b,1,yes,16,9", "1713484800,\"a\"x,b,1,yes,16"});
  EXPECT_THAT(run.seen.rejects, ElementsAre("#2 reject bad_value", "#3 reject bad_value", "#4 reject bad_value",
                                            "#5 reject missing_field", "#6 reject field_count", "#7 reject field_count",
                                            "#8 reject bad_value"));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Calls, ExcerptsMaskDigitRuns) {
  const Lines run({"time,caller,callee", "bad,+8613800138000,13900139000"});
  EXPECT_THAT(run.seen.details[0], HasSubstr("bad,+861**********,139********"));
}

TEST(Calls, AWrongHeaderIsOneRejectAndTheRestIsCounted) {
  const Lines run({"a,b,c", "1,2,3", "4,5,6"});
  EXPECT_THAT(run.seen.rejects, ElementsAre("#1 reject unknown_record"));
  EXPECT_EQ(run.seen.counts.unread, 2U);
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Calls, ARepeatedHeaderIsNoRecord) {
  const Lines run({"time,caller,callee", "1713484800,a,b", "time,caller,callee", "1713484801,a,b", ""});
  EXPECT_EQ(run.seen.events.size(), 2U);
  EXPECT_THAT(run.seen.rejects, IsEmpty());
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Calls, ConversationTimeMeansAnswered) {
  const Lines run({"time,caller,callee,duration_s", "1713484800,a,b,12", "1713484800,a,b,0"});
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("answered=2"), HasSubstr("answered=0")));
}

TEST(CallsMap, MissedCallsAndRelativeSeconds) {
  const Lines run({"timestamp,caller,callee,duration", "184,300,301,121", "9252,401,457,-1"},
                  R"(kind = "calls"
numbers = "opaque"
[time]
form = "unix_s"
base = "2012-01-01T00:00:00Z"
[columns]
time = "timestamp"
duration_s = "duration"
[[when]]
column = "duration_s"
equals = -1
set = { duration_s = 0, answered = false }
)");
  EXPECT_THAT(run.seen.events,
              ElementsAre(HasSubstr("2012-01-01T00:03:04Z call 300>301 dev= cells=/ route= s=121 cause=-1 answered=2"),
                          HasSubstr("2012-01-01T02:34:12Z call 401>457 dev= cells=/ route= s=0 cause=-1 answered=1")));
}

TEST(CallsMap, ACarriersExportInGb18030) {
  const Lines run({"\xd6\xf7\xbd\xd0|\xb1\xbb\xbd\xd0|start|\xb3\xc9\xb6\xbc|11|CONN",
                   "13800138000|10086|20240419080001|\xb3\xc9\xb6\xbc|11|CONN",
                   "13800138000|10086|20240419080002|\xb3\xc9\xb6\xbc|21|CONN"},
                  R"(kind = "calls"
delimiter = "|"
encoding = "gb18030"
header = ["主叫", "被叫", "start", "city", "type", "result"]
[time]
form = "%Y%m%d%H%M%S"
offset = "+08:00"
[columns]
time = "start"
caller = "主叫"
callee = "被叫"
caller_cell = "city"
answered = "result"
[constants]
route = "north"
[only]
type = [11]
[values.answered]
CONN = true
)");
  EXPECT_THAT(
      run.seen.events,
      ElementsAre(HasSubstr(
          "2024-04-19T00:00:01Z call 13800138000>10086 dev= cells=成都/ route=north s=-1 cause=-1 answered=2")));
  EXPECT_EQ(run.seen.counts.unread_by.at("type=21"), 1U);
  EXPECT_THAT(run.seen.rejects,
              ElementsAre("#1 reject bad_time"));  // the map names the columns itself, so line 1 is a record
}

TEST(CallsMap, AllFaultsAreToldWithTheirPlace) {
  const Lines run({},
                  "kind = \"messages\"\ndelimiter = \"ab\"\ncolour = 1\n[time]\nform = \"%Y-%m-%d "
                  "%H:%M\"\n[columns]\nwhen = \"x\"\n[constants]\nkind = 1.5\n");
  ASSERT_EQ(run.seen.details.size(), 1U);
  for (const char* part : {"map.toml:1:8: this map is for messages",
                           "map.toml:2:", "map.toml:3:10: unknown key 'colour'", "map.toml:5:8: the pattern has no %z",
                           "map.toml:7:8: calls has no column 'when'", "map.toml:9:8:", "[bad_config]"})
    EXPECT_THAT(run.seen.details[0], HasSubstr(part));
}

}  // namespace
}  // namespace pandun::sources
