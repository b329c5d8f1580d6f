#include "server/words.h"

#include <gtest/gtest.h>

#include <set>

#include "detectors/catalog.h"

namespace pandun::server {
namespace {

using Bound = casework::FeatureWord::Bound;

Words shipped_words() {
  return Words(detectors::catalog(), {{"hospital", "医院", "hospitals"}});
}

TEST(Words, EntriesNameEverythingOnce) {
  std::set<std::string> names;
  for (const auto& entry : shipped_words().entries({"scanners", "scanners_2"})) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.title.zh.empty() || entry.title.en.empty()) << entry.name;
    EXPECT_NE(entry.title.en, entry.name);
    EXPECT_EQ(entry.title.zh.find('*'), std::string::npos) << entry.name;
  }
  for (const char* name : {"calls_out_1h", "contacts", "interval_median_s", "dispersion_1h", "calls_out", "flows",
                           "protected_group_hospital", "list_scanners"})
    EXPECT_EQ(names.count(name), 1U) << name;
}

TEST(Words, CatalogueAndDetectorsSpeakPlainly) {
  const Words words = shipped_words();
  EXPECT_EQ(words.word("calls_out_1h").title.zh, "1 小时主叫次数");
  EXPECT_EQ(words.word("calls_out_1h").unit.zh, "次");
  EXPECT_EQ(words.word("calls_out_1h").bound, Bound::kUnsaid);
  EXPECT_EQ(words.word("contacts").bound, Bound::kAtLeast);
  EXPECT_EQ(words.word("reply_share_24h").bound, Bound::kAtMost);
}

TEST(Words, FamiliesTakeTheRestOfTheName) {
  const Words words = shipped_words();
  EXPECT_EQ(words.word("list_some feed").title.en, "listed by some feed");
  EXPECT_TRUE(words.word("list_some feed").statement);
  EXPECT_NE(words.word("protected_group_hospital").title.zh.find("医院"), std::string::npos);
  EXPECT_NE(words.word("protected_group_unheard").title.zh.find("unheard"), std::string::npos);
  EXPECT_EQ(words.word("protected_group_service_number").title.en, "service number: higher thresholds apply");
  EXPECT_EQ(words.word("never_heard_of").title.en, "");
}

}  // namespace
}  // namespace pandun::server
