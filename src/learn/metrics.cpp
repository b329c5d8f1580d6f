#include "learn/metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "base/prng.h"

namespace pandun::learn {
namespace {

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? kNoFigure : static_cast<double>(part) / static_cast<double>(whole);
}

double f1(std::uint64_t tp, std::uint64_t fp, std::uint64_t fn) {
  const std::uint64_t below = 2 * tp + fp + fn;
  return below == 0 ? 0 : static_cast<double>(2 * tp) / static_cast<double>(below);
}

Operating operating(const Curve& curve, const CurvePoint& point) {
  const Confusion c = confusion_at(curve, point);
  return {point.score, c.recall(), c.precision(), c.false_positive_rate()};
}

// A cut that takes nothing: above every score.
CurvePoint nothing() {
  return {std::numeric_limits<double>::infinity(), 0, 0};
}

}  // namespace

Curve curve(const Scored& scored) {
  CHECK(scored.scores.size() == scored.labels.size());
  std::vector<std::uint32_t> order(scored.scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return scored.scores[a] != scored.scores[b] ? scored.scores[a] > scored.scores[b] : a < b;
  });
  Curve out;
  std::uint64_t tp = 0, fp = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    (scored.labels[order[i]] != 0 ? tp : fp) += 1;
    const double score = scored.scores[order[i]];
    if (i + 1 == order.size() || scored.scores[order[i + 1]] != score) out.points.push_back({score, tp, fp});
  }
  out.positives = tp;
  out.negatives = fp;
  return out;
}

double roc_auc(const Curve& curve) {
  if (curve.positives == 0 || curve.negatives == 0) return kNoFigure;
  double area = 0;
  CurvePoint last;
  for (const CurvePoint& point : curve.points) {
    area += static_cast<double>(point.false_positives - last.false_positives) *
            static_cast<double>(point.true_positives + last.true_positives) / 2;
    last = point;
  }
  return area / (static_cast<double>(curve.positives) * static_cast<double>(curve.negatives));
}

double average_precision(const Curve& curve) {
  if (curve.positives == 0) return kNoFigure;
  double area = 0;
  std::uint64_t last = 0;
  for (const CurvePoint& point : curve.points) {
    area += static_cast<double>(point.true_positives - last) *
            share(point.true_positives, point.true_positives + point.false_positives);
    last = point.true_positives;
  }
  return area / static_cast<double>(curve.positives);
}

double Confusion::recall() const {
  return share(tp, tp + fn);
}
double Confusion::precision() const {
  return share(tp, tp + fp);
}
double Confusion::false_positive_rate() const {
  return share(fp, fp + tn);
}
double Confusion::specificity() const {
  return share(tn, fp + tn);
}
double Confusion::accuracy() const {
  return share(tp + tn, tp + fp + fn + tn);
}
double Confusion::macro_f1() const {
  return (f1(tp, fp, fn) + f1(tn, fn, fp)) / 2;
}
double Confusion::macro_recall() const {
  return (recall() + specificity()) / 2;
}
double Confusion::g_mean() const {
  return std::sqrt(recall() * specificity());
}

Confusion confusion(const Scored& scored, double cut) {
  Confusion out;
  for (std::size_t i = 0; i < scored.scores.size(); ++i) {
    const bool called = scored.scores[i] >= cut;
    if (scored.labels[i] != 0)
      (called ? out.tp : out.fn) += 1;
    else
      (called ? out.fp : out.tn) += 1;
  }
  return out;
}

Confusion confusion_at(const Curve& curve, const CurvePoint& point) {
  return {point.true_positives, point.false_positives, curve.positives - point.true_positives,
          curve.negatives - point.false_positives};
}

double best_macro_f1_cut(const Curve& curve) {
  double best = -1, cut = 0;
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    const double value = confusion_at(curve, curve.points[i]).macro_f1();
    if (value <= best) continue;
    best = value;
    const double here = curve.points[i].score;
    cut = i + 1 < curve.points.size() ? here + (curve.points[i + 1].score - here) / 2 : here;
  }
  return cut;
}

double expected_macro_f1_cut(std::span<const double> scores, std::span<const double> probabilities) {
  CHECK(scores.size() == probabilities.size());
  std::vector<std::pair<double, double>> falling;
  double positives = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    falling.emplace_back(scores[i], probabilities[i]);
    positives += probabilities[i];
  }
  std::sort(falling.begin(), falling.end(), std::greater<>());
  const double rows = static_cast<double>(falling.size());
  double best = -1, cut = 0, hits = 0;
  for (std::size_t i = 0; i < falling.size(); ++i) {
    hits += falling[i].second;
    const double here = falling[i].first, next = i + 1 < falling.size() ? falling[i + 1].first : here;
    if (i + 1 < falling.size() && next == here) continue;
    const double called = static_cast<double>(i + 1);
    const double passed_well = rows - called - (positives - hits);  // negatives that are not called
    const double f1 = 2 * hits / (called + positives) + 2 * passed_well / (2 * rows - called - positives);
    if (!(f1 > best)) continue;
    best = f1;
    cut = here + (next - here) / 2;
  }
  return cut;
}

Operating recall_at_fpr(const Curve& curve, double rate) {
  CurvePoint best = nothing();
  for (const CurvePoint& point : curve.points)
    if (static_cast<double>(point.false_positives) <= rate * static_cast<double>(curve.negatives)) best = point;
  return operating(curve, best);
}

Operating recall_at_precision(const Curve& curve, double precision) {
  CurvePoint best = nothing();
  for (const CurvePoint& point : curve.points)
    if (share(point.true_positives, point.true_positives + point.false_positives) >= precision) best = point;
  return operating(curve, best);
}

double precision_at_base_rate(double recall, double false_positive_rate, double one_in) {
  const double hits = recall, alarms = false_positive_rate * (one_in - 1);
  return hits + alarms > 0 ? hits / (hits + alarms) : kNoFigure;
}

CalibrationFigures calibration_of(const Scored& probabilities, std::size_t bins) {
  CalibrationFigures out;
  const std::size_t n = probabilities.scores.size();
  if (n == 0) return out;
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const double x = probabilities.scores[a], y = probabilities.scores[b];
    return x != y ? x < y : a < b;
  });
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const std::size_t from = bin * n / bins, to = (bin + 1) * n / bins;
    if (from == to) continue;
    ReliabilityBin made;
    for (std::size_t i = from; i < to; ++i) {
      const double p = probabilities.scores[order[i]], y = probabilities.labels[order[i]];
      made.mean_score += p;
      made.observed += y;
      out.brier += (p - y) * (p - y);
    }
    made.count = to - from;
    made.mean_score /= static_cast<double>(made.count);
    made.observed /= static_cast<double>(made.count);
    out.expected_error += std::fabs(made.mean_score - made.observed) * static_cast<double>(made.count);
    out.bins.push_back(made);
  }
  out.brier /= static_cast<double>(n);
  out.expected_error /= static_cast<double>(n);
  return out;
}

CostPoint cheapest_cut(const Curve& curve, double ratio) {
  const double rows = static_cast<double>(curve.positives + curve.negatives);
  CurvePoint best = nothing();
  double least = static_cast<double>(curve.positives);
  for (const CurvePoint& point : curve.points) {
    const double cost = static_cast<double>(curve.positives - point.true_positives) +
                        ratio * static_cast<double>(point.false_positives);
    if (cost < least) {
      least = cost;
      best = point;
    }
  }
  const Confusion c = confusion_at(curve, best);
  return {ratio, best.score, least / rows, c.recall(), c.false_positive_rate()};
}

Interval bootstrap(const Scored& scored, const std::function<double(const Scored&)>& figure, std::uint64_t seed,
                   std::size_t samples) {
  Interval out;
  out.value = figure(scored);
  std::vector<std::uint32_t> classes[2];
  for (std::uint32_t i = 0; i < scored.labels.size(); ++i) classes[scored.labels[i] != 0 ? 1 : 0].push_back(i);
  std::vector<double> scores(scored.scores.size()), values;
  std::vector<std::uint8_t> labels(scores.size());
  Prng random(seed);
  for (std::size_t s = 0; s < samples; ++s) {
    std::size_t at = 0;
    for (const auto& rows : classes)
      for (std::size_t i = 0; i < rows.size(); ++i, ++at) {
        const std::uint32_t pick = rows[random.below(rows.size())];
        scores[at] = scored.scores[pick];
        labels[at] = scored.labels[pick];
      }
    const double value = figure({scores, labels});
    if (std::isfinite(value)) values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  const auto quantile = [&](double q) {
    return values.empty() ? kNoFigure : values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
  };
  out.low = quantile(0.025);
  out.high = quantile(0.975);
  return out;
}

Interval wilson(std::uint64_t hits, std::uint64_t of) {
  if (of == 0) return {kNoFigure, 0, 1};
  constexpr double z = 1.959963984540054;
  const double n = static_cast<double>(of), p = static_cast<double>(hits) / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {p, std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

}  // namespace pandun::learn
