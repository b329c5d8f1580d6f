#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "base/prng.h"
#include "guard/json_writer.h"
#include "learn/evaluation.h"

namespace pandun::learn {
namespace {

constexpr double kOneIn[] = {100, 1'000, 10'000};
const char* const kNames[] = {"auc",
                              "macro_f1",
                              "macro_recall",
                              "g_mean",
                              "accuracy",
                              "average_precision",
                              "recall_at_fpr_1pct",
                              "recall_at_fpr_0_1pct",
                              "precision_1pct_1_in_100",
                              "precision_1pct_1_in_1000",
                              "precision_1pct_1_in_10000",
                              "precision_0_1pct_1_in_100",
                              "precision_0_1pct_1_in_1000",
                              "precision_0_1pct_1_in_10000"};
constexpr std::size_t kFigures = std::size(kNames);
using Figures = std::array<double, kFigures>;

// The places of some rows by falling score; rows of one score share a step.
struct Ranked {
  std::vector<std::uint32_t> order;
};

Ranked rank(const Judged& judged, std::uint32_t fold, bool all) {
  Ranked out;
  for (std::uint32_t i = 0; i < judged.rows.size(); ++i)
    if (all || judged.fold_of[i] == fold) out.order.push_back(i);
  std::sort(out.order.begin(), out.order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const double x = judged.probabilities[a], y = judged.probabilities[b];
    return x != y ? x > y : a < b;
  });
  return out;
}

// The curve when row r counts weight[r] times.
Curve weighted(const Judged& judged, const Ranked& ranked, const std::vector<std::uint32_t>& weight) {
  Curve out;
  for (std::size_t i = 0; i < ranked.order.size(); ++i) {
    const std::uint32_t at = ranked.order[i];
    (judged.labels[at] != 0 ? out.positives : out.negatives) += weight[judged.rows[at]];
    const double score = judged.probabilities[at];
    if (i + 1 == ranked.order.size() || judged.probabilities[ranked.order[i + 1]] != score)
      out.points.push_back({score, out.positives, out.negatives});
  }
  return out;
}

class Judging {
 public:
  explicit Judging(const Judged& judged) : judged_(judged), whole_(rank(judged, 0, true)) {
    std::uint32_t last = 0;
    for (const std::uint32_t fold : judged.fold_of) last = std::max(last, fold);
    for (std::uint32_t fold = 0; fold <= last; ++fold)
      if (Ranked ranked = rank(judged, fold, false); !ranked.order.empty()) folds_.push_back(std::move(ranked));
  }

  Figures figures(const std::vector<std::uint32_t>& weight) const {
    Figures out{};
    Confusion all;
    for (const Ranked& fold : folds_) {
      const Confusion called = confusion_of(fold, weight);
      out[0] += roc_auc(weighted(judged_, fold, weight)) / static_cast<double>(folds_.size());
      out[1] += called.macro_f1() / static_cast<double>(folds_.size());
      all.tp += called.tp, all.fp += called.fp, all.fn += called.fn, all.tn += called.tn;
    }
    out[2] = all.macro_recall();
    out[3] = all.g_mean();
    out[4] = all.accuracy();
    const Curve points = weighted(judged_, whole_, weight);
    out[5] = average_precision(points);
    const Operating loose = recall_at_fpr(points, 0.01), strict = recall_at_fpr(points, 0.001);
    out[6] = loose.recall;
    out[7] = strict.recall;
    for (std::size_t i = 0; i < 3; ++i) {
      out[8 + i] = precision_at_base_rate(loose.recall, loose.false_positive_rate, kOneIn[i]);
      out[11 + i] = precision_at_base_rate(strict.recall, strict.false_positive_rate, kOneIn[i]);
    }
    return out;
  }

 private:
  Confusion confusion_of(const Ranked& fold, const std::vector<std::uint32_t>& weight) const {
    Confusion out;
    for (const std::uint32_t at : fold.order) {
      const std::uint64_t times = weight[judged_.rows[at]];
      if (judged_.labels[at] != 0)
        (judged_.called[at] ? out.tp : out.fn) += times;
      else
        (judged_.called[at] ? out.fp : out.tn) += times;
    }
    return out;
  }

  const Judged& judged_;
  Ranked whole_;
  std::vector<Ranked> folds_;
};

Figures mean_of(const std::vector<Judging>& judgings, const std::vector<std::uint32_t>& weight) {
  Figures out{};
  for (const Judging& judging : judgings) {
    const Figures one = judging.figures(weight);
    for (std::size_t f = 0; f < kFigures; ++f) out[f] += one[f] / static_cast<double>(judgings.size());
  }
  return out;
}

// How often each row was drawn: as many of each class as there are.
std::vector<std::uint32_t> drawn(const std::vector<std::vector<std::uint32_t>>& classes, std::size_t rows,
                                 Prng& random) {
  std::vector<std::uint32_t> out(rows, 0);
  for (const auto& of_class : classes)
    for (std::size_t i = 0; i < of_class.size(); ++i) ++out[of_class[random.below(of_class.size())]];
  return out;
}

}  // namespace

const RepeatedFigure* RepeatedEvaluation::figure(std::string_view name) const {
  for (const RepeatedFigure& f : figures)
    if (f.name == name) return &f;
  return nullptr;
}

RepeatedEvaluation evaluate_repeats(std::span<const Judged> judgings, std::uint64_t seed, std::size_t samples) {
  RepeatedEvaluation out;
  out.judgings = judgings.size();
  if (judgings.empty()) return out;
  std::vector<Judging> prepared;
  std::size_t rows = 0;
  for (const Judged& judged : judgings) {
    prepared.emplace_back(judged);
    for (const std::uint32_t r : judged.rows) rows = std::max<std::size_t>(rows, r + std::size_t{1});
  }
  std::vector<std::uint8_t> label(rows, 2);
  for (const Judged& judged : judgings)
    for (std::size_t i = 0; i < judged.rows.size(); ++i) label[judged.rows[i]] = judged.labels[i];
  std::vector<std::vector<std::uint32_t>> classes(2);
  for (std::uint32_t r = 0; r < rows; ++r)
    if (label[r] < 2) classes[label[r]].push_back(r);
  out.rows = classes[0].size() + classes[1].size();

  const std::vector<std::uint32_t> once(rows, 1);
  for (const char* name : kNames) out.figures.push_back({name, 0, 0, kNoFigure, kNoFigure, {}});
  for (const Judging& judging : prepared) {
    const Figures one = judging.figures(once);
    for (std::size_t f = 0; f < kFigures; ++f) out.figures[f].values.push_back(one[f]);
  }
  Prng random(combine64(seed, 0xb007));
  std::array<std::vector<double>, kFigures> sampled;
  for (std::size_t s = 0; s < samples; ++s) {
    const Figures one = mean_of(prepared, drawn(classes, rows, random));
    for (std::size_t f = 0; f < kFigures; ++f)
      if (std::isfinite(one[f])) sampled[f].push_back(one[f]);
  }
  for (std::size_t f = 0; f < kFigures; ++f) {
    RepeatedFigure& figure = out.figures[f];
    const double count = static_cast<double>(figure.values.size());
    figure.mean = std::accumulate(figure.values.begin(), figure.values.end(), 0.0) / count;
    double squares = 0;
    for (const double value : figure.values) squares += (value - figure.mean) * (value - figure.mean);
    figure.spread = count > 1 ? std::sqrt(squares / (count - 1)) : 0;
    if (sampled[f].empty()) continue;
    std::sort(sampled[f].begin(), sampled[f].end());
    const auto quantile = [&](double q) {
      return sampled[f][static_cast<std::size_t>(q * static_cast<double>(sampled[f].size() - 1))];
    };
    figure.low = quantile(0.025);
    figure.high = quantile(0.975);
  }
  return out;
}

std::string repeats_json(const RepeatedEvaluation& repeats) {
  std::string out;
  guard::JsonWriter json(out);
  json.begin_object().key("judgings").unsigned_integer(repeats.judgings).key("rows").unsigned_integer(repeats.rows);
  for (const RepeatedFigure& figure : repeats.figures) {
    json.key(figure.name).begin_object().key("mean").number(figure.mean).key("spread").number(figure.spread);
    json.key("low").number(figure.low).key("high").number(figure.high).key("values").begin_array();
    for (const double value : figure.values) json.number(value);
    json.end_array().end_object();
  }
  json.end_object();
  return out;
}

}  // namespace pandun::learn
