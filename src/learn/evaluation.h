// Everything a person needs to judge scores on rows with known labels: quality with intervals, the price of false cut-offs, who bears
// them, how late a detection comes.
//
// Units    scores are calibrated probabilities; delays in minutes of event time and in calls.
// Threads  pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "learn/metrics.h"
#include "learn/table.h"
#include "learn/trainer.h"

namespace pandun::learn {

struct BaseRateFigure {
  double one_in = 0;                          // one row in so many is positive
  double at_fpr_1pct = 0, at_fpr_0_1pct = 0;  // precision there
};

struct GroupFigure {
  std::string group;
  std::uint64_t rows = 0, positives = 0;
  Interval false_positive_rate, recall;
};

// Over the entities of label 1 that were called at all.
struct DelayFigure {
  std::uint64_t entities = 0, detected = 0;
  double minutes_median = 0, minutes_p90 = 0, calls_median = 0, calls_p90 = 0;  // NaN: not known
};

struct Evaluation {
  std::uint64_t rows = 0, positives = 0;
  Interval auc, average_precision, macro_f1, macro_recall, g_mean;
  Interval recall_fpr_1pct, recall_fpr_0_1pct, recall_precision_95, recall_precision_99;
  Operating at_fpr_1pct, at_fpr_0_1pct;
  Confusion confusion;  // as called
  std::vector<BaseRateFigure> base_rates;
  CalibrationFigures calibration;
  std::vector<CostPoint> costs;
  std::vector<GroupFigure> groups;
  std::optional<DelayFigure> delay;
  Curve curve;
  std::vector<std::uint64_t> histogram_positive, histogram_negative;  // 20 bins of the score
};

struct EvaluationInput {
  std::span<const double> probabilities;
  std::span<const std::uint8_t> labels;
  std::vector<bool> called;
  std::span<const std::string> protected_groups;  // may be empty
  // For the delay; `entities` empty: each row is one. `times` and `first_events` empty: no delay. `calls` (per row) may be empty.
  std::span<const std::string> entities;
  std::span<const std::int64_t> times, first_events;
  std::span<const float> calls;
  std::uint64_t seed = 1;
};
Evaluation evaluate(const EvaluationInput& input);
std::string evaluation_json(const Evaluation& evaluation);

// One figure over repeated judgings of the same rows: its mean, its spread between the judgings (standard deviation), and a 95 %
// interval of the mean by resampling rows (users), the same resample in every judging.
struct RepeatedFigure {
  std::string name;
  double mean = 0, spread = 0, low = 0, high = 0;
  std::vector<double> values;  // one a judging
};
struct RepeatedEvaluation {
  std::size_t judgings = 0, rows = 0;
  std::vector<RepeatedFigure> figures;
  const RepeatedFigure* figure(std::string_view name) const;
};
// auc and macro_f1 are means over a judging's folds; the rest is over all its rows: macro_recall, g_mean, accuracy, average_precision,
// recall_at_fpr_1pct, recall_at_fpr_0_1pct, and precision_<1pct|0_1pct>_1_in_<100|1000|10000>.
RepeatedEvaluation evaluate_repeats(std::span<const Judged> judgings, std::uint64_t seed, std::size_t samples = 400);
std::string repeats_json(const RepeatedEvaluation& repeats);

// How far a column (or the score) of `now` has moved from `then`. PSI over the reference's deciles with a bin for missing values: under
// 0.1 steady, over 0.25 moved (a usual reading); KS: largest distance of the distribution functions of present values.
struct Drift {
  std::string feature;
  double psi = 0, ks = 0, missing_then = 0, missing_now = 0;
};
std::vector<Drift> drift(const Table& then, const Table& now);  // same features; most moved first
Drift score_drift(std::span<const float> then, std::span<const float> now);

// Rows whose label the model, never having seen them, contradicts with at least the confidence that is usual for that class.
// Source: Northcutt, Jiang, Chuang 2021, "Confident learning", section 3.1.
struct LabelDoubt {
  std::uint32_t row = 0;  // of the table
  std::uint8_t label = 0;
  double probability = 0;
};
struct LabelNoise {
  double usual_positive = 0, usual_negative = 0;  // mean probability of its own class
  std::uint64_t doubtful_positive = 0, doubtful_negative = 0;
  std::vector<LabelDoubt> rows;  // most doubtful first
};
LabelNoise label_noise(std::span<const double> probabilities, std::span<const std::uint8_t> labels,
                       std::span<const std::uint32_t> rows);

}  // namespace pandun::learn
