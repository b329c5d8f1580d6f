#include "server/ports.h"

#include <gtest/gtest.h>

namespace pandun::server {
namespace {

TEST(RegistryNumbers, SuspectsWhomItWasToldOfLast) {
  auto plan = registry::NumberingPlan::load(platform::posix_files(), PANDUN_SOURCE_DIR "/content/numbering");
  ASSERT_TRUE(plan.ok()) << plan.error().text();
  auto groups = registry::ProtectedGroups::parse("none", "", *plan);
  ASSERT_TRUE(groups.ok()) << groups.error().text();
  RegistryNumbers numbers(*plan, *groups);
  const auto a = plan->parse("17012345678"), b = plan->parse("13800138000");
  EXPECT_FALSE(numbers.suspected(a));
  numbers.suspect({b, a});
  EXPECT_TRUE(numbers.suspected(a) && numbers.suspected(b));
  numbers.suspect({b});
  EXPECT_FALSE(numbers.suspected(a));
  EXPECT_TRUE(numbers.suspected(b));
}

TEST(RegistryNumbers, TraitsComeFromTheShippedPlan) {
  auto plan = registry::NumberingPlan::load(platform::posix_files(), PANDUN_SOURCE_DIR "/content/numbering");
  ASSERT_TRUE(plan.ok()) << plan.error().text();
  auto groups = registry::ProtectedGroups::parse("none", "", *plan);
  ASSERT_TRUE(groups.ok()) << groups.error().text();
  const RegistryNumbers numbers(*plan, *groups);
  const auto of = [&](std::string_view text) { return numbers.traits(plan->parse(text)); };

  EXPECT_EQ(of("13800138000").kind, detect::LineKind::kMobile);
  EXPECT_TRUE(of("13800138000").home);
  EXPECT_EQ(of("17012345678").kind, detect::LineKind::kMobileVirtual);
  EXPECT_EQ(of("0571-88888888").kind, detect::LineKind::kFixed);
  EXPECT_EQ(of("0571-88888888").region, 571);
  EXPECT_EQ(of("110").kind, detect::LineKind::kEmergency);
  EXPECT_TRUE(of("95588").home);
  EXPECT_EQ(of("+390612345678").kind, detect::LineKind::kInternational);
  EXPECT_EQ(of("+390612345678").country_code, 39);
  EXPECT_FALSE(of("+390612345678").home);
  EXPECT_TRUE(of("0000000").cannot_exist);
  EXPECT_TRUE(numbers.traits(model::NumberKey::e164(8611'123'4567)).cannot_exist);  // no such area
  EXPECT_TRUE(numbers.traits(model::NumberKey::e164(9991'234'5678)).cannot_exist);  // no such calling code
  EXPECT_FALSE(of("+390612345678").cannot_exist);
  EXPECT_EQ(of("anonymous").kind, detect::LineKind::kUnknown);

  // What is looked up by the first digits is what the plan says of the whole number.
  using registry::NumberClass;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const auto key = model::NumberKey::e164(8610000000000 + mix64(i) % 10000000000);
    const registry::PhoneFacts facts = plan->facts(key);
    const detect::NumberTraits traits = numbers.traits(key);
    ASSERT_EQ(traits.kind == detect::LineKind::kMobile, facts.kind == NumberClass::kMobile) << key.text();
    ASSERT_EQ(traits.kind == detect::LineKind::kIot, facts.kind == NumberClass::kIot) << key.text();
    ASSERT_EQ(traits.kind == detect::LineKind::kMobileVirtual, facts.kind == NumberClass::kMobileVirtual) << key.text();
    ASSERT_EQ(traits.country_code, facts.country_code);
  }

  const RegistryNumbers abroad(*plan, *groups, 39);
  EXPECT_TRUE(abroad.traits(plan->parse("+390612345678")).home);
}

}  // namespace
}  // namespace pandun::server
