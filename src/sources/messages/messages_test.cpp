#include <gmock/gmock.h>

#include "sources/kit/testing.h"

namespace pandun::sources {
SourcePart messages_source();
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Lines : testing::Decode {
  explicit Lines(const std::vector<std::string>& lines, const std::string& map = {})
      : Decode(messages_source(), lines, "x.csv", map) {}
};

TEST(Messages, ReadsEveryCanonicalColumn) {
  const Lines run({"time,sender,recipient,segments,sender_device,sender_cell,route,kind",
                   "1713484800,10690000,13800138000,3,d1,c1,r1,intl"});
  EXPECT_THAT(
      run.seen.events,
      ElementsAre("#2 2024-04-19T00:00:00Z message 10690000>13800138000 dev=d1 cell=c1 route=r1 n=3 intl=true"));
}

TEST(Messages, SegmentsAreOneUnlessStatedAndMustMakeSense) {
  const Lines run({"time,sender,recipient,segments", "1713484800,a,b,", "1713484800,a,b,0", "1713484800,a,b,2x",
                   "1713484800,a,,1"});
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("n=1")));
  EXPECT_THAT(run.seen.rejects, ElementsAre("#3 reject bad_value", "#4 reject bad_value", "#5 reject missing_field"));
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Messages, TakesCsvFilesThatAreNotCalls) {
  const auto takes = messages_source().takes_file;
  EXPECT_TRUE(takes("sms.csv"));
  EXPECT_TRUE(takes("2024-04-19.CSV.gz"));
  EXPECT_TRUE(takes("messages.csv.3"));
  EXPECT_FALSE(takes("calls.csv"));
  EXPECT_FALSE(takes("sms.README"));
}

}  // namespace
}  // namespace pandun::sources
