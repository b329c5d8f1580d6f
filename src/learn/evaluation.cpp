#include "learn/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>

#include "guard/json_writer.h"

namespace pandun::learn {
namespace {

constexpr std::size_t kHistogramBins = 20;

double quantile(std::vector<double>& values, double q) {
  if (values.empty()) return kNoFigure;
  const auto at = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

std::vector<GroupFigure> by_group(const EvaluationInput& input) {
  struct Count {
    std::uint64_t tp = 0, fp = 0, positives = 0, rows = 0;
  };
  std::map<std::string, Count> counts;
  for (std::size_t i = 0; i < input.protected_groups.size(); ++i) {
    Count& c = counts[input.protected_groups[i]];
    ++c.rows;
    c.positives += input.labels[i];
    if (input.called[i]) ++(input.labels[i] != 0 ? c.tp : c.fp);
  }
  std::vector<GroupFigure> out;
  for (const auto& [name, c] : counts)
    out.push_back({name, c.rows, c.positives, wilson(c.fp, c.rows - c.positives), wilson(c.tp, c.positives)});
  return out;
}

std::optional<DelayFigure> delay_of(const EvaluationInput& input) {
  if (input.times.empty() || input.first_events.empty()) return std::nullopt;
  struct First {
    std::int64_t begin = std::numeric_limits<std::int64_t>::max(), called = std::numeric_limits<std::int64_t>::max();
    double calls = kNoFigure;
  };
  std::unordered_map<std::string, First> entities;
  for (std::size_t i = 0; i < input.labels.size(); ++i) {
    if (input.labels[i] == 0) continue;
    First& first = entities[input.entities.empty() ? std::to_string(i) : input.entities[i]];
    first.begin = std::min(first.begin, input.first_events[i]);
    if (!input.called[i] || input.times[i] >= first.called) continue;
    first.called = input.times[i];
    if (!input.calls.empty()) first.calls = static_cast<double>(input.calls[i]);
  }
  DelayFigure out;
  std::vector<double> minutes, calls;
  for (const auto& [name, first] : entities) {
    ++out.entities;
    if (first.called == std::numeric_limits<std::int64_t>::max()) continue;
    ++out.detected;
    minutes.push_back(static_cast<double>(first.called - first.begin) / 60'000.0);
    if (std::isfinite(first.calls)) calls.push_back(first.calls);
  }
  out.minutes_median = quantile(minutes, 0.5);
  out.minutes_p90 = quantile(minutes, 0.9);
  out.calls_median = quantile(calls, 0.5);
  out.calls_p90 = quantile(calls, 0.9);
  return out;
}

// Intervals that only need sorted scores share one bootstrap each; figures at the chosen cut resample the calls themselves.
void intervals(const EvaluationInput& input, Evaluation& out) {
  const Scored scored{input.probabilities, input.labels};
  const std::size_t samples = input.labels.size() > 50'000 ? 100 : 400;
  const auto ranked = [&](double (*figure)(const Scored&)) { return bootstrap(scored, figure, input.seed, samples); };
  out.auc = ranked([](const Scored& s) { return roc_auc(curve(s)); });
  out.average_precision = ranked([](const Scored& s) { return average_precision(curve(s)); });
  out.recall_fpr_1pct = ranked([](const Scored& s) { return recall_at_fpr(curve(s), 0.01).recall; });
  out.recall_fpr_0_1pct = ranked([](const Scored& s) { return recall_at_fpr(curve(s), 0.001).recall; });
  out.recall_precision_95 = ranked([](const Scored& s) { return recall_at_precision(curve(s), 0.95).recall; });
  out.recall_precision_99 = ranked([](const Scored& s) { return recall_at_precision(curve(s), 0.99).recall; });
  const std::vector<double> calls(input.called.begin(), input.called.end());
  const Scored at_cut{calls, input.labels};
  const auto cut = [&](double (*figure)(const Scored&)) { return bootstrap(at_cut, figure, input.seed, samples); };
  out.macro_f1 = cut([](const Scored& s) { return learn::confusion(s, 0.5).macro_f1(); });
  out.macro_recall = cut([](const Scored& s) { return learn::confusion(s, 0.5).macro_recall(); });
  out.g_mean = cut([](const Scored& s) { return learn::confusion(s, 0.5).g_mean(); });
  out.confusion = learn::confusion(at_cut, 0.5);
}

struct Distribution {
  std::vector<float> present;  // sorted
  std::size_t rows = 0;
  double missing() const { return rows == 0 ? 0 : 1 - static_cast<double>(present.size()) / static_cast<double>(rows); }
};

Distribution distribution(const Table& table, std::size_t feature) {
  Distribution out;
  out.rows = table.rows();
  for (std::size_t r = 0; r < table.rows(); ++r)
    if (const float value = table.row(r)[feature]; !std::isnan(value)) out.present.push_back(value);
  std::sort(out.present.begin(), out.present.end());
  return out;
}

double psi_of(const Distribution& then, const Distribution& now) {
  std::vector<float> edges;
  for (int d = 1; d < 10 && !then.present.empty(); ++d) {
    const float edge = then.present[static_cast<std::size_t>(d) * (then.present.size() - 1) / 10];
    if (edges.empty() || edge > edges.back()) edges.push_back(edge);
  }
  const auto shares = [&](const Distribution& of) {
    std::vector<double> out;
    std::size_t from = 0;
    const auto share = [&](std::size_t count) {
      return std::max(1e-4, static_cast<double>(count) / static_cast<double>(std::max<std::size_t>(1, of.rows)));
    };
    for (const float edge : edges) {
      const auto to =
          static_cast<std::size_t>(std::upper_bound(of.present.begin(), of.present.end(), edge) - of.present.begin());
      out.push_back(share(to - from));
      from = to;
    }
    out.push_back(share(of.present.size() - from));
    out.push_back(share(of.rows - of.present.size()));
    return out;
  };
  const std::vector<double> a = shares(then), b = shares(now);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (b[i] - a[i]) * std::log(b[i] / a[i]);
  return sum;
}

double ks_of(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.empty() || b.empty()) return a.empty() == b.empty() ? 0 : 1;
  double most = 0;
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    const float at = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= at) ++i;
    while (j < b.size() && b[j] <= at) ++j;
    most = std::max(most, std::fabs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                    static_cast<double>(j) / static_cast<double>(b.size())));
  }
  return most;
}

void write(guard::JsonWriter& json, std::string_view key, const Interval& interval) {
  json.key(key).begin_object().key("value").number(interval.value).key("low").number(interval.low);
  json.key("high").number(interval.high).end_object();
}

}  // namespace

Evaluation evaluate(const EvaluationInput& input) {
  CHECK(input.probabilities.size() == input.labels.size() && input.called.size() == input.labels.size());
  Evaluation out;
  out.curve = curve({input.probabilities, input.labels});
  out.rows = input.labels.size();
  out.positives = out.curve.positives;
  intervals(input, out);
  out.at_fpr_1pct = recall_at_fpr(out.curve, 0.01);
  out.at_fpr_0_1pct = recall_at_fpr(out.curve, 0.001);
  for (const double one_in : {100.0, 1'000.0, 10'000.0})
    out.base_rates.push_back(
        {one_in, precision_at_base_rate(out.at_fpr_1pct.recall, out.at_fpr_1pct.false_positive_rate, one_in),
         precision_at_base_rate(out.at_fpr_0_1pct.recall, out.at_fpr_0_1pct.false_positive_rate, one_in)});
  out.calibration = calibration_of({input.probabilities, input.labels});
  for (const double ratio : {1.0, 10.0, 100.0, 1'000.0}) out.costs.push_back(cheapest_cut(out.curve, ratio));
  out.groups = by_group(input);
  out.delay = delay_of(input);
  out.histogram_positive.assign(kHistogramBins, 0);
  out.histogram_negative.assign(kHistogramBins, 0);
  for (std::size_t i = 0; i < out.rows; ++i) {
    const double p = std::clamp(input.probabilities[i], 0.0, 1.0);
    const auto bin = std::min(kHistogramBins - 1, static_cast<std::size_t>(p * kHistogramBins));
    ++(input.labels[i] != 0 ? out.histogram_positive : out.histogram_negative)[bin];
  }
  return out;
}

std::string evaluation_json(const Evaluation& e) {
  std::string out;
  guard::JsonWriter json(out);
  json.begin_object().key("rows").unsigned_integer(e.rows).key("positives").unsigned_integer(e.positives);
  write(json, "auc", e.auc);
  write(json, "average_precision", e.average_precision);
  write(json, "macro_f1", e.macro_f1);
  write(json, "macro_recall", e.macro_recall);
  write(json, "g_mean", e.g_mean);
  write(json, "recall_at_fpr_1pct", e.recall_fpr_1pct);
  write(json, "recall_at_fpr_0_1pct", e.recall_fpr_0_1pct);
  write(json, "recall_at_precision_95", e.recall_precision_95);
  write(json, "recall_at_precision_99", e.recall_precision_99);
  const Confusion& c = e.confusion;
  json.key("confusion").begin_object().key("tp").unsigned_integer(c.tp).key("fp").unsigned_integer(c.fp);
  json.key("fn").unsigned_integer(c.fn).key("tn").unsigned_integer(c.tn).end_object();
  json.key("accuracy").number(c.accuracy()).key("base_rates").begin_array();
  for (const BaseRateFigure& b : e.base_rates)
    json.begin_object()
        .key("one_in")
        .number(b.one_in)
        .key("precision_at_fpr_1pct")
        .number(b.at_fpr_1pct)
        .key("precision_at_fpr_0_1pct")
        .number(b.at_fpr_0_1pct)
        .end_object();
  json.end_array()
      .key("brier")
      .number(e.calibration.brier)
      .key("calibration_error")
      .number(e.calibration.expected_error);
  json.key("reliability").begin_array();
  for (const ReliabilityBin& bin : e.calibration.bins)
    json.begin_object()
        .key("mean_score")
        .number(bin.mean_score)
        .key("observed")
        .number(bin.observed)
        .key("count")
        .unsigned_integer(bin.count)
        .end_object();
  json.end_array().key("false_cut_off_costs").begin_array();
  for (const CostPoint& cost : e.costs)
    json.begin_object()
        .key("ratio")
        .number(cost.ratio)
        .key("cut")
        .number(cost.cut)
        .key("cost_per_row")
        .number(cost.cost_per_row)
        .key("recall")
        .number(cost.recall)
        .key("false_positive_rate")
        .number(cost.false_positive_rate)
        .end_object();
  json.end_array().key("groups").begin_array();
  for (const GroupFigure& group : e.groups) {
    json.begin_object().field("group", group.group).key("rows").unsigned_integer(group.rows);
    json.key("positives").unsigned_integer(group.positives);
    write(json, "false_positive_rate", group.false_positive_rate);
    write(json, "recall", group.recall);
    json.end_object();
  }
  json.end_array().key("detection_delay");
  if (e.delay)
    json.begin_object()
        .key("entities")
        .unsigned_integer(e.delay->entities)
        .key("detected")
        .unsigned_integer(e.delay->detected)
        .key("minutes_median")
        .number(e.delay->minutes_median)
        .key("minutes_p90")
        .number(e.delay->minutes_p90)
        .key("calls_median")
        .number(e.delay->calls_median)
        .key("calls_p90")
        .number(e.delay->calls_p90)
        .end_object();
  else
    json.null();
  json.end_object();
  return out;
}

std::vector<Drift> drift(const Table& then, const Table& now) {
  CHECK(then.features == now.features);
  std::vector<Drift> out;
  for (std::size_t f = 0; f < then.width(); ++f) {
    const Distribution a = distribution(then, f), b = distribution(now, f);
    out.push_back({then.features[f], psi_of(a, b), ks_of(a.present, b.present), a.missing(), b.missing()});
  }
  std::stable_sort(out.begin(), out.end(), [](const Drift& a, const Drift& b) { return a.psi > b.psi; });
  return out;
}

Drift score_drift(std::span<const float> then, std::span<const float> now) {
  const auto sorted = [](std::span<const float> scores) {
    Distribution out{{scores.begin(), scores.end()}, scores.size()};
    std::sort(out.present.begin(), out.present.end());
    return out;
  };
  const Distribution a = sorted(then), b = sorted(now);
  return {"score", psi_of(a, b), ks_of(a.present, b.present), a.missing(), b.missing()};
}

LabelNoise label_noise(std::span<const double> probabilities, std::span<const std::uint8_t> labels,
                       std::span<const std::uint32_t> rows) {
  LabelNoise out;
  double positives = 0, negatives = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != 0)
      out.usual_positive += probabilities[i], positives += 1;
    else
      out.usual_negative += 1 - probabilities[i], negatives += 1;
  }
  if (positives > 0) out.usual_positive /= positives;
  if (negatives > 0) out.usual_negative /= negatives;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double p = probabilities[i];
    const bool looks_positive = p >= out.usual_positive && p > 0.5;
    const bool looks_negative = 1 - p >= out.usual_negative && p < 0.5;
    if (labels[i] != 0 ? !looks_negative : !looks_positive) continue;
    ++(labels[i] != 0 ? out.doubtful_positive : out.doubtful_negative);
    out.rows.push_back({rows[i], labels[i], p});
  }
  std::sort(out.rows.begin(), out.rows.end(), [](const LabelDoubt& a, const LabelDoubt& b) {
    const double x = a.label != 0 ? 1 - a.probability : a.probability,
                 y = b.label != 0 ? 1 - b.probability : b.probability;
    return x != y ? x > y : a.row < b.row;
  });
  return out;
}

}  // namespace pandun::learn
