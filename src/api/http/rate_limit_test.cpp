#include "api/http/rate_limit.h"

#include <gtest/gtest.h>

namespace pandun::api::http {
namespace {

using namespace std::chrono_literals;

TEST(RateLimiter, GivesABurstThenTheRateThenSaysHowLongToWait) {
  platform::ManualClock clock(WallMs{1'000'000});
  RateLimiter limiter({.per_s = 2, .burst = 5}, clock);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.take("a"), 0U);
  EXPECT_EQ(limiter.take("a"), 1U);
  EXPECT_EQ(limiter.take("b"), 0U);  // everybody has a bucket
  clock.advance(500ms);
  EXPECT_EQ(limiter.take("a"), 0U);
  EXPECT_EQ(limiter.take("a"), 1U);
  clock.advance(1h);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.take("a"), 0U);
  EXPECT_EQ(limiter.take("a", 5), 3U);
  EXPECT_EQ(limiter.refused(), 3U);
}

TEST(RateLimiter, ZeroMeansNoLimit) {
  platform::ManualClock clock(WallMs{0});
  RateLimiter limiter({}, clock);
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(limiter.take("a"), 0U);
}

TEST(RateLimiter, AFloodOfKeysIsBoundedAndPassesWithTime) {
  platform::ManualClock clock(WallMs{1'000'000});
  RateLimiter limiter({.per_s = 1, .burst = 2}, clock, 100);
  for (int i = 0; i < 1000; ++i) limiter.take(std::to_string(i));
  EXPECT_EQ(limiter.keys(), 100U);
  EXPECT_EQ(limiter.take("newcomer"), 1U);
  EXPECT_EQ(limiter.take("5"), 0U);  // known keys go on
  clock.advance(10s);
  EXPECT_EQ(limiter.take("newcomer"), 0U);
  EXPECT_LT(limiter.keys(), 100U);
}

}  // namespace
}  // namespace pandun::api::http
