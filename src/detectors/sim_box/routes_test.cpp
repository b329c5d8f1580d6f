#include "detectors/sim_box/routes.h"

#include <gtest/gtest.h>

namespace pandun::detectors::sim_box {
namespace {

TEST(SimBoxRoutes, NamesTheMostUsedFirstAndKeepsToItsBounds) {
  Routes routes;
  for (int i = 0; i < 3; ++i) routes.add("IC-2");
  for (int i = 0; i < 6; ++i) routes.add("IC-1");
  routes.add("");
  routes.add(std::string(Routes::kNameMost + 1, 'x'));
  for (int i = 0; i < 40; ++i) routes.add("once-" + std::to_string(i));

  model::Signal signal;
  for (std::uint64_t i = 0; i < model::Signal::kPeersMax; ++i)
    signal.peers.push_back(model::Entity::of(model::NumberKey::e164(8613800000000ULL + i)));
  routes.show(signal);
  ASSERT_EQ(signal.peers.size(), model::Signal::kPeersMax);
  EXPECT_EQ(signal.peers[18].number, model::NumberKey::e164(8613800000018ULL));
  EXPECT_EQ(signal.peers[19], model::Entity::text(model::EntityKind::kTrunk, "IC-1"));
  model::Signal few;
  few.peers.push_back(model::Entity::of(model::NumberKey::e164(8613800000000ULL)));
  routes.show(few);
  ASSERT_EQ(few.peers.size(), 5U);
  EXPECT_EQ(few.peers[1], model::Entity::text(model::EntityKind::kTrunk, "IC-1"));
  EXPECT_EQ(few.peers[2], model::Entity::text(model::EntityKind::kTrunk, "IC-2"));
  ASSERT_EQ(signal.evidence.size(), 1U);
  EXPECT_EQ(signal.evidence[0].feature, "trunk_share");
  EXPECT_DOUBLE_EQ(signal.evidence[0].value, 6.0 / 11);

  model::Signal none;
  Routes().show(none);
  EXPECT_TRUE(none.peers.empty() && none.evidence.empty());
}

}  // namespace
}  // namespace pandun::detectors::sim_box
