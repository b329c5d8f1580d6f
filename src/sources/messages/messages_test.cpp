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

TEST(Messages, TakesTemplatesAndLinkDomainsButNeverTexts) {
  const Lines run({"time,sender,recipient,template,link_domain", "1713484800,a,b,registered:bank-1,bank.example",
                   "1713484801,a,b,您的验证码是1234,", "1713484802,a,b,Your code is 1234,",
                   "1713484803,a,b,,https://x.example/y", "1713484804,a,b,reported:9f2c,"});
  EXPECT_EQ(run.seen.events.size(), 2U);
  EXPECT_NE(run.seen.events[0].find("template=registered:bank-1 link=bank.example"), std::string::npos);
  ASSERT_EQ(run.seen.details.size(), 3U);
  EXPECT_NE(run.seen.details[0].find("texts are never taken in"), std::string::npos);
  for (const std::string& shown : run.seen.details) EXPECT_TRUE(shown.ends_with(" | ")) << shown;
  EXPECT_NE(run.seen.details[2].find("not a host name alone"), std::string::npos);
  EXPECT_TRUE(run.seen.adds_up());
}

}  // namespace
}  // namespace pandun::sources
