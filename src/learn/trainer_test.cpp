#include "learn/trainer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <set>

#include "learn/calibration.h"
#include "learn/evaluation.h"
#include "learn/report.h"
#include "learn/scorer.h"
#include "learn/testing/made_table.h"
#include "learn/testing/quick_training.h"

namespace pandun::learn {
namespace {

using testing::made_table;
using testing::no_time;
using testing::quick;

std::vector<float> labels_of(const Table& table) {
  return {table.labels.begin(), table.labels.end()};
}

struct Trained {
  Table table;
  std::unique_ptr<Oracle> oracle;
  std::shared_ptr<const Scorer> scorer;
};

Trained oracle_and_scorer(std::uint32_t depth, std::uint32_t rounds) {
  Trained out{made_table(1500, 11), nullptr, nullptr};
  BoostParameters parameters;
  parameters.depth_max = depth;
  parameters.rounds_max = rounds;
  const auto labels = labels_of(out.table);
  auto oracle = Oracle::train({out.table.values, out.table.width(), labels, {}}, parameters);
  EXPECT_TRUE(oracle.ok());
  out.oracle = std::move(*oracle);
  Model model;
  model.inputs = out.table.features;
  model.members = {out.oracle->member().value()};
  out.scorer = Scorer::build(std::move(model)).value();
  return out;
}

TEST(Walker, EqualsXgboostOnEveryRow) {
  for (const std::uint32_t depth : {1U, 4U, 9U}) {
    const Trained t = oracle_and_scorer(depth, 37);
    const auto theirs = t.oracle->margins(t.table.values, t.table.width());
    ASSERT_TRUE(theirs.ok());
    std::vector<float> ours(t.table.rows());
    t.scorer->margins(t.table.values, ours);
    for (std::size_t r = 0; r < ours.size(); ++r) {
      ASSERT_EQ(ours[r], (*theirs)[r]) << "row " << r << " depth " << depth;
      ASSERT_EQ(t.scorer->margin({t.table.row(r), t.table.width()}), ours[r]);
    }
  }
}

TEST(Explanation, EqualsXgboostAndAddsUp) {
  const Trained t = oracle_and_scorer(6, 25);
  const std::size_t width = t.table.width();
  const auto theirs = t.oracle->contributions(std::span(t.table.values).subspan(0, 200 * width), width);
  ASSERT_TRUE(theirs.ok());
  for (std::size_t r = 0; r < 200; ++r) {
    const Explanation ours = t.scorer->explain({t.table.row(r), width});
    double sum = ours.base;
    std::vector<double> parts(width + 1, 0.0);
    for (const Contribution& part : ours.contributions) {
      sum += part.margin;
      parts[part.feature] = part.margin;
    }
    parts[width] = ours.base;
    EXPECT_NEAR(sum, ours.margin, 1e-4);
    for (std::size_t f = 0; f <= width; ++f)
      EXPECT_NEAR(parts[f], static_cast<double>((*theirs)[r * (width + 1) + f]), 1e-4)
          << "row " << r << " column " << f;
  }
}

TEST(Training, TheSameSeedGivesTheSameFileAndFindsTheSignal) {
  const Table table = made_table(900, 3);
  const auto a = train(table, nullptr, quick(), no_time), b = train(table, nullptr, quick(), no_time);
  ASSERT_TRUE(a.ok()) << a.error().text();
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(write_model(a->model), write_model(b->model));
  TrainOptions other = quick();
  other.seed = 2;
  EXPECT_NE(write_model(train(table, nullptr, other, no_time).value().model), write_model(a->model));
  EXPECT_GT(a->model.metrics.at("auc"), 0.85);
  EXPECT_EQ(a->folds.size(), 3U);
  EXPECT_EQ(std::set(a->judged_rows.begin(), a->judged_rows.end()).size(), table.rows());
  // The columns that tell weigh more than noise.
  EXPECT_GT(a->importance[0], a->importance[3] * 2);
  ASSERT_NE(a->model.threshold("balanced"), nullptr);
}

// Labels drawn without a look at the features: whatever leaks would show as an AUC away from one half.
TEST(Training, NothingLeaksFromTheHeldFold) {
  Table table = made_table(1200, 5);
  Prng random(99);
  for (auto& label : table.labels) label = random.chance(0.3) ? 1 : 0;
  const auto result = train(table, nullptr, quick(), no_time);
  ASSERT_TRUE(result.ok());
  EXPECT_NEAR(result->model.metrics.at("auc"), 0.5, 0.06);
}

TEST(Training, GraphColumnsDoNotLeakEither) {
  Table table = made_table(1200, 6);
  Prng random(100);
  for (auto& label : table.labels) label = random.chance(0.3) ? 1 : 0;
  std::string text = "a,b\n";
  for (int i = 0; i < 4000; ++i)
    text += "u" + std::to_string(random.below(1200)) + ",u" + std::to_string(random.below(1200)) + "\n";
  const auto edges = read_edges(CsvReader::over(text, "e.csv"));
  ASSERT_TRUE(edges.ok());
  const auto result = train(table, &*edges, quick(), no_time);
  ASSERT_TRUE(result.ok());
  EXPECT_NEAR(result->model.metrics.at("auc"), 0.5, 0.06);
  EXPECT_EQ(result->model.inputs.size(), table.width() + graph_columns().size());
}

TEST(Training, TheGraphHelpsWhereFraudKeepsToItself) {
  Table table = made_table(1200, 8);
  Prng random(101);
  for (float& value : table.values) value = static_cast<float>(random.normal());  // only the graph tells
  std::string text = "a,b\n";
  for (int i = 0; i < 6000; ++i) {
    const auto a = random.below(1200), b = random.below(1200);
    if (table.labels[a] == table.labels[b]) text += "u" + std::to_string(a) + ",u" + std::to_string(b) + "\n";
  }
  const auto edges = read_edges(CsvReader::over(text, "e.csv"));
  const auto result = train(table, &*edges, quick(), no_time);
  ASSERT_TRUE(result.ok());
  EXPECT_GT(result->model.metrics.at("auc"), 0.9);
}

TEST(Training, RefusesWhatCannotBeJudged) {
  Table table = made_table(300, 4);
  std::fill(table.labels.begin(), table.labels.end(), std::uint8_t{0});
  EXPECT_EQ(train(table, nullptr, quick(), no_time).error().code, Errc::kBadInput);
  TrainOptions options = quick();
  options.folds = 1;
  EXPECT_EQ(train(made_table(300, 4), nullptr, options, no_time).error().code, Errc::kUsage);
}

TEST(Training, GroupsStayTogetherAndTimeRunsForward) {
  Table table = made_table(600, 9);
  for (std::size_t r = 0; r < table.rows(); ++r) {
    table.groups.push_back("g" + std::to_string(r % 40));
    table.times.push_back(static_cast<std::int64_t>(r * 7 % 600) * 1000);
  }
  const auto grouped = split_grouped(table.labels, table.groups, 4, 1);
  ASSERT_TRUE(grouped.ok());
  std::map<std::string, std::set<std::uint32_t>> seen;
  for (std::size_t r = 0; r < table.rows(); ++r) seen[table.groups[r]].insert(grouped->fold[r]);
  for (const auto& [group, folds] : seen) EXPECT_EQ(folds.size(), 1U) << group;
  const auto timed = split_by_time(table.labels, table.times, 4);
  ASSERT_TRUE(timed.ok());
  for (std::uint32_t held = 1; held < 4; ++held) {
    std::int64_t latest = -1, earliest = 1 << 30;
    for (const std::uint32_t r : timed->training(held)) latest = std::max(latest, table.times[r]);
    for (const std::uint32_t r : timed->rows_of(held)) earliest = std::min(earliest, table.times[r]);
    EXPECT_LT(latest, earliest);
  }
  TrainOptions options = quick();
  options.split = SplitKind::kTime;
  options.split_column = "time";
  const auto result = train(table, nullptr, options, no_time);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->folds.size(), 2U);
  EXPECT_EQ(result->model.origin.split, "by time of time");
}

TEST(Split, StratifiedFoldsAreEven) {
  const Table table = made_table(503, 2);
  const auto split = split_stratified(table.labels, 5, 42);
  ASSERT_TRUE(split.ok());
  std::vector<std::size_t> rows(5), positives(5);
  for (std::size_t r = 0; r < table.rows(); ++r) ++rows[split->fold[r]], positives[split->fold[r]] += table.labels[r];
  for (const auto* counts : {&rows, &positives})
    EXPECT_LE(*std::max_element(counts->begin(), counts->end()) - *std::min_element(counts->begin(), counts->end()),
              2U);
}

TEST(Calibration, PlattAndIsotonicMakeScoresHonest) {
  Prng random(12);
  std::vector<double> margins;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 4000; ++i) {
    const double z = random.normal() * 2;
    labels.push_back(random.chance(1 / (1 + std::exp(-z))) ? 1 : 0);
    margins.push_back(z * 3 + 2);  // far too sure, and shifted
  }
  for (const Calibration& c : {fit_platt(margins, labels), fit_isotonic(margins, labels)}) {
    std::vector<double> p;
    for (const double m : margins) p.push_back(c.probability(m));
    EXPECT_LT(calibration_of({p, labels}).expected_error, 0.03);
    for (double m = -20; m < 20; m += 0.1) EXPECT_LE(c.probability(m), c.probability(m + 0.1) + 1e-12);
  }
}

TEST(Report, IsOnePageThatLoadsNothingAndEscapes) {
  Table table = made_table(400, 21);
  table.features[0] = "<script>alert(1)</script>";
  TrainOptions options = quick();
  options.name = "\"><img src=x>";
  const auto result = train(table, nullptr, options, no_time);
  ASSERT_TRUE(result.ok());
  const Evaluation evaluation = evaluate({.probabilities = result->probabilities,
                                          .labels = result->labels,
                                          .called = result->called,
                                          .protected_groups = {},
                                          .entities = {},
                                          .times = {},
                                          .first_events = {},
                                          .calls = {}});
  const LabelNoise noise = label_noise(result->probabilities, result->labels, result->judged_rows);
  ReportInput input;
  input.model = &result->model;
  input.evaluation = &evaluation;
  input.training = &*result;
  input.noise = &noise;
  input.table = &table;
  input.title = options.name;
  const std::string page = html_report(input);
  for (const char* banned : {"<script", "<img", "http://", "https://", "url(", "@import"})
    EXPECT_EQ(page.find(banned), std::string::npos) << banned;
  for (const char* wanted : {"<svg", "ROC-AUC", "误停的代价", "The price of false cut-offs", "&lt;script&gt;"})
    EXPECT_NE(page.find(wanted), std::string::npos) << wanted;
}

}  // namespace
}  // namespace pandun::learn
