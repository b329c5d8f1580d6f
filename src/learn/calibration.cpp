#include "learn/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pandun::learn {
namespace {

constexpr double kShareMax = 16;

}  // namespace

Calibration fit_platt(std::span<const double> margins, std::span<const std::uint8_t> labels) {
  double positives = 0;
  for (const std::uint8_t y : labels) positives += y;
  const double negatives = static_cast<double>(labels.size()) - positives;
  const double high = (positives + 1) / (positives + 2), low = 1 / (negatives + 2);
  double slope = 1, offset = 0;
  const auto loss = [&](double a, double b) {
    double sum = 0;
    for (std::size_t i = 0; i < margins.size(); ++i) {
      const double z = a * margins[i] + b, t = labels[i] != 0 ? high : low;
      sum += z >= 0 ? (1 - t) * z + std::log1p(std::exp(-z)) : -t * z + std::log1p(std::exp(z));
    }
    return sum;
  };
  double now = loss(slope, offset);
  for (int step = 0; step < 100; ++step) {
    double ga = 0, gb = 0, haa = 1e-12, hab = 0, hbb = 1e-12;
    for (std::size_t i = 0; i < margins.size(); ++i) {
      const double p = 1 / (1 + std::exp(-(slope * margins[i] + offset)));
      const double d = p - (labels[i] != 0 ? high : low), h = p * (1 - p);
      ga += d * margins[i], gb += d;
      haa += h * margins[i] * margins[i], hab += h * margins[i], hbb += h;
    }
    if (std::fabs(ga) < 1e-9 && std::fabs(gb) < 1e-9) break;
    const double det = haa * hbb - hab * hab;
    if (!(std::fabs(det) > 1e-18)) break;
    const double da = -(hbb * ga - hab * gb) / det, db = -(haa * gb - hab * ga) / det;
    double size = 1;
    while (size > 1e-10 && !(loss(slope + size * da, offset + size * db) < now)) size /= 2;
    if (size <= 1e-10) break;
    slope += size * da;
    offset += size * db;
    now = loss(slope, offset);
  }
  Calibration out;
  // Margins that tell nothing, or the opposite, get no calibration: a score must rise with the margin.
  const bool usable =
      std::isfinite(slope) && std::isfinite(offset) && slope > 1e-6 && slope < 1e5 && std::fabs(offset) < 1e5;
  if (usable) {
    out.kind = Calibration::Kind::kPlatt;
    out.slope = slope;
    out.offset = offset;
  }
  return out;
}

double fit_share(std::span<const double> margins, std::span<const double> beside, std::span<const std::uint8_t> labels,
                 double gain_min) {
  std::vector<double> sum(margins.size());
  const auto loss = [&](double share) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = margins[i] + share * beside[i];
    const Calibration fitted = fit_platt(sum, labels);
    double total = 0;
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const double m = (fitted.slope * sum[i] + fitted.offset) * (labels[i] != 0 ? 1 : -1);
      total += m > 0 ? std::log1p(std::exp(-m)) : -m + std::log1p(std::exp(m));
    }
    return total / static_cast<double>(sum.size());
  };
  double share = 0, least = loss(0) - gain_min;
  for (double tried = 0.5; tried <= kShareMax; tried += 0.5)
    if (const double here = loss(tried); here < least) {
      least = here;
      share = tried;
    }
  return share;
}

Calibration fit_isotonic(std::span<const double> margins, std::span<const std::uint8_t> labels) {
  std::vector<std::uint32_t> order(margins.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return margins[a] != margins[b] ? margins[a] < margins[b] : a < b;
  });
  struct Block {
    double margin_sum = 0, hits = 0, count = 0;
    double mean() const { return hits / count; }
  };
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < order.size();) {
    Block block;
    const double margin = margins[order[i]];
    for (; i < order.size() && margins[order[i]] == margin; ++i) {
      block.margin_sum += margin;
      block.hits += labels[order[i]];
      block.count += 1;
    }
    blocks.push_back(block);
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean() >= blocks.back().mean()) {
      Block& into = blocks[blocks.size() - 2];
      into.margin_sum += blocks.back().margin_sum;
      into.hits += blocks.back().hits;
      into.count += blocks.back().count;
      blocks.pop_back();
    }
  }
  Calibration out;
  out.kind = Calibration::Kind::kIsotonic;
  for (const Block& block : blocks) {
    const double at = block.margin_sum / block.count;
    // One case short of certainty at either end: no finite sample proves 0 or 1.
    const double p = (block.hits + 0.5) / (block.count + 1);
    if (!out.points.empty() && (at <= out.points.back().first || p < out.points.back().second)) continue;
    out.points.emplace_back(at, p);
  }
  return out;
}

}  // namespace pandun::learn
