#include "decide/velocity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/prng.h"
#include "platform/thread.h"

namespace pandun::decide {
namespace {

using model::NumberKey;

constexpr std::int64_t kStart = 1'790'000'000'000 - 1'790'000'000'000 % 3'600'000;

NumberKey number(std::uint64_t i) {
  return NumberKey::e164(8613000000000ULL + i);
}

TEST(Velocity, CountsWithinEachWindowAndForgets) {
  Velocity velocity(64, 64);
  Rates rates{};
  for (int i = 0; i < 5; ++i) rates = velocity.count(number(1), number(2), WallMs{kStart + i * 10});
  EXPECT_EQ(rates, (Rates{5, 5, 5, 1, 5, 5, 1, 5, 5}));
  // Two seconds later the second is empty, two hours later everything.
  EXPECT_EQ(velocity.look(number(1), number(2), WallMs{kStart + 2'500}), (Rates{0, 5, 5, 1, 5, 5, 1, 5, 5}));
  EXPECT_EQ(velocity.look(number(1), number(2), WallMs{kStart + 2 * 3'600'000}), Rates{});
  // Halfway through the next minute half of the minute before still counts.
  EXPECT_EQ(velocity.look(number(1), number(2), WallMs{kStart + 90'000})[1], 2);
  EXPECT_EQ(velocity.count(number(1), number(2), WallMs{kStart + 2 * 3'600'000})[2], 1);
}

TEST(Velocity, ClocksThatDifferNeverMakeACountNegativeOrLose) {
  Velocity velocity(64, 64);
  velocity.count(number(1), number(2), WallMs{kStart});
  EXPECT_EQ(velocity.count(number(1), number(2), WallMs{kStart - 5})[0], 2);
  EXPECT_EQ(velocity.count(number(1), number(2), WallMs{kStart - 86'400'000})[2], 1);
  EXPECT_EQ(velocity.count(number(1), number(2), WallMs{-5})[2], 1);
  EXPECT_EQ(velocity.count(number(1), number(2), WallMs{INT64_MAX})[2], 1);
}

TEST(Velocity, WithheldNumbersAreNotCounted) {
  Velocity velocity(64, 64);
  EXPECT_EQ(velocity.count(NumberKey(), NumberKey(), WallMs{kStart}), Rates{});
  velocity.count(NumberKey(), number(2), WallMs{kStart});
  EXPECT_EQ(velocity.count(NumberKey(), number(2), WallMs{kStart}), (Rates{0, 0, 0, 0, 2, 2, 1, 0, 0}));
}

TEST(Velocity, TellsHowManyDifferentNumbersWithinItsError) {
  for (const std::uint64_t peers : {10U, 50U, 100U, 200U}) {
    Velocity velocity(64, 4096);
    double worst = 0;
    for (std::uint64_t caller = 0; caller < 8; ++caller) {
      Rates rates{};
      for (std::uint64_t round = 0; round < 2; ++round)
        for (std::uint64_t i = 0; i < peers; ++i)
          rates = velocity.count(number(caller), number(1000 + caller * 1000 + i), WallMs{kStart});
      worst = std::max(worst, std::abs(double(rates[3]) - double(peers)) / double(peers));
    }
    EXPECT_LT(worst, 0.4) << peers;  // more than four sigma
  }
}

TEST(Velocity, AFloodOfNewCallersTakesNoMemoryAndDoesNotPushOutTheBusy) {
  Velocity velocity(4096, 4096);
  const std::uint64_t bytes = velocity.bytes();
  std::uint64_t kept = 0;
  for (std::uint64_t i = 0; i < 300'000; ++i) {
    const WallMs at{kStart + static_cast<std::int64_t>(i / 100)};
    const Rates rates = velocity.count(number(1'000'000 + i), number(i % 5), at);
    ASSERT_EQ(rates[2], 1) << "a caller seen once is never taken for another";
    if (i % 100 == 0) kept = velocity.count(number(7), number(8), at)[2];
  }
  EXPECT_GE(kept, 2990U);
  EXPECT_EQ(velocity.bytes(), bytes);
  EXPECT_GT(velocity.evicted(), 250'000U);
}

TEST(Velocity, NeverCountsMoreThanThereWas) {
  const std::uint64_t seed = 20260101;
  Prng prng(seed);
  Velocity velocity(256, 256);
  std::map<std::uint64_t, std::vector<std::int64_t>> truth;
  std::int64_t now = kStart;
  for (int i = 0; i < 60'000; ++i) {
    now += static_cast<std::int64_t>(prng.below(40));
    const std::uint64_t caller = prng.below(900);
    const Rates rates = velocity.count(number(caller), number(5000 + prng.below(50)), WallMs{now});
    auto& seen = truth[caller];
    seen.push_back(now);
    // Two whole slices are the most a window can look back on.
    const auto within = [&](std::int64_t width) {
      return std::count_if(seen.begin(), seen.end(), [&](std::int64_t t) { return t > now - 2 * width; });
    };
    ASSERT_LE(rates[0], within(1'000)) << "seed " << seed;
    ASSERT_LE(rates[1], within(60'000)) << "seed " << seed;
    ASSERT_LE(rates[2], within(3'600'000)) << "seed " << seed;
    ASSERT_GE(rates[2], 1);
  }
}

TEST(Velocity, AHoldEndsByItself) {
  Velocity velocity(64, 64);
  velocity.hold(number(1), WallMs{kStart + 60'000}, 3);
  EXPECT_FALSE(velocity.held(number(1), WallMs{kStart}).held) << "nobody is held who never called";
  velocity.count(number(1), number(2), WallMs{kStart});
  velocity.hold(number(1), WallMs{kStart + 60'000}, 3);
  EXPECT_TRUE(velocity.held(number(1), WallMs{kStart + 59'999}).held);
  EXPECT_EQ(velocity.held(number(1), WallMs{kStart}).policy, 3);
  EXPECT_FALSE(velocity.held(number(1), WallMs{kStart + 60'000}).held);
  // The same of a place that was found for counting.
  EXPECT_EQ(velocity.held(velocity.reserve(number(1), number(2), WallMs{kStart + 59'999})).policy, 3);
  EXPECT_FALSE(velocity.held(velocity.reserve(number(1), number(2), WallMs{kStart + 60'000})).held);
  EXPECT_FALSE(velocity.held(velocity.reserve(NumberKey(), number(2), WallMs{kStart})).held);
  EXPECT_FALSE(velocity.held(number(2), WallMs{kStart}).held);
}

TEST(Velocity, ThreadsLoseNothingWhileNobodyIsPushedOut) {
  Velocity velocity(4096, 4096);
  {
    std::vector<platform::Thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.push_back(platform::start_thread("counter", [&](const std::stop_token&) {
        for (std::uint64_t i = 0; i < 20'000; ++i) velocity.count(number(i % 10), number(100), WallMs{kStart});
      }));
  }
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_EQ(velocity.look(number(i), number(100), WallMs{kStart})[2], 8000);
  EXPECT_EQ(velocity.look(number(0), number(100), WallMs{kStart})[5], 16383) << "counts stop, they do not turn over";
}

}  // namespace
}  // namespace pandun::decide
