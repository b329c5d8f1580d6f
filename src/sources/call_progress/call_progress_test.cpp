#include <gmock/gmock.h>

#include "sources/kit/testing.h"

namespace pandun::sources {
SourcePart call_progress_source();
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Lines : testing::Decode {
  explicit Lines(const std::vector<std::string>& lines, const std::string& map = {})
      : Decode(call_progress_source(), lines, "call_progress.csv", map) {}
};

TEST(CallProgress, ReadsEveryColumnOfCsv) {
  const Lines run({"time,call,state,caller,callee,since_s,route,kind",
                   "2024-04-19T08:00:01+08:00,a8-7@sw1,answered,+85512345678,+8613800138000,,intl-1,international",
                   "2024-04-19T08:01:01+08:00,a8-7@sw1,lasts,+85512345678,+8613800138000,60,intl-1,",
                   "2024-04-19T08:02:01+08:00,a8-7@sw1,ended,,+8613800138000,,,"});
  EXPECT_THAT(run.seen.events,
              ElementsAre("#2 2024-04-19T00:00:01Z call_progress +85512345678>+8613800138000 call=a8-7@sw1 answered "
                          "since=0 route=intl-1 intl",
                          "#3 2024-04-19T00:01:01Z call_progress +85512345678>+8613800138000 call=a8-7@sw1 lasts "
                          "since=60 route=intl-1",
                          "#4 2024-04-19T00:02:01Z call_progress >+8613800138000 call=a8-7@sw1 ended since=-1 route="));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(CallProgress, ReadsJsonLines) {
  const Lines run({R"({"time":"2024-04-19T08:00:01+08:00","call":"12:3456","state":"lasts","caller":"+85512345678",)"
                   R"("callee":13800138000,"since_s":600,"kind":"international","more":[1]})"});
  EXPECT_THAT(run.seen.events, ElementsAre("#1 2024-04-19T00:00:01Z call_progress +85512345678>13800138000 "
                                           "call=12:3456 lasts since=600 route= intl"));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(CallProgress, RefusesWhatNamesNoCall) {
  const Lines run({R"({"time":"2024-04-19T00:00:01Z","state":"lasts","callee":"13800138000"})",
                   R"({"time":"2024-04-19T00:00:01Z","call":"a b","state":"lasts","callee":"13800138000"})",
                   R"({"time":"2024-04-19T00:00:01Z","call":"a","state":"rings","callee":"13800138000"})",
                   R"({"time":"2024-04-19T00:00:01Z","call":"a","state":"lasts","caller":"13800138000"})",
                   R"({"time":"2024-04-19T00:00:01Z","call":"a","state":"lasts","callee":"1","since_s":-5})",
                   R"({"time":"2024-04-19 00:00:01","call":"a","state":"lasts","callee":"1"})", "{}"});
  EXPECT_THAT(run.seen.events, IsEmpty());
  ASSERT_EQ(run.seen.details.size(), 7U);
  EXPECT_THAT(run.seen.details[0], HasSubstr("call is missing"));
  EXPECT_THAT(run.seen.details[1], HasSubstr("not a token"));
  EXPECT_THAT(run.seen.details[2], HasSubstr("state is one of"));
  EXPECT_THAT(run.seen.details[3], HasSubstr("callee is missing"));
  EXPECT_THAT(run.seen.details[4], HasSubstr("since_s"));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(CallProgress, TakesOnlyFilesThatSaySo) {
  const auto takes = call_progress_source().takes_file;
  EXPECT_TRUE(takes("call_progress-2026.csv.gz"));
  EXPECT_TRUE(takes("call-progress.jsonl"));
  EXPECT_FALSE(takes("calls.csv"));
}

}  // namespace
}  // namespace pandun::sources
