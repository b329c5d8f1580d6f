#include "detectors/sim_box/cell.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "detect/state_table.h"

namespace pandun::detectors::sim_box {
namespace {

constexpr std::uint32_t kStart = 1'772'416'800;

model::NumberKey number_of(std::uint64_t n) {
  return model::NumberKey::e164(8613800000000ULL + n * 7919);
}

// Callees and calls of each seat, through growth, turns of the spans, displacement and restarts.
TEST(SimBoxCell, KeepsItsSeatsApart) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Cell cell;
    struct Known {
      detect::TwoSpansDistinct<64> callees;
      detect::TwoSpans<> calls;
    };
    std::map<std::uint64_t, Known> known;  // by place
    std::map<std::uint64_t, model::NumberKey> sits;
    detect::SpanClock clock;
    std::uint32_t now = kStart, displaced = 0;
    for (int i = 0; i < 6000; ++i) {
      now += static_cast<std::uint32_t>(random() % (i % 1500 == 0 ? 60'000 : 40));
      cell.advance(now);
      clock.advance(now, kCellSpanS, [&](bool adjacent) {
        for (auto& [place, k] : known) {
          k.callees.turn(adjacent);
          k.calls.turn(adjacent);
        }
      });
      // Some numbers are busy, most are not.
      const std::uint64_t who = random() % 3 == 0 ? random() % 60 : random() % 10;
      const model::NumberKey number = number_of(who);
      const int place = cell.seat(number, true, now);
      if (place < 0) continue;
      const auto at = static_cast<std::uint64_t>(place);
      if (sits[at] != number) {
        displaced += sits[at].known() ? 1U : 0U;
        known[at] = {};
        sits[at] = number;
      }
      const std::uint64_t callee = mix64(random() % (who < 5 ? 400 : 6));
      cell.at(at).calls.add();
      cell.talk(at).start_s = now;
      cell.add_callee(at, callee);
      known[at].calls.add();
      known[at].callees.add(callee);
      if (i % 311 == 0) {
        detect::StateWriter out;
        cell.save(out);
        detect::StateReader in(out.bytes());
        Cell loaded;
        loaded.load(in);
        ASSERT_TRUE(in.ok());
        cell = std::move(loaded);
      }
      for (const auto& [p, k] : known) {
        ASSERT_EQ(cell.callees(p), k.callees.count()) << i;
        ASSERT_EQ(cell.at(p).calls.sum(), k.calls.sum());
        ASSERT_EQ(cell.number(p), sits[p]);
      }
    }
    EXPECT_EQ(cell.size(), kSeatsMax);
    EXPECT_GT(displaced, 20U);
    EXPECT_LT(cell.heap_bytes(), 24U * 42 + 16 + 1);
  }
}

}  // namespace
}  // namespace pandun::detectors::sim_box
