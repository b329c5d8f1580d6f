#include "detectors/sim_box/trunk.h"

#include <gtest/gtest.h>

namespace pandun::detectors::sim_box {
namespace {

model::NumberKey mobile(std::uint64_t i) {
  return model::NumberKey::e164(8613800000000ULL + i);
}

void call(Trunk& trunk, std::uint64_t caller, std::uint64_t callee, std::uint32_t at_s) {
  trunk.advance(at_s);
  if (trunk.add_caller(detect::state_hash(mobile(caller)))) trunk.call(mobile(caller), mobile(callee), at_s);
}

TEST(SimBoxTrunk, KeepsNothingOfAnOrdinaryTrunksNumbers) {
  Trunk trunk;
  const std::uint32_t start_s = 1'772'400'000;
  for (std::uint32_t i = 0; i < 500; ++i) call(trunk, i, 90000 + i, start_s + i);
  EXPECT_FALSE(trunk.ordinary());
  EXPECT_EQ(trunk.numbers().size(), kTrunkNumbersMax);
  for (std::uint32_t i = 0; i < 20000; ++i) call(trunk, i % 5000, 90000 + i, start_s + 500 + i);
  EXPECT_TRUE(trunk.ordinary());
  EXPECT_EQ(trunk.bytes(), sizeof(Trunk));
  // It stays one through the next span of 12 hours, and is looked at afresh when it has become small.
  call(trunk, 1, 2, start_s + kTrunkSpanS);
  EXPECT_TRUE(trunk.ordinary());
  call(trunk, 1, 2, start_s + 3 * kTrunkSpanS);
  EXPECT_FALSE(trunk.ordinary());
  ASSERT_EQ(trunk.numbers().size(), 1U);
}

TEST(SimBoxTrunk, AStintEndsWithADaysSilence) {
  Trunk trunk;
  const std::uint32_t start_s = 1'772'400'000 / kTrunkSpanS * kTrunkSpanS;
  call(trunk, 1, 2, start_s + 10);
  call(trunk, 1, 3, start_s + 600);
  call(trunk, 4, 5, start_s + kTrunkSpanS);
  trunk.hear(mobile(1));
  ASSERT_EQ(trunk.numbers().size(), 2U);
  EXPECT_EQ(trunk.numbers()[0].calls.sum(), 2U);
  EXPECT_EQ(trunk.numbers()[0].heard.sum(), 1U);
  EXPECT_EQ(trunk.numbers()[0].last_s - trunk.numbers()[0].first_s, 590U);
  call(trunk, 1, 6, start_s + 2 * kTrunkSpanS);
  ASSERT_EQ(trunk.numbers().size(), 2U);
  EXPECT_EQ(trunk.numbers()[0].number, mobile(4));
  EXPECT_EQ(trunk.numbers()[1].first_s, start_s + 2 * kTrunkSpanS);
}

}  // namespace
}  // namespace pandun::detectors::sim_box
