// Training: cross-validation that keeps every choice inside the training rows, then the model itself.
//
// Shape    each judged fold gets an ensemble of its own: the remaining rows are split again into `inner_folds`, each inner model stops
//          early on its inner fold, and the inner models' margins on the rows they did not see give threshold and calibration. The held
//          fold is only looked at to be scored. The final model is the same recipe over all rows. `repeats` judges again over other
//          folds; a hold-out takes the place of folds: its training part trains, its validation part chooses threshold and calibration.
// Errors   kBadInput for data that cannot be split, kUsage for options out of bounds, kUnavailable from the trainer library.
// Threads  one; `progress` is called from it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "learn/booster.h"
#include "learn/forest.h"
#include "learn/graph.h"
#include "learn/metrics.h"
#include "learn/model.h"
#include "learn/splits.h"
#include "learn/table.h"

namespace pandun::learn {

enum class CalibrationChoice : std::uint8_t { kPlatt, kIsotonic, kNone };

struct TrainOptions {
  std::string name = "model";
  std::uint32_t batch = 1;
  std::string change_note;
  DataManifest manifest;
  std::string label;
  SplitKind split = SplitKind::kStratified;
  std::string split_column;
  std::uint32_t folds = 5, inner_folds = 10, bags = 1;  // bags: repetitions of the inner split with other seeds
  std::uint64_t seed = 1;
  bool balance_classes = false;  // positive_weight = negatives / positives
  BoostParameters boost;
  // Beside each booster stands a forest, weighed by the rows that its member has not seen; it is left out where it brings nothing, and
  // where the first booster leaves nothing to learn. 0 trees: none.
  ForestParameters forest;
  // Chooses the booster's settings anew from every set of training rows, by its inner folds alone.
  bool search = false;
  CalibrationChoice calibration = CalibrationChoice::kPlatt;
  std::vector<Derived> derived;
  bool evaluate = true;  // false: no outer folds, the model only
  std::uint32_t repeats = 1;
  double hold_train = 0, hold_validation = 0;  // shares of a hold-out; 0: folds
};

// One judged fold, at the threshold chosen without it.
struct FoldResult {
  std::uint32_t fold = 0;
  std::uint64_t rows = 0, positives = 0;
  double auc = 0, average_precision = 0, cut = 0;
  Confusion confusion;
  std::uint32_t trees = 0;
  std::string settings;
  double forest_share = 0;
};

// One judging of the table: every row once (folds), or the held part.
struct Judged {
  std::vector<std::uint32_t> rows, fold_of;
  std::vector<double> margins, probabilities;  // calibrated, by an ensemble that never saw the row
  std::vector<std::uint8_t> labels;
  std::vector<bool> called;  // at the fold's own threshold
};

struct Training {
  Model model;
  std::string settings;     // of the search, for the model: "given", "shallower", ...
  double forest_share = 0;  // how much of the forests' mean stands in the margin; 0: none
  std::vector<FoldResult> folds;
  // Out of fold, of the first judging.
  std::vector<std::uint32_t> judged_rows;
  std::vector<double> probabilities;
  std::vector<std::uint8_t> labels;
  std::vector<bool> called;
  std::vector<Judged> repeats;     // all of them; the first is what stands above
  std::vector<double> importance;  // by column of the model: mean |contribution| over a sample
  double seconds_folds = 0, seconds_model = 0;
};

using Progress = std::function<void(double share)>;

// `edges` may be null. Graph columns must not be in the table: they are worked out here, without the held rows' labels.
Result<Training> train(const Table& table, const EdgeList* edges, const TrainOptions& options,
                       const std::function<double()>& seconds, const Progress& progress = {});

}  // namespace pandun::learn
