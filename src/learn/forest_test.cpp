#include "learn/forest.h"

#include <gmock/gmock.h>

#include <cmath>

#include "learn/calibration.h"
#include "learn/metrics.h"
#include "learn/scorer.h"
#include "learn/testing/made_table.h"
#include "learn/testing/quick_training.h"
#include "learn/trainer.h"

namespace pandun::learn {
namespace {

using testing::made_table;
using testing::no_time;
using testing::quick;

struct Case {
  Table table;
  std::vector<float> labels;
  explicit Case(Table made) : table(std::move(made)), labels(table.labels.begin(), table.labels.end()) {}
  Rows rows() const { return {table.values, table.width(), labels, {}}; }
};

double auc_on(const std::vector<Tree>& trees, const Case& fresh) {
  return roc_auc(curve({forest_margins(trees, fresh.rows()), fresh.table.labels}));
}

Model model_of(const Table& table, std::vector<Tree> trees) {
  Model model;
  model.inputs = table.features;
  model.members.push_back({std::move(trees)});
  return model;
}

TEST(Forest, FindsTheSignalAndRepeatsItself) {
  const Case learned(made_table(900, 31)), fresh(made_table(900, 32));
  const auto trees = grow_forest(learned.rows(), {}), again = grow_forest(learned.rows(), {});
  EXPECT_GT(auc_on(trees, fresh), 0.9);
  EXPECT_EQ(write_model(model_of(learned.table, trees)), write_model(model_of(learned.table, again)));
  EXPECT_NE(write_model(model_of(learned.table, trees)),
            write_model(model_of(learned.table, grow_forest(learned.rows(), {.seed = 2}))));
}

TEST(Forest, KeepsItsBoundsAndAddsUpToSharesOfLabelOne) {
  const Case learned(made_table(5000, 33));
  const ForestParameters parameters{.trees = 5, .depth_max = 6, .leaf_rows_min = 2};
  const auto trees = grow_forest(learned.rows(), parameters);
  const auto scorer = Scorer::build(model_of(learned.table, trees));  // refuses what no model may hold
  ASSERT_TRUE(scorer.ok()) << scorer.error().text();
  for (const Tree& tree : trees) {
    std::vector<int> depth(tree.size(), 0);
    for (std::size_t i = 0; i < tree.size(); ++i) {
      EXPECT_LE(depth[i], 6);
      if (tree[i].leaf)
        EXPECT_GE(tree[i].cover, 5.0F);  // one row in a thousand
      else
        depth[tree[i].left] = depth[tree[i].left + 1] = depth[i] + 1;
    }
  }
  const auto margins = forest_margins(trees, learned.rows());
  double mean = 0;
  for (std::size_t r = 0; r < margins.size(); ++r) {
    EXPECT_NEAR(margins[r], static_cast<double>((*scorer)->margin({learned.table.row(r), learned.table.width()})),
                1e-5);
    EXPECT_GE(margins[r], -1);
    EXPECT_LE(margins[r], 1);
    mean += margins[r] / static_cast<double>(margins.size());
  }
  EXPECT_NEAR(mean, 0, 1e-6);  // each leaf tells its own rows' share, less the share of all
}

TEST(Forest, LearnsFromWhatIsMissing) {
  Case learned(made_table(600, 34));
  for (std::size_t r = 0; r < learned.table.rows(); ++r)  // one column tells, by being there
    for (std::size_t c = 0; c < learned.table.width(); ++c)
      learned.table.values[r * learned.table.width() + c] =
          c == 2 && learned.table.labels[r] != 0 ? std::nanf("") : 1.0F;
  const auto trees = grow_forest(learned.rows(), {.trees = 10});
  EXPECT_EQ(auc_on(trees, learned), 1);
}

TEST(Forest, RowsThatCannotBePartedGiveOneLeaf) {
  const std::vector<float> values(40, 7.0F);
  std::vector<float> labels(40, 0.0F);
  labels[3] = 1;
  for (const Tree& tree : grow_forest({values, 1, labels, {}}, {.trees = 3})) EXPECT_EQ(tree.size(), 1U);
}

// Whatever a table may hold, the model that comes of it can be read again.
TEST(Forest, HugeValuesStillMakeAModelThatCanBeRead) {
  Case learned(made_table(300, 41));
  Prng random(42);
  for (float& value : learned.table.values)
    if (!std::isnan(value)) value = random.chance(0.5) ? 3.4e38F * (random.chance(0.5) ? 1.0F : -1.0F) : value;
  const Model model = model_of(learned.table, grow_forest(learned.rows(), {}));
  const auto read = read_model(write_model(model), "huge");
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(write_model(*read), write_model(model));
}

TEST(ForestShare, IsTakenWhereItTellsMoreOnly) {
  Prng random(7);
  std::vector<double> margins, telling, noise;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 3000; ++i) {
    const double a = random.normal(), b = random.normal();
    labels.push_back(random.chance(1 / (1 + std::exp(-(a + 4 * b)))) ? 1 : 0);
    margins.push_back(a);
    telling.push_back(b);
    noise.push_back(random.normal());
  }
  EXPECT_NEAR(fit_share(margins, telling, labels, 1e-3), 4, 1);
  EXPECT_EQ(fit_share(margins, noise, labels, 1e-3), 0);
}

TrainOptions quick_with_forest() {
  TrainOptions options = quick();
  options.forest.trees = 20;
  return options;
}

// Trees of the forest stand in the members like any others: scored to the bit in batches, explained in full.
TEST(Forest, InAModelIsScoredAndExplainedLikeItsOtherTrees) {
  Table table = made_table(800, 35, 20);
  TrainOptions options = quick_with_forest();
  options.evaluate = false;
  options.boost.rounds_max = 3;  // leaves the forest much to say
  const auto result = train(table, nullptr, options, no_time);
  ASSERT_TRUE(result.ok()) << result.error().text();
  ASSERT_GT(result->forest_share, 0);
  EXPECT_EQ(result->model.trees(), 3 * (3U + 20));
  const auto scorer = Scorer::load(write_model(result->model), "written");
  ASSERT_TRUE(scorer.ok()) << scorer.error().text();
  std::vector<float> margins(table.rows());
  (*scorer)->margins(table.values, margins);
  for (std::size_t r = 0; r < table.rows(); r += 7) {
    const std::span<const float> row(table.row(r), table.width());
    EXPECT_EQ((*scorer)->margin(row), margins[r]);
    const Explanation why = (*scorer)->explain(row);
    double sum = why.base;
    for (const Contribution& part : why.contributions) sum += part.margin;
    EXPECT_NEAR(sum, why.margin, 1e-4);
  }
}

TEST(Forest, IsNotGrownWhereNothingIsLeftToLearn) {
  Table table = made_table(600, 36);
  for (std::size_t r = 0; r < table.rows(); ++r)
    table.values[r * table.width()] = static_cast<float>(table.labels[r]);  // parts cleanly
  TrainOptions options = quick_with_forest();
  options.evaluate = false;
  options.boost.rounds_max = 200;
  options.boost.column_share = 1;
  const auto result = train(table, nullptr, options, no_time);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->forest_share, 0);
}

// Which side of nought a product lies on cannot be told one column at a time.
TEST(Search, FindsTheDepthThatTheRowsAskFor) {
  Table table = made_table(1500, 37, 0);
  Prng random(38);
  for (std::size_t r = 0; r < table.rows(); ++r) {
    float* row = table.values.data() + r * table.width();
    for (std::size_t c = 0; c < table.width(); ++c) row[c] = static_cast<float>(random.normal());
    table.labels[r] = (row[0] * row[1] > 0) != random.chance(0.1) ? 1 : 0;
  }
  TrainOptions options = quick_with_forest();
  options.folds = 2;
  options.forest.trees = 0;
  options.boost.depth_max = 1;
  options.boost.column_share = 1;
  options.search = true;
  const auto result = train(table, nullptr, options, no_time);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->settings, "deeper");
  for (const FoldResult& fold : result->folds) EXPECT_EQ(fold.settings, "deeper");
  EXPECT_EQ(result->model.origin.parameters.at("search"), "deeper");
  EXPECT_EQ(result->model.origin.parameters.at("max_depth"), "3");
  EXPECT_GT(result->model.metrics.at("auc"), 0.8);
}

TEST(Search, NothingLeaksFromTheHeldFold) {
  Table table = made_table(600, 39);
  Prng random(40);
  for (auto& label : table.labels) label = random.chance(0.3) ? 1 : 0;
  TrainOptions options = quick_with_forest();
  options.search = true;
  const auto result = train(table, nullptr, options, no_time);
  ASSERT_TRUE(result.ok());
  EXPECT_NEAR(result->model.metrics.at("auc"), 0.5, 0.08);
}

}  // namespace
}  // namespace pandun::learn
