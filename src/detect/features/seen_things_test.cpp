#include "detect/features/seen_things.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace pandun::detect {
namespace {

constexpr std::uint32_t kStart = 1'772'416'800;

SeenThings restarted(const SeenThings& things) {
  StateWriter out;
  things.save(out);
  SeenThings loaded;
  StateReader in(out.bytes());
  loaded.load(in);
  EXPECT_TRUE(in.ok());
  return loaded;
}

// Asked often, seldom and never before, restarted or not: the answers are those of DistinctWindows.
TEST(SeenThings, CountAsDistinctWindowsDoes) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    DistinctWindows other(Window::k24h);
    SeenThings asked, seldom, torn;
    std::uint32_t clock = kStart;
    for (int i = 0; i < 30'000; ++i) {
      clock += static_cast<std::uint32_t>(random() % (seed == 1 ? 30 : seed == 2 ? 4 : 60));
      const std::uint64_t things = seed == 2 ? 20'000 : 3000;
      const std::uint32_t thing = static_cast<std::uint32_t>(mix64(1 + random() % things)) | 1U;
      const std::uint32_t late = random() % 20 == 0 ? static_cast<std::uint32_t>(random() % 100'000) : 0;
      other.advance(clock);
      other.add(thing, clock - late);
      for (SeenThings* t : {&asked, &seldom, &torn}) {
        t->advance(clock);
        t->add(thing, clock - late);
        if (i % 64 == 0) t->rest();
      }
      if (i % 997 == 0) torn = restarted(torn);
      for (const Window w : {Window::k5m, Window::k1h, Window::k24h}) {
        ASSERT_EQ(asked.count(w), other.count(w)) << i;
        if (i % 301 != 0) continue;
        ASSERT_EQ(seldom.count(w), other.count(w)) << i;
        ASSERT_EQ(torn.count(w), other.count(w)) << i;
      }
    }
    EXPECT_EQ(asked.exact(), seed != 2);
    EXPECT_EQ(seldom.exact(), seed != 2);
    EXPECT_EQ(torn.exact(), seed != 2);
  }
}

TEST(SeenThings, TellsWhenSomethingWasSeenBefore) {
  SeenThings things;
  things.advance(kStart + 90'000);
  EXPECT_EQ(things.add(7, kStart + 10'000), 0U);
  EXPECT_EQ(things.add(7, kStart + 50'000), kStart + 10'001);
  EXPECT_EQ(things.add(7, kStart + 20'000), kStart + 50'001);
  things.advance(kStart + 50'000 + 2 * 86'400);
  EXPECT_EQ(things.add(7, kStart + 50'000 + 2 * 86'400), 0U);
}

TEST(SeenThings, WhoIsNeverAskedKeepsNoCounters) {
  SeenThings quiet, asked;
  for (std::uint32_t i = 1; i <= 1000; ++i)
    for (SeenThings* t : {&quiet, &asked}) {
      t->advance(kStart + i);
      t->add(i * 2'654'435'761U, kStart + i);
    }
  EXPECT_EQ(asked.count(Window::k24h), 1000);
  EXPECT_GT(asked.bytes(), quiet.bytes() + 500);
  asked.rest();
  asked.rest();
  EXPECT_EQ(asked.bytes(), quiet.bytes());
  EXPECT_EQ(asked.count(Window::k24h), 1000);
}

}  // namespace
}  // namespace pandun::detect
