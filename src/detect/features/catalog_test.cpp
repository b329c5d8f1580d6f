#include "detect/features/catalog.h"

#include <gtest/gtest.h>

#include <set>

namespace pandun::detect {
namespace {

TEST(FeatureCatalog, EveryFeatureHasAShortTitleOfItsOwnInBothLanguages) {
  std::set<std::string> en, zh;
  for (const Feature& feature : features()) {
    EXPECT_FALSE(feature.title_en.empty()) << feature.name;
    EXPECT_LE(feature.title_en.size(), 60U) << feature.name;
    EXPECT_TRUE(en.insert(feature.title_en).second) << feature.name << ": " << feature.title_en;
    EXPECT_TRUE(zh.insert(feature.title_zh).second) << feature.name << ": " << feature.title_zh;
  }
}

TEST(FeatureCatalog, TitlesSayTheirWindow) {
  const Feature* feature = find_feature(model::EntityKind::kNumber, "calls_out_1h");
  ASSERT_NE(feature, nullptr);
  EXPECT_EQ(feature->title_en, "calls made in 1 h");
  EXPECT_EQ(feature->title_zh, "1 小时主叫次数");
}

}  // namespace
}  // namespace pandun::detect
