#include <gmock/gmock.h>

#include "sources/kit/testing.h"

namespace pandun::sources {
SourcePart openings_source();
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Lines : testing::Decode {
  explicit Lines(const std::vector<std::string>& lines) : Decode(openings_source(), lines, "openings.csv") {}
};

TEST(Openings, ReadsEveryColumn) {
  const Lines run({"time,number,holder,agent,plan", "2024-04-19T08:00:01+08:00,+8613800138000,h-7f3a,A1,family",
                   "2024-04-19T08:00:02+08:00,13800138001,h-7f3b,,"});
  EXPECT_THAT(run.seen.events,
              ElementsAre("#2 2024-04-19T00:00:01Z opening +8613800138000 holder=h-7f3a agent=A1 plan=family",
                          "#3 2024-04-19T00:00:02Z opening 13800138001 holder=h-7f3b agent= plan="));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Openings, RefusesIdentityNumbersAndNames) {
  const Lines run({"time,number,holder", "1713484800,13800138000,11010519491231002X", "1713484800,13800138000,张三",
                   "1713484800,13800138000,Zhang San", "1713484800,13800138000,110105491231002"});
  EXPECT_THAT(run.seen.events, IsEmpty());
  EXPECT_EQ(run.seen.rejects.size(), 4U);
  EXPECT_THAT(run.seen.details[0], HasSubstr("looks like an identity number"));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Openings, TakesOnlyFilesThatSaySo) {
  EXPECT_TRUE(openings_source().takes_file("openings-2026.csv.gz"));
  EXPECT_FALSE(openings_source().takes_file("calls.csv"));
}

}  // namespace
}  // namespace pandun::sources
