#include "learn/model.h"

#include <algorithm>
#include <cmath>

namespace pandun::learn {
namespace {

constexpr double kValueMax = 1e6;  // of a leaf, a margin, a calibration: sums over every tree stay finite

bool sound(double value) {
  return std::isfinite(value) && std::fabs(value) <= kValueMax;
}

class Check {
 public:
  Check(const Model& model, const std::string& where) : model_(model), where_(where) {}

  Result<> run() {
    TRY(names());
    TRY(derived());
    TRY(trees());
    TRY(calibration());
    for (const Threshold& t : model_.thresholds)
      if (!(t.probability >= 0 && t.probability <= 1)) return bad("a threshold outside 0..1: " + t.name);
    for (const auto& [name, value] : model_.metrics)
      if (!std::isfinite(value)) return bad("the metric '" + name + "' is not finite");
    return {};
  }

 private:
  Error bad(std::string message) const { return error(Errc::kBadInput, where_, std::move(message)); }

  Result<> names() const {
    if (model_.inputs.empty()) return bad("the model reads no column");
    if (model_.width() > kModelFeaturesMax) return error(Errc::kTooLarge, where_, "over 8,192 columns");
    std::vector<std::string_view> all;
    for (std::size_t i = 0; i < model_.width(); ++i) all.push_back(model_.feature_name(i));
    std::sort(all.begin(), all.end());
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].empty() || all[i].size() > 256) return bad("a column name of 0 or over 256 bytes");
      if (i > 0 && all[i] == all[i - 1]) return bad("the column '" + std::string(all[i]) + "' stands twice");
    }
    for (const auto& [name, words] : model_.categories)
      if (std::find(model_.inputs.begin(), model_.inputs.end(), name) == model_.inputs.end())
        return bad("categories for the unknown column '" + name + "'");
    return {};
  }

  Result<> derived() const {
    for (const Derived& d : model_.derived)
      if (d.a >= model_.inputs.size() || d.b >= model_.inputs.size())
        return bad("the derived column '" + d.name + "' reads a column that does not exist");
    return {};
  }

  Result<> trees() const {
    if (!sound(static_cast<double>(model_.base_margin))) return bad("the base margin is not finite or too large");
    if (model_.members.empty()) return bad("the model has no trees");
    if (model_.members.size() > kModelMembersMax) return error(Errc::kTooLarge, where_, "over 256 members");
    std::size_t trees = 0, nodes = 0;
    for (std::size_t m = 0; m < model_.members.size(); ++m)
      for (std::size_t t = 0; t < model_.members[m].trees.size(); ++t) {
        const Tree& tree = model_.members[m].trees[t];
        if (++trees > kModelTreesMax) return error(Errc::kTooLarge, where_, "over 20,000 trees");
        if ((nodes += tree.size()) > kModelNodesMax) return error(Errc::kTooLarge, where_, "over 8 million nodes");
        TRY(tree_sound(tree, "member " + std::to_string(m) + " tree " + std::to_string(t)));
      }
    return {};
  }

  // Every node but the root is the child of exactly one node before it: neither a circle nor a shared branch is possible.
  Result<> tree_sound(const Tree& tree, const std::string& place) const {
    if (tree.empty()) return bad(place + ": no nodes");
    std::vector<std::uint8_t> depth(tree.size(), 0);
    std::size_t next = 1;
    std::vector<bool> owned(tree.size(), false);
    for (std::size_t i = 0; i < tree.size(); ++i) {
      const TreeNode& node = tree[i];
      const std::string here = place + " node " + std::to_string(i);
      if (!(node.cover >= 0 && node.cover <= kModelFloatMax)) return bad(here + ": the cover is not within 0 and 3e38");
      if (node.leaf) {
        if (!sound(static_cast<double>(node.value))) return bad(here + ": the leaf value is not finite or over 1e6");
        continue;
      }
      if (!(std::fabs(node.threshold) <= kModelFloatMax)) return bad(here + ": the threshold is outside +-3e38");
      if (node.feature >= model_.width()) return bad(here + ": reads a column that does not exist");
      if (node.left <= i || node.left + std::size_t{1} >= tree.size())
        return bad(here + ": its children stand before it or outside the tree");
      if (owned[node.left] || owned[node.left + 1]) return bad(here + ": shares a child with another node");
      owned[node.left] = owned[node.left + 1] = true;
      next += 2;
      const int deep = depth[i] + 1;
      if (deep > static_cast<int>(kModelDepthMax)) return error(Errc::kTooLarge, where_, here + ": deeper than 24");
      depth[node.left] = depth[node.left + 1] = static_cast<std::uint8_t>(deep);
    }
    if (next != tree.size()) return bad(place + ": holds nodes that nothing leads to");
    return {};
  }

  Result<> calibration() const {
    const Calibration& c = model_.calibration;
    if (!sound(c.slope) || !sound(c.offset)) return bad("the calibration is not finite or too large");
    if (c.kind == Calibration::Kind::kPlatt && c.slope <= 0) return bad("a calibration that does not rise");
    if (c.kind != Calibration::Kind::kIsotonic) return {};
    if (c.points.empty() || c.points.size() > 100'000)
      return bad("an isotonic calibration of 0 or over 100,000 points");
    for (std::size_t i = 0; i < c.points.size(); ++i) {
      const auto& [margin, p] = c.points[i];
      if (!sound(margin) || !(p >= 0 && p <= 1)) return bad("a calibration point outside its range");
      if (i > 0 && (margin <= c.points[i - 1].first || p < c.points[i - 1].second))
        return bad("calibration points that do not rise");
    }
    return {};
  }

  const Model& model_;
  const std::string& where_;
};

double logistic(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

}  // namespace

std::string_view name(DerivedKind kind) {
  switch (kind) {
    case DerivedKind::kRatio:
      return "ratio";
    case DerivedKind::kDifference:
      return "difference";
    case DerivedKind::kSum:
      return "sum";
    case DerivedKind::kMissingCount:
      break;
  }
  return "missing_count";
}

std::optional<DerivedKind> parse_derived_kind(std::string_view text) {
  for (const auto kind : {DerivedKind::kRatio, DerivedKind::kDifference, DerivedKind::kSum, DerivedKind::kMissingCount})
    if (name(kind) == text) return kind;
  return std::nullopt;
}

double Calibration::probability(double margin) const {
  if (kind == Kind::kNone) return logistic(margin);
  if (kind == Kind::kPlatt) return logistic(slope * margin + offset);
  const auto above = std::upper_bound(points.begin(), points.end(), margin,
                                      [](double m, const auto& point) { return m < point.first; });
  if (above == points.begin()) return points.front().second;
  if (above == points.end()) return points.back().second;
  const auto below = above - 1;
  const double share = (margin - below->first) / (above->first - below->first);
  return below->second + share * (above->second - below->second);
}

std::size_t Model::trees() const {
  std::size_t count = 0;
  for (const Member& member : members) count += member.trees.size();
  return count;
}

std::size_t Model::nodes() const {
  std::size_t count = 0;
  for (const Member& member : members)
    for (const Tree& tree : member.trees) count += tree.size();
  return count;
}

const Threshold* Model::threshold(std::string_view threshold_name) const {
  for (const Threshold& t : thresholds)
    if (t.name == threshold_name) return &t;
  return nullptr;
}

Result<> check_model(const Model& model, const std::string& where) {
  return Check(model, where).run();
}

}  // namespace pandun::learn
