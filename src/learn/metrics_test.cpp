#include "learn/metrics.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "base/prng.h"
#include "learn/evaluation.h"
#include "learn/testing/made_table.h"

namespace pandun::learn {
namespace {

// Pairs counted one by one.
double brute_auc(const Scored& s) {
  double wins = 0, pairs = 0;
  for (std::size_t i = 0; i < s.labels.size(); ++i)
    for (std::size_t j = 0; j < s.labels.size(); ++j) {
      if (s.labels[i] == 0 || s.labels[j] != 0) continue;
      pairs += 1;
      wins += s.scores[i] > s.scores[j] ? 1 : s.scores[i] == s.scores[j] ? 0.5 : 0;
    }
  return wins / pairs;
}

struct Sample {
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  Scored view() const { return {scores, labels}; }
};

Sample sample(std::uint64_t seed, std::size_t rows, double steps) {
  Prng random(seed);
  Sample out;
  for (std::size_t i = 0; i < rows; ++i) {
    out.labels.push_back(i < 2 ? static_cast<std::uint8_t>(i) : random.chance(0.3) ? 1 : 0);
    const double p = 1 / (1 + std::exp(-(random.normal() + (out.labels.back() != 0 ? 1 : -1))));
    out.scores.push_back(std::round(p * steps) / steps);  // ties
  }
  return out;
}

TEST(Metrics, AreaEqualsPairCountingAlsoWithTies) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Sample s = sample(seed, 60, seed % 2 == 0 ? 8 : 1e9);
    EXPECT_NEAR(roc_auc(curve(s.view())), brute_auc(s.view()), 1e-12) << "seed " << seed;
  }
}

// Over many samples of one truth the expected cut is as good on fresh rows as the labels' own best cut, and moves less.
TEST(Metrics, TheExpectedCutMovesLessThanTheBestOfTheLabels) {
  const auto draw = [](std::uint64_t seed, std::size_t rows) {
    Prng random(seed);
    Sample out;
    for (std::size_t i = 0; i < rows; ++i) {
      const double p = 1 / (1 + std::exp(-3 * random.normal() + 1));
      out.scores.push_back(p);
      out.labels.push_back(i < 2 ? static_cast<std::uint8_t>(i) : random.chance(p) ? 1 : 0);
    }
    return out;
  };
  const Sample fresh = draw(1'000, 20'000);
  double f1_expected = 0, f1_labels = 0, low_expected = 1, high_expected = 0, low_labels = 1, high_labels = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Sample s = draw(seed, 400);
    const double expected = expected_macro_f1_cut(s.scores, s.scores), labels = best_macro_f1_cut(curve(s.view()));
    low_expected = std::min(low_expected, expected), high_expected = std::max(high_expected, expected);
    low_labels = std::min(low_labels, labels), high_labels = std::max(high_labels, labels);
    f1_expected += confusion(fresh.view(), expected).macro_f1();
    f1_labels += confusion(fresh.view(), labels).macro_f1();
  }
  EXPECT_LT((high_expected - low_expected) * 3, high_labels - low_labels);
  EXPECT_GT(f1_expected, f1_labels);
}

TEST(Metrics, TheExpectedCutKnownAnswers) {
  // Calling the first two: hits 1.7 of 2 positives in 4 rows, so F1 is 3.4 / 4 for both classes; one or three give less.
  const std::vector<double> scores{3, 1, -1, -3}, sure{0.9, 0.8, 0.2, 0.1};
  EXPECT_DOUBLE_EQ(expected_macro_f1_cut(scores, sure), 0);
  // Rows of one score stand on one side.
  const std::vector<double> tied{3, 1, 1, -3}, alike{0.9, 0.6, 0.6, 0.1};
  EXPECT_DOUBLE_EQ(expected_macro_f1_cut(tied, alike), -1);
}

TEST(Metrics, KnownAnswers) {
  const std::vector<double> scores{0.9, 0.8, 0.7, 0.6, 0.5, 0.4};
  const std::vector<std::uint8_t> labels{1, 1, 0, 1, 0, 0};
  const Curve c = curve({scores, labels});
  EXPECT_NEAR(average_precision(c), (1 + 1 + 0.75) / 3, 1e-12);
  const Confusion at = confusion({scores, labels}, 0.65);
  EXPECT_EQ(at.tp, 2U);
  EXPECT_EQ(at.fp, 1U);
  EXPECT_NEAR(at.macro_f1(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(at.g_mean(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(recall_at_fpr(c, 0).recall, 2.0 / 3, 1e-12);
  EXPECT_NEAR(recall_at_fpr(c, 0.34).recall, 1, 1e-12);
  EXPECT_NEAR(recall_at_precision(c, 0.75).recall, 1, 1e-12);
  // The base-rate figures of the literature: recall 0.74 at 0.1 % false positives is precision 0.43 at 1 in 1,000.
  EXPECT_NEAR(precision_at_base_rate(0.741, 0.001, 1000), 0.4258, 1e-3);
  EXPECT_GT(cheapest_cut(c, 1000).cut, cheapest_cut(c, 0.1).cut);
}

TEST(Metrics, BestCutIsTheBestOfAll) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Sample s = sample(seed, 80, 40);
    const double best = confusion(s.view(), best_macro_f1_cut(curve(s.view()))).macro_f1();
    for (double cut = 0; cut <= 1.02; cut += 0.0125) EXPECT_GE(best + 1e-12, confusion(s.view(), cut).macro_f1());
  }
}

TEST(Metrics, OneClassGivesNoFigureAndNoCrash) {
  const std::vector<double> scores{0.1, 0.2};
  const std::vector<std::uint8_t> labels{0, 0};
  const Curve c = curve({scores, labels});
  EXPECT_TRUE(std::isnan(roc_auc(c)));
  EXPECT_TRUE(std::isnan(average_precision(c)));
  const Evaluation e = evaluate({.probabilities = scores,
                                 .labels = labels,
                                 .called = {false, true},
                                 .protected_groups = {},
                                 .entities = {},
                                 .times = {},
                                 .first_events = {},
                                 .calls = {}});
  EXPECT_NE(evaluation_json(e).find("\"auc\":{\"value\":null"), std::string::npos);
}

TEST(Metrics, BootstrapIsSeededAndHoldsTheValue) {
  const Sample s = sample(5, 400, 1e9);
  const auto auc = [](const Scored& x) { return roc_auc(curve(x)); };
  const Interval a = bootstrap(s.view(), auc, 1), b = bootstrap(s.view(), auc, 1), c = bootstrap(s.view(), auc, 2);
  EXPECT_EQ(a.low, b.low);
  EXPECT_NE(a.low, c.low);
  EXPECT_LT(a.low, a.value);
  EXPECT_GT(a.high, a.value);
  const Interval w = wilson(6, 4144);  // 0.14 %: 0.07 to 0.32 %
  EXPECT_NEAR(w.low, 0.00066, 5e-5);
  EXPECT_NEAR(w.high, 0.00315, 5e-5);
}

TEST(Evaluation, GroupsAndDelay) {
  const std::vector<double> p{0.9, 0.2, 0.8, 0.1, 0.95, 0.9};
  const std::vector<std::uint8_t> y{0, 0, 1, 1, 1, 1};
  const std::vector<std::string> groups{"courier", "courier", "other", "other", "other", "other"};
  const std::vector<std::string> entities{"n1", "n2", "f1", "f2", "f3", "f3"};
  const std::vector<std::int64_t> times{0, 0, 600'000, 60'000, 900'000, 300'000}, first(6, 0);
  const std::vector<float> calls{1, 1, 12, 2, 40, 20};
  const Evaluation e = evaluate({.probabilities = p,
                                 .labels = y,
                                 .called = {true, false, true, false, true, true},
                                 .protected_groups = groups,
                                 .entities = entities,
                                 .times = times,
                                 .first_events = first,
                                 .calls = calls});
  ASSERT_EQ(e.groups.size(), 2U);
  EXPECT_DOUBLE_EQ(e.groups[0].false_positive_rate.value, 0.5);
  ASSERT_TRUE(e.delay);
  EXPECT_EQ(e.delay->entities, 3U);
  EXPECT_EQ(e.delay->detected, 2U);  // f1 after 10 minutes, f3 after 5: its earlier row counts
  EXPECT_DOUBLE_EQ(e.delay->minutes_p90, 10);
  EXPECT_DOUBLE_EQ(e.delay->calls_p90, 20);
}

TEST(Drift, MovedColumnsComeFirst) {
  const Table then = testing::made_table(2000, 1);
  Table now = testing::made_table(2000, 2);
  for (std::size_t r = 0; r < now.rows(); ++r) now.values[r * now.width() + 4] += 1.5F;
  const auto moved = drift(then, now);
  EXPECT_EQ(moved.front().feature, "noise_1");
  EXPECT_GT(moved.front().psi, 0.25);
  EXPECT_GT(moved.front().ks, 0.4);
  EXPECT_LT(moved.back().psi, 0.05);
}

TEST(LabelNoise, FindsFlippedLabels) {
  Prng random(3);
  std::vector<double> p;
  std::vector<std::uint8_t> y;
  std::vector<std::uint32_t> rows;
  std::size_t flipped = 0;
  for (std::uint32_t i = 0; i < 500; ++i) {
    const bool fraud = random.chance(0.3), flip = random.chance(0.03);
    p.push_back(fraud ? 0.85 + random.uniform() * 0.14 : random.uniform() * 0.15);
    y.push_back(fraud != flip ? 1 : 0);
    rows.push_back(i);
    flipped += flip ? 1 : 0;
  }
  const LabelNoise noise = label_noise(p, y, rows);
  EXPECT_NEAR(static_cast<double>(noise.rows.size()), static_cast<double>(flipped),
              static_cast<double>(flipped) * 0.4 + 2);
  for (const LabelDoubt& doubt : noise.rows) EXPECT_NE(doubt.label != 0, doubt.probability > 0.5);
}

}  // namespace
}  // namespace pandun::learn
