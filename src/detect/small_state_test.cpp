#include "detect/small_state.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace pandun::detect {
namespace {

TEST(FewDistinct, CountsWithinItsStatedError) {
  for (const int n : {1, 5, 20, 40, 80, 160}) {
    double worst = 0, sum = 0;
    constexpr int kRuns = 200;
    for (int run = 0; run < kRuns; ++run) {
      FewDistinct<256> few;
      for (int i = 0; i < n; ++i) {
        const std::uint64_t h = mix64(static_cast<std::uint64_t>(run * 1000 + i + 1));
        few.add(h);
        few.add(h);  // a thing met twice counts once
      }
      const double off = (few.count() - n) / n;
      sum += off;
      worst = std::max(worst, std::abs(off));
    }
    EXPECT_LT(std::abs(sum / kRuns), 0.03) << n;
    EXPECT_LT(worst, n < 40 ? 0.35 : 0.3) << n;
  }
}

TEST(FewDistinct, IsFullWithoutBreaking) {
  FewDistinct<64> few;
  for (std::uint64_t i = 0; i < 100'000; ++i) few.add(mix64(i));
  EXPECT_TRUE(std::isfinite(few.count()));
  EXPECT_GT(few.count(), 64);
}

TEST(TwoSpans, StopsAtItsLargestValue) {
  TwoSpans<std::uint16_t> c;
  c.add(0xfffe);
  c.add();
  c.add();
  c.add(500);
  EXPECT_EQ(c.now, 0xffff);
  c.turn(true);
  c.add(0xffff);
  EXPECT_EQ(c.sum(), 2U * 0xffff);
}

TEST(SpanClock, TurnsOnceForEachStepForwardAndSaysWhetherTheyTouch) {
  SpanClock clock;
  TwoSpans<> c;
  const auto at = [&](std::uint32_t time_s) {
    clock.advance(time_s, 100, [&](bool adjacent) { c.turn(adjacent); });
    c.add();
  };
  at(1000);
  at(1099);
  EXPECT_EQ(c.sum(), 2U);
  at(1100);  // the span after: both are seen
  EXPECT_EQ(c.sum(), 3U);
  at(1050);  // late: counts in the running span
  EXPECT_EQ(c.now, 2U);
  EXPECT_EQ(c.sum(), 4U);
  at(1399);  // two spans on: nothing of before is left
  EXPECT_EQ(c.sum(), 1U);
}

TEST(Said, SpeaksAtOnceAtTwiceAndAfterADay) {
  Said said;
  EXPECT_TRUE(said.due(3, 1000));
  said.say(3, 1000);
  EXPECT_FALSE(said.due(5, 2000));
  EXPECT_TRUE(said.due(6, 2000));
  EXPECT_FALSE(said.due(3, 1000 + 86400));
  EXPECT_TRUE(said.due(3, 1001 + 86400));
  EXPECT_FALSE(said.due(3, 0)) << "a late event is no new day";
}

TEST(SmallState, ReadsBackWhatItWrote) {
  TwoSpansDistinct<128> distinct;
  TwoSpans<std::uint32_t> counts;
  Said said;
  LatestRecords<4> records;
  for (std::uint64_t i = 0; i < 50; ++i) {
    distinct.add(mix64(i));
    counts.add();
    model::Event event;
    event.record = i;
    event.source = 7;
    records.add(event);
    if (i == 20) {
      distinct.turn(true);
      counts.turn(true);
    }
  }
  said.say(9, 77);
  StateWriter out;
  distinct.save(out);
  counts.save(out);
  said.save(out);
  records.save(out);
  StateReader in(out.bytes());
  TwoSpansDistinct<128> distinct2;
  TwoSpans<std::uint32_t> counts2;
  Said said2;
  LatestRecords<4> records2;
  distinct2.load(in);
  counts2.load(in);
  said2.load(in);
  records2.load(in);
  ASSERT_TRUE(in.ok());
  EXPECT_EQ(distinct2.count(), distinct.count());
  EXPECT_EQ(counts2.sum(), 50U);
  EXPECT_EQ(said2.level, 9U);
  EXPECT_EQ(said2.at_s, 77U);
  ASSERT_EQ(records2.latest().size(), 4U);
  EXPECT_EQ(records2.latest().front().record, 49U);
  EXPECT_EQ(records2.latest(), records.latest());
}

}  // namespace
}  // namespace pandun::detect
