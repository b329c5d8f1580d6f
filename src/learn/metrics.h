// How good scores are, on rows that the model has not seen. Scores may be margins or probabilities unless a line says otherwise.
//
// Shape    higher means more likely label 1. Ties share: ROC-AUC counts half, curves step over a tie at once.
// Errors   none: with one class only, areas and rates are NaN.
// Source   Fawcett 2006 (ROC); Davis & Goadrich 2006 (PR, as average precision); Naeini et al. 2015 (ECE, equal-mass bins).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace pandun::learn {

// Stands where a figure cannot be had.
inline constexpr double kNoFigure = std::numeric_limits<double>::quiet_NaN();

struct Scored {
  std::span<const double> scores;
  std::span<const std::uint8_t> labels;
};

struct CurvePoint {
  double score = 0;  // cut: score >= this is called positive
  std::uint64_t true_positives = 0, false_positives = 0;
};
struct Curve {
  std::vector<CurvePoint> points;  // falling scores; each distinct score once
  std::uint64_t positives = 0, negatives = 0;
};
Curve curve(const Scored& scored);

double roc_auc(const Curve& curve);
double average_precision(const Curve& curve);

struct Confusion {
  std::uint64_t tp = 0, fp = 0, fn = 0, tn = 0;
  double recall() const;
  double precision() const;
  double false_positive_rate() const;
  double specificity() const;
  double accuracy() const;
  double macro_f1() const;
  double macro_recall() const;
  double g_mean() const;
};
Confusion confusion(const Scored& scored, double cut);
Confusion confusion_at(const Curve& curve, const CurvePoint& point);

// The cut whose macro-F1 is best, halfway between two scores.
double best_macro_f1_cut(const Curve& curve);
// The cut on `scores` whose macro-F1 is best if `probabilities`, which rise with the scores, are true: each row counts with its probability,
// not with its label. It hardly moves from sample to sample, where the best cut of the labels jumps.
double expected_macro_f1_cut(std::span<const double> scores, std::span<const double> probabilities);
// The most recall while the false-positive rate (or 1 - precision) stays within the bound.
struct Operating {
  double cut = 0, recall = 0, precision = 0, false_positive_rate = 0;
};
Operating recall_at_fpr(const Curve& curve, double rate);
Operating recall_at_precision(const Curve& curve, double precision);

// What precision becomes where one in `one_in` is positive, from recall and false-positive rate.
double precision_at_base_rate(double recall, double false_positive_rate, double one_in);

struct ReliabilityBin {
  double mean_score = 0, observed = 0;
  std::uint64_t count = 0;
};
struct CalibrationFigures {
  double brier = 0, expected_error = 0;
  std::vector<ReliabilityBin> bins;  // equal mass
};
CalibrationFigures calibration_of(const Scored& probabilities, std::size_t bins = 10);

// The cheapest cut when a false cut-off costs `ratio` times a missed fraud, and what it costs for each row.
struct CostPoint {
  double ratio = 0, cut = 0, cost_per_row = 0, recall = 0, false_positive_rate = 0;
};
CostPoint cheapest_cut(const Curve& curve, double ratio);

struct Interval {
  double value = 0, low = 0, high = 0;  // 95 %
};
// Percentile bootstrap over rows, seeded; classes are resampled apart, so that no sample lacks one.
Interval bootstrap(const Scored& scored, const std::function<double(const Scored&)>& figure, std::uint64_t seed,
                   std::size_t samples = 400);

// Wilson score interval for a share.
Interval wilson(std::uint64_t hits, std::uint64_t of);

}  // namespace pandun::learn
