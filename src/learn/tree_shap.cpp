#include "learn/tree_shap.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"

namespace pandun::learn {
namespace {

constexpr std::size_t kPathMax = kModelDepthMax + 2;

struct Step {
  std::int64_t feature;
  double zero;    // share of covers that flows down when the feature is unknown
  double one;     // 1 if the row goes this way
  double weight;  // of the subsets of each size
};

// Copied at every node: only the steps in use are, which is most of the speed.
class Path {
 public:
  Path() {}  // NOLINT: steps are written before they are read
  Path(const Path& other) : length_(other.length_) { std::copy_n(other.steps_.begin(), other.length_, steps_.begin()); }
  Path& operator=(const Path&) = delete;

  void extend(double zero, double one, std::int64_t feature) {
    const std::size_t depth = length_++;
    steps_[depth] = {feature, zero, one, depth == 0 ? 1.0 : 0.0};
    for (std::size_t i = depth; i-- > 0;) {
      steps_[i + 1].weight += one * steps_[i].weight * static_cast<double>(i + 1) / static_cast<double>(depth + 1);
      steps_[i].weight = zero * steps_[i].weight * static_cast<double>(depth - i) / static_cast<double>(depth + 1);
    }
  }

  void unwind(std::size_t index) {
    const std::size_t depth = --length_;
    const double one = steps_[index].one, zero = steps_[index].zero;
    double next = steps_[depth].weight;
    for (std::size_t i = depth; i-- > 0;) {
      if (one != 0) {
        const double kept = steps_[i].weight;
        steps_[i].weight = next * static_cast<double>(depth + 1) / (static_cast<double>(i + 1) * one);
        next = kept - steps_[i].weight * zero * static_cast<double>(depth - i) / static_cast<double>(depth + 1);
      } else {
        steps_[i].weight = steps_[i].weight * static_cast<double>(depth + 1) / (zero * static_cast<double>(depth - i));
      }
    }
    for (std::size_t i = index; i < depth; ++i) {
      steps_[i].feature = steps_[i + 1].feature;
      steps_[i].zero = steps_[i + 1].zero;
      steps_[i].one = steps_[i + 1].one;
    }
  }

  double unwound_sum(std::size_t index) const {
    const std::size_t depth = length_ - 1;
    const double one = steps_[index].one, zero = steps_[index].zero;
    double next = steps_[depth].weight, total = 0;
    for (std::size_t i = depth; i-- > 0;) {
      if (one != 0) {
        const double part = next * static_cast<double>(depth + 1) / (static_cast<double>(i + 1) * one);
        total += part;
        next = steps_[i].weight - part * zero * static_cast<double>(depth - i) / static_cast<double>(depth + 1);
      } else if (zero != 0) {
        total += steps_[i].weight / zero / (static_cast<double>(depth - i) / static_cast<double>(depth + 1));
      }
    }
    return total;
  }

  std::size_t length() const { return length_; }
  const Step& operator[](std::size_t i) const { return steps_[i]; }

 private:
  std::array<Step, kPathMax> steps_;
  std::size_t length_ = 0;
};

struct Walk {
  const Tree& tree;
  const float* row;
  std::vector<double>& parts;

  void visit(std::uint32_t index, const Path& above, double zero, double one, std::int64_t feature) {
    Path path(above);
    path.extend(zero, one, feature);
    const TreeNode& node = tree[index];
    if (node.leaf) {
      for (std::size_t i = 1; i < path.length(); ++i)
        parts[static_cast<std::size_t>(path[i].feature)] +=
            path.unwound_sum(i) * (path[i].one - path[i].zero) * static_cast<double>(node.value);
      return;
    }
    const float value = row[node.feature];
    const bool left = std::isnan(value) ? node.missing_left : value < node.threshold;
    const std::uint32_t hot = left ? node.left : node.left + 1, cold = left ? node.left + 1 : node.left;
    double zero_before = 1, one_before = 1;
    for (std::size_t i = 1; i < path.length(); ++i) {
      if (path[i].feature != static_cast<std::int64_t>(node.feature)) continue;
      zero_before = path[i].zero;
      one_before = path[i].one;
      path.unwind(i);
      break;
    }
    // A node without cover divides evenly: no training row can say better.
    const double cover = static_cast<double>(tree[hot].cover) + static_cast<double>(tree[cold].cover);
    const double hot_share = cover > 0 ? static_cast<double>(tree[hot].cover) / cover : 0.5;
    const auto split = static_cast<std::int64_t>(node.feature);
    // A way that neither the row nor any training row takes has no weight in any subset.
    if (const double flow = zero_before * hot_share; flow > 0 || one_before > 0)
      visit(hot, path, flow, one_before, split);
    if (const double flow = zero_before * (1 - hot_share); flow > 0) visit(cold, path, flow, 0, split);
  }
};

}  // namespace

std::vector<double> tree_means(const Tree& tree) {
  std::vector<double> means(tree.size());
  for (std::size_t i = tree.size(); i-- > 0;) {  // children stand behind their parent
    const TreeNode& node = tree[i];
    if (node.leaf) {
      means[i] = static_cast<double>(node.value);
      continue;
    }
    const double left = static_cast<double>(tree[node.left].cover),
                 right = static_cast<double>(tree[node.left + 1].cover);
    const double share = left + right > 0 ? left / (left + right) : 0.5;
    means[i] = share * means[node.left] + (1 - share) * means[node.left + 1];
  }
  return means;
}

void add_tree_shap(const Tree& tree, const std::vector<double>& means, const float* row, std::vector<double>& parts) {
  CHECK(means.size() == tree.size());
  if (tree.front().leaf) return;
  Walk{tree, row, parts}.visit(0, Path(), 1, 1, -1);
}

}  // namespace pandun::learn
