#include "detect/window.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "detect/distinct.h"
#include "detect/state_io.h"

namespace pandun::detect {
namespace {

struct Sighting {
  std::uint32_t time;
  std::uint32_t thing;
};

// Moves on in bursts and pauses; now and then something old arrives.
std::uint32_t next_time(std::mt19937_64& random, std::uint32_t& clock) {
  const std::uint64_t kind = random() % 100;
  if (kind < 70) {
    clock += static_cast<std::uint32_t>(random() % 20);
  } else if (kind < 85) {
    clock += static_cast<std::uint32_t>(random() % 4000);
  } else if (kind < 87) {
    clock += static_cast<std::uint32_t>(random() % 300000);
  } else {
    const auto back = static_cast<std::uint32_t>(random() % (kind < 95 ? 600 : 3000000));
    return clock > back ? clock - back : 0;
  }
  return clock;
}

TEST(WindowRings, CountAsABruteForcePassDoes) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    WindowRings<2> rings;
    std::vector<Sighting> all;
    std::uint32_t clock = seed % 2 == 0 ? 0 : 1'700'000'000;
    for (int i = 0; i < 3000; ++i) {
      const std::uint32_t t = next_time(random, clock);
      const auto counter = static_cast<std::uint32_t>(random() % 2);
      rings.advance(clock);
      const bool inside = rings.add(t, counter);
      ASSERT_EQ(inside, t >= start_s(kLongest, clock));
      all.push_back({t, counter});
      if (i % 7 != 0) continue;
      for (const Window w : kAllWindows) {
        std::uint64_t expected[2] = {0, 0};
        for (const Sighting& s : all)
          if (s.time >= start_s(w, clock)) ++expected[s.thing];
        ASSERT_EQ(rings.total(w, 0), expected[0]);
        ASSERT_EQ(rings.total(w, 1), expected[1]);
      }
    }
  }
}

TEST(WindowRings, SavedAndLoadedTheyGoOn) {
  WindowRings<1> rings, copy;
  rings.advance(100000);
  for (std::uint32_t t = 90000; t < 100000; t += 37) rings.add(t);
  StateWriter out;
  rings.save(out);
  StateReader in(out.bytes());
  copy.load(in);
  ASSERT_TRUE(in.ok());
  rings.advance(101000);
  copy.advance(101000);
  for (const Window w : kAllWindows) EXPECT_EQ(rings.total(w), copy.total(w));
  EXPECT_EQ(copy.total(Window::k1h), 69U);  // 97474 … 99990 in steps of 37
}

TEST(Window, HoldsItsLastStepsTheCurrentOneIncluded) {
  EXPECT_EQ(start_s(Window::k5m, 1000), 710U);
  EXPECT_EQ(start_s(Window::k5m, 1009), 710U);
  EXPECT_EQ(start_s(Window::k5m, 1010), 720U);
  EXPECT_EQ(start_s(Window::k7d, 5), 0U);
}

TEST(DistinctWindows, CountAsASetDoesWhileExact) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    DistinctWindows distinct;
    std::vector<Sighting> all;
    std::uint32_t clock = 1'700'000'000;
    const std::uint64_t things = seed % 2 == 0 ? 40 : 3000;
    for (int i = 0; i < 3000; ++i) {
      const std::uint32_t t = next_time(random, clock);
      const std::uint32_t thing = peer_hash(mix64(random() % things + 1));
      distinct.advance(clock);
      distinct.add(thing, t);
      all.push_back({t, thing});
      if (i % 500 == 499) {  // a restart in between
        StateWriter out;
        distinct.save(out);
        DistinctWindows copy;
        StateReader in(out.bytes());
        copy.load(in);
        ASSERT_TRUE(in.ok());
        distinct = std::move(copy);
      }
      if (i % 11 != 0) continue;
      for (const Window w : {Window::k5m, Window::k1h, Window::k24h}) {
        std::set<std::uint32_t> expected;
        for (const Sighting& s : all)
          if (s.time >= start_s(w, clock)) expected.insert(s.thing);
        ASSERT_EQ(distinct.count(w), static_cast<double>(expected.size()));
      }
      ASSERT_TRUE(distinct.exact());
    }
  }
}

TEST(DistinctWindows, BecomesASketchAtTheSameEventWhateverItsHistory) {
  // One is saved and loaded again and again, so that its set is never fuller than it must be; the other never is.
  DistinctWindows plain, restarted;
  std::uint32_t clock = 1'700'000'000;
  for (std::uint32_t i = 0; i < 30000; ++i) {
    clock += 6;  // the first ones leave the 24 hours while the last ones come
    for (DistinctWindows* d : {&plain, &restarted}) {
      d->advance(clock);
      d->add(peer_hash(mix64(i + 1)), clock);
    }
    if (i % 1000 == 0) {
      StateWriter out;
      restarted.save(out);
      DistinctWindows copy;
      StateReader in(out.bytes());
      copy.load(in);
      ASSERT_TRUE(in.ok());
      restarted = std::move(copy);
    }
    ASSERT_EQ(plain.exact(), restarted.exact()) << i;
    ASSERT_EQ(plain.exact(), i < DistinctWindows::kExactMax) << i;
    if (i % 97 != 0) continue;
    for (const Window w : {Window::k5m, Window::k1h, Window::k24h}) ASSERT_EQ(plain.count(w), restarted.count(w)) << i;
  }
}

// The error that the header states, over many sketches: the mean error must be near 0 and its spread near 3.25 %.
TEST(DistinctSketch, ErrorIsAsStated) {
  for (const std::uint32_t things : {100U, 1000U, 20000U, 200000U}) {
    double sum = 0, squares = 0;
    constexpr int kRuns = 30;
    for (int run = 0; run < kRuns; ++run) {
      DistinctSketch sketch;
      for (std::uint32_t i = 0; i < things; ++i)
        sketch.add(peer_hash(mix64((static_cast<std::uint64_t>(run) << 32) + i * 2654435761ULL + 12345)),
                   1'700'000'000);
      const double error = sketch.count(Window::k5m, 1'700'000'000) / things - 1;
      sum += error;
      squares += error * error;
    }
    EXPECT_LT(std::abs(sum / kRuns), 4 * DistinctSketch::kRelativeError / std::sqrt(kRuns)) << things;
    EXPECT_LT(std::sqrt(squares / kRuns), 1.4 * DistinctSketch::kRelativeError) << things;
  }
}

// Times are kept relative to a base that moves on: what was counted before it moved counts as if it never had, also after a
// restart in between.
TEST(DistinctSketch, CountsOverMonthsAsOneThatBeganToday) {
  DistinctSketch old;
  std::uint32_t now = 1'700'000'000;
  for (std::uint32_t day = 0; day < 40; ++day, now += 86'400) {
    DistinctSketch young;
    for (std::uint32_t i = 0; i < 3000; ++i) {
      const std::uint32_t hash = peer_hash(mix64(day * 3000 + i)), time = now + i * 28;
      old.add(hash, time);
      young.add(hash, time);
    }
    const std::uint32_t end = now + 86'399;
    ASSERT_EQ(old.count(Window::k24h, end), young.count(Window::k24h, end)) << day;
    ASSERT_EQ(old.count(Window::k1h, end), young.count(Window::k1h, end)) << day;
    if (day % 7 != 3) continue;
    StateWriter out;
    old.save(out, end - 86'400);
    StateReader in(out.bytes());
    DistinctSketch again;
    again.load(in);
    ASSERT_TRUE(in.ok());
    ASSERT_EQ(again.count(Window::k24h, end), young.count(Window::k24h, end)) << day;
    old = std::move(again);
  }
}

TEST(DistinctSketch, OneSketchAnswersForEveryWindow) {
  DistinctSketch sketch, fresh_hour;
  const std::uint32_t now = 1'700'000'000;
  for (std::uint32_t i = 0; i < 50000; ++i) sketch.add(peer_hash(mix64(i + 1)), now - 86400);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    sketch.add(peer_hash(mix64(i + 1'000'000)), now - 1800);
    fresh_hour.add(peer_hash(mix64(i + 1'000'000)), now - 1800);
  }
  EXPECT_EQ(sketch.count(Window::k1h, now), fresh_hour.count(Window::k1h, now));
  EXPECT_EQ(sketch.count(Window::k5m, now), 0);
  EXPECT_NEAR(sketch.count(Window::k7d, now) / 55000, 1, 0.13);
  sketch.add(peer_hash(mix64(7'000'000)), now);
  EXPECT_EQ(sketch.count(Window::k5m, now), 1);
}

}  // namespace
}  // namespace pandun::detect
