#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/prng.h"
#include "learn/evaluation.h"
#include "learn/report.h"
#include "learn/testing/made_table.h"
#include "learn/testing/quick_training.h"
#include "learn/trainer.h"

namespace pandun::learn {
namespace {

using testing::made_table;
using testing::no_time;
using testing::quick;

Judged judged_by(std::span<const double> scores, std::span<const std::uint8_t> labels, std::uint32_t folds) {
  Judged out;
  for (std::uint32_t i = 0; i < scores.size(); ++i) {
    out.rows.push_back(i);
    out.fold_of.push_back(i % folds);
    out.margins.push_back(scores[i]);
    out.probabilities.push_back(scores[i]);
    out.labels.push_back(labels[i]);
    out.called.push_back(scores[i] >= 0.5);
  }
  return out;
}

TEST(HoldOut, PartsAreApartWholeAndEvenInBothClasses) {
  const Table table = made_table(1003, 5);
  const auto parts = split_hold_out(table.labels, 0.6, 0.2, 9);
  ASSERT_TRUE(parts.ok());
  std::set<std::uint32_t> seen;
  for (const auto* part : {&parts->train, &parts->validation, &parts->test}) seen.insert(part->begin(), part->end());
  EXPECT_EQ(seen.size(), table.rows());
  EXPECT_EQ(parts->train.size() + parts->validation.size() + parts->test.size(), table.rows());
  const double share = static_cast<double>(table.positives()) / static_cast<double>(table.rows());
  for (const auto* part : {&parts->train, &parts->validation, &parts->test}) {
    double positives = 0;
    for (const std::uint32_t r : *part) positives += table.labels[r];
    EXPECT_NEAR(positives / static_cast<double>(part->size()), share, 0.01);
  }
  EXPECT_NEAR(static_cast<double>(parts->train.size()), 0.6 * 1003, 2);
  EXPECT_FALSE(split_hold_out(table.labels, 0.999, 0.0005, 9).ok()) << "nothing is left to judge";
}

TEST(Repeats, JudgeEveryRowOnceEachTimeOverOtherFolds) {
  const Table table = made_table(600, 3);
  TrainOptions options = quick(40);
  options.repeats = 3;
  const auto result = train(table, nullptr, options, no_time);
  ASSERT_TRUE(result.ok()) << result.error().text();
  ASSERT_EQ(result->repeats.size(), 3U);
  for (const Judged& judged : result->repeats) {
    EXPECT_EQ(std::set<std::uint32_t>(judged.rows.begin(), judged.rows.end()).size(), table.rows());
    EXPECT_EQ(judged.rows.size(), table.rows());
  }
  EXPECT_NE(result->repeats[0].rows, result->repeats[1].rows);
  EXPECT_EQ(result->repeats[0].probabilities, result->probabilities);
  EXPECT_EQ(result->folds.size(), 3U) << "the folds of the first judging";
  options.repeats = 1;
  const auto once = train(table, nullptr, options, no_time);
  ASSERT_TRUE(once.ok());
  EXPECT_EQ(once->probabilities, result->probabilities) << "repeating changes nothing of the first judging";
}

TEST(Repeats, AHoldOutIsJudgedByModelsThatSawNeitherItNorItsLabels) {
  Table table = made_table(900, 4);
  TrainOptions options = quick(40);
  options.hold_train = 0.5;
  options.hold_validation = 0.2;
  const auto result = train(table, nullptr, options, no_time);
  ASSERT_TRUE(result.ok()) << result.error().text();
  EXPECT_NEAR(static_cast<double>(result->judged_rows.size()), 270, 3);
  // Another row in its place: only its own score may change.
  const std::uint32_t row = result->judged_rows[0];
  for (std::size_t f = 0; f < table.width(); ++f) table.values[row * table.width() + f] = 0;
  const auto again = train(table, nullptr, options, no_time);
  ASSERT_TRUE(again.ok());
  ASSERT_EQ(again->judged_rows, result->judged_rows);
  for (std::size_t i = 1; i < again->probabilities.size(); ++i)
    ASSERT_EQ(again->probabilities[i], result->probabilities[i]) << "a judged row's features reached the training";
  options.split = SplitKind::kGrouped;
  EXPECT_EQ(train(table, nullptr, options, no_time).error().code, Errc::kUsage);
}

TEST(RepeatedFigures, EqualTheSimpleOnesForOneJudgingOfOneFold) {
  Prng random(6);
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 900; ++i) {
    labels.push_back(random.chance(0.3) ? 1 : 0);
    scores.push_back(std::round(100 / (1 + std::exp(-(labels.back() * 2.0 - 1 + random.normal())))) / 100);  // ties too
  }
  const std::vector<Judged> judged{judged_by(scores, labels, 1)};
  const RepeatedEvaluation figures = evaluate_repeats(judged, 1, 200);
  const Curve points = curve({scores, labels});
  const Confusion called = confusion({scores, labels}, 0.5);
  EXPECT_NEAR(figures.figure("auc")->mean, roc_auc(points), 1e-12);
  EXPECT_NEAR(figures.figure("average_precision")->mean, average_precision(points), 1e-12);
  EXPECT_NEAR(figures.figure("macro_f1")->mean, called.macro_f1(), 1e-12);
  EXPECT_NEAR(figures.figure("macro_recall")->mean, called.macro_recall(), 1e-12);
  EXPECT_NEAR(figures.figure("recall_at_fpr_1pct")->mean, recall_at_fpr(points, 0.01).recall, 1e-12);
  // The interval is that of the plain bootstrap, within its noise.
  const Interval plain = bootstrap(
      {scores, labels}, [](const Scored& s) { return roc_auc(curve(s)); }, 3, 200);
  EXPECT_NEAR(figures.figure("auc")->low, plain.low, 0.006);
  EXPECT_NEAR(figures.figure("auc")->high, plain.high, 0.006);
  EXPECT_EQ(figures.figure("auc")->spread, 0);
  EXPECT_EQ(figures.figure("nothing"), nullptr);
}

TEST(RepeatedFigures, MeanAndSpreadAreOverJudgings) {
  const std::vector<double> good{0.9, 0.8, 0.2, 0.1}, bad{0.1, 0.8, 0.2, 0.9};
  const std::vector<std::uint8_t> labels{1, 1, 0, 0};
  const std::vector<Judged> judged{judged_by(good, labels, 1), judged_by(bad, labels, 1)};
  const RepeatedEvaluation figures = evaluate_repeats(judged, 1, 50);
  EXPECT_NEAR(figures.figure("auc")->mean, (1 + 0.25) / 2, 1e-12);
  EXPECT_NEAR(figures.figure("auc")->spread, 0.75 / std::sqrt(2.0), 1e-12);
  EXPECT_EQ(figures.judgings, 2U);
  EXPECT_EQ(figures.rows, 4U);
}

TEST(ScoreDrift, IsNoneForTheSameAndMuchForAShift) {
  Prng random(8);
  std::vector<float> then, same, moved;
  for (int i = 0; i < 4000; ++i) {
    then.push_back(static_cast<float>(random.normal()));
    same.push_back(static_cast<float>(random.normal()));
    moved.push_back(static_cast<float>(random.normal() + 1));
  }
  EXPECT_LT(score_drift(then, same).psi, 0.02);
  EXPECT_LT(score_drift(then, same).ks, 0.05);
  EXPECT_GT(score_drift(then, moved).psi, 0.25);
  EXPECT_NEAR(score_drift(then, moved).ks, 0.383, 0.04);
}

TEST(EarlyStop, EndsWhereNothingIsLeftToLearn) {
  Prng random(4);
  std::vector<float> values, labels;
  for (int i = 0; i < 1200; ++i) {
    const bool fraud = random.chance(0.3);
    values.push_back(fraud ? 5.0F : 0.0F);  // parts cleanly
    labels.push_back(fraud ? 1.0F : 0.0F);
  }
  const std::span<const float> v(values), y(labels);
  BoostParameters parameters;
  parameters.child_weight_min = 0;  // else the splits end before the loss does
  parameters.lambda = 0.1;
  const auto made =
      boost({v.subspan(0, 800), 1, y.subspan(0, 800), {}}, {v.subspan(800), 1, y.subspan(800), {}}, parameters);
  ASSERT_TRUE(made.ok());
  EXPECT_LT(made->validation_loss, 0.002);
  EXPECT_LT(made->best_round, 300U);
  EXPECT_EQ(made->member.trees.size(), made->best_round);
}

}  // namespace
}  // namespace pandun::learn
