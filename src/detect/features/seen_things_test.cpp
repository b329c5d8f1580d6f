#include "detect/features/seen_things.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>

#include "base/hash.h"

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

std::uint16_t print(std::uint64_t seed, std::uint64_t thing) {
  return static_cast<std::uint16_t>(mix64(combine64(seed, thing)) >> 48);
}

// When each was met last, and how many since the window's start.
class Brute {
 public:
  void add(std::uint64_t thing, std::uint32_t time) { last_[thing] = std::max(last_[thing], time); }
  double count(Window w, std::uint32_t now) const {
    double n = 0;
    for (const auto& [thing, last] : last_) n += last >= start_s(w, now) ? 1 : 0;
    return n;
  }

 private:
  std::map<std::uint64_t, std::uint32_t> last_;
};

// Few things: equal, also with late ones and restarts; of two that share 16 bits one is missed.
TEST(SeenThings, CountsAFewExactly) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    SeenThings things;
    Brute brute;
    std::uint32_t clock = kStart;
    for (int i = 0; i < 3000; ++i) {
      clock += static_cast<std::uint32_t>(random() % (i % 500 < 400 ? 100 : 9000));
      const std::uint64_t thing = 1 + random() % SeenThings::kBest;
      const std::uint32_t late = random() % 10 == 0 ? static_cast<std::uint32_t>(random() % 100'000) : 0;
      things.advance(clock);
      things.add(print(seed, thing), clock - late);
      // A late one stands in its half hour, and counts in 1 h by the minute only within two half hours.
      if (clock - late >= start_s(Window::k24h, clock)) brute.add(thing, clock - late);
      if (i % 300 == 0) things = restarted(things);
      for (const Window w : {Window::k1h, Window::k24h}) ASSERT_NEAR(things.count(w), brute.count(w, clock), 1) << i;
    }
  }
}

// Of hundreds and thousands: without bias, within the stated error; a restart changes nothing.
TEST(SeenThings, CountsManyWithinTheStatedError) {
  for (const std::uint64_t many : {64U, 150U, 700U, 6000U}) {
    SCOPED_TRACE(std::to_string(many) + " things");
    double squares = 0, sum = 0, hour_squares = 0;
    const int runs = 60;
    std::size_t kept = 0;
    for (int run = 1; run <= runs; ++run) {
      const auto seed = static_cast<std::uint64_t>(run);
      std::mt19937_64 random(seed);
      SeenThings things, torn;
      Brute brute;
      std::uint32_t clock = kStart + static_cast<std::uint32_t>(random() % 1800);
      const auto adds = static_cast<std::uint32_t>(many * 3);
      for (std::uint32_t i = 0; i < adds; ++i) {
        clock += 70'000 / adds + (random() % 2 == 0 ? 1U : 0U);
        const std::uint64_t thing = random() % many;
        const std::uint32_t late = random() % 20 == 0 ? static_cast<std::uint32_t>(random() % 5000) : 0;
        for (SeenThings* t : {&things, &torn}) {
          t->advance(clock);
          t->add(print(seed, thing), clock - late);
        }
        brute.add(thing, clock - late);
        if (i % 97 == 0) torn = restarted(torn);
      }
      const double all = brute.count(Window::k24h, clock), hour = brute.count(Window::k1h, clock);
      const double off = things.count(Window::k24h) / all - 1;
      sum += off;
      squares += off * off;
      if (hour > 0) hour_squares += std::pow(things.count(Window::k1h) / hour - 1, 2);
      kept = std::max(kept, things.kept());
      for (const Window w : {Window::k1h, Window::k24h}) ASSERT_EQ(torn.count(w), things.count(w)) << "run " << run;
    }
    const double error = std::sqrt(squares / runs), bias = sum / runs;
    RecordProperty("error_" + std::to_string(many), std::to_string(error));
    const double stated = many == 64 ? 0.08 : many == 150 ? 0.11 : SeenThings::kRelativeError;
    EXPECT_LT(error, stated * 1.2);  // of 60 runs
    EXPECT_LT(std::sqrt(hour_squares / runs), stated * 1.2);
    EXPECT_LT(std::abs(bias), 3 * stated / std::sqrt(static_cast<double>(runs)));
    const double expected = SeenThings::kBest * (1 + std::log(static_cast<double>(many) / SeenThings::kBest));
    EXPECT_LT(static_cast<double>(kept), expected * 1.25 + 48);
  }
}

TEST(SeenThings, ForgetsWhatIsADayOld) {
  SeenThings things;
  things.advance(kStart);
  for (std::uint16_t i = 1; i <= 300; ++i) things.add(print(1, i), kStart);
  EXPECT_GT(things.kept(), 30U);
  things.advance(kStart + 90'000);
  EXPECT_EQ(things.count(Window::k24h), 0);
  EXPECT_EQ(things.kept(), 0U);
  EXPECT_LT(things.heap_bytes(), 100U);
}

// Hashes that somebody chose so that every one is kept.
TEST(SeenThings, NeverGrowsBeyondItsBound) {
  SeenThings things;
  things.advance(kStart);
  for (std::uint32_t i = 0; i < 65'536; ++i) things.add(static_cast<std::uint16_t>(i), kStart + i % 60);
  EXPECT_LE(things.kept(), SeenThings::kMost);
  EXPECT_LE(things.heap_bytes(), 3 * SeenThings::kMost + 32);
  EXPECT_GT(things.count(Window::k24h), 32);
}

}  // namespace
}  // namespace pandun::detect
