#include "detect/features/cell_activity_counts.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace pandun::detect {
namespace {

constexpr std::uint32_t kStart = 1'772'416'800;

// Quiet, busy and bursting cells, late contacts, pauses longer than a window, restarts: every count of every step.
TEST(CellCounts, EqualABruteForcePass) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    struct Told {
      std::uint32_t time;
      CellCounts::Counts n;
    };
    std::vector<Told> all;
    CellCounts counts;
    std::uint32_t clock = kStart;
    for (int i = 0; i < 2500; ++i) {
      clock += random() % 400 == 0 ? 100'000U : static_cast<std::uint32_t>(random() % (i % 500 < 250 ? 3 : 300));
      Told t{clock - (random() % 9 == 0 ? static_cast<std::uint32_t>(random() % 90'000) : 0), {}};
      t.n[random() % 3] = 1;
      t.n[3] = seed == 1 ? 0 : random() % 10 == 0 ? 1 : 0;
      t.n[4] = random() % 500 == 0 ? (seed == 4 ? 300'000 : 300) : static_cast<std::uint32_t>(random() % 3);
      for (std::size_t c = 5; c < t.n.size(); ++c)
        t.n[c] = random() % 4 == 0 ? static_cast<std::uint32_t>(random() % (c * 20)) : 0;
      counts.advance(clock);
      counts.add(t.time, t.n);
      all.push_back(t);
      if (random() % 200 == 0) {
        StateWriter out;
        counts.save(out);
        StateReader in(out.bytes());
        CellCounts loaded;
        loaded.load(in);
        ASSERT_TRUE(in.ok());
        counts = std::move(loaded);
      }
      if (i % 5 != 0) continue;
      for (const Window w : {Window::k5m, Window::k1h, Window::k24h}) {
        const WindowSpec& ws = spec(w);
        std::vector<CellCounts::Counts> steps(ws.steps);
        CellCounts::Counts sum{};
        for (auto it = all.rbegin(); it != all.rend() && it->time + 100'000 > clock - ws.width_s(); ++it) {
          const std::uint32_t back = clock / ws.step_s - it->time / ws.step_s;
          if (back >= ws.steps) continue;
          for (std::size_t c = 0; c < sum.size(); ++c) {
            steps[back][c] += it->n[c];
            sum[c] += it->n[c];
          }
        }
        for (std::size_t c = CellCounts::kHas[static_cast<std::size_t>(w)]; c < sum.size(); ++c) {
          ASSERT_EQ(counts.total(w, c) + counts.at(w, 0, c), 0U);
        }
        for (std::size_t c = 0; c < CellCounts::kHas[static_cast<std::size_t>(w)]; ++c) {
          ASSERT_EQ(counts.total(w, c), sum[c]) << ws.name << ' ' << c << " at " << i;
          for (std::uint32_t back = 0; back < ws.steps; ++back) ASSERT_EQ(counts.at(w, back, c), steps[back][c]);
        }
      }
    }
  }
}

TEST(CellCounts, TakeFewBytesForFewContacts) {
  CellCounts counts;
  EXPECT_EQ(counts.heap_bytes(), 0U);
  for (std::uint32_t i = 0; i < 3600; ++i) {
    counts.advance(kStart + i * 24);
    counts.add(kStart + i * 24, {i % 2, 1 - i % 2, i % 5 == 0 ? 1U : 0U, 0, i % 20 == 0 ? 1U : 0U, i % 3 == 0 ? 1U : 0U,
                                 i % 6 == 1 ? 1U : 0U, i % 9 == 0 ? 1U : 0U, 0, i % 3 == 0 ? i % 150 : 0U});
  }
  EXPECT_LT(counts.heap_bytes(), 680U);
}

}  // namespace
}  // namespace pandun::detect
