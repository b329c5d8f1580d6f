#include "learn/forest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "base/prng.h"

namespace pandun::learn {
namespace {

constexpr float kFar = 2.9e38F;  // what a model file may hold
constexpr std::uint32_t kNoColumn = std::numeric_limits<std::uint32_t>::max();

struct Cut {
  double gain = -1;
  std::uint32_t column = kNoColumn;
  float threshold = -kFar;  // values below it go left
  bool missing_left = false;
  bool left(float value) const { return std::isnan(value) ? missing_left : value < threshold; }
};

class Grower {
 public:
  Grower(const Rows& rows, const ForestParameters& parameters)
      : labels_(rows.labels),
        parameters_(parameters),
        random_(parameters.seed),
        columns_(rows.width),
        rows_(rows.count()),
        values_(rows.width) {
    leaf_rows_ = std::max<std::size_t>(std::max<std::size_t>(parameters.leaf_rows_min, 1), rows_.size() / 1000);
    tries_ = std::max<std::size_t>(
        1, static_cast<std::size_t>(parameters.column_share * static_cast<double>(columns_.size())));
    for (std::size_t c = 0; c < rows.width; ++c)
      for (std::size_t r = 0; r < rows_.size(); ++r) values_[c].push_back(rows.values[r * rows.width + c]);
    std::iota(columns_.begin(), columns_.end(), 0U);
    Mass all;
    for (std::uint32_t r = 0; r < rows_.size(); ++r) add(all, r);
    share_ = all.share();
  }

  Tree grow() {
    std::iota(rows_.begin(), rows_.end(), 0U);
    Tree tree(1);
    std::vector<Place> places{{0, rows_.size(), 0}};
    for (std::size_t i = 0; i < tree.size(); ++i) {
      const Place place = places[i];
      const auto begin = rows_.begin() + static_cast<std::ptrdiff_t>(place.begin),
                 end = rows_.begin() + static_cast<std::ptrdiff_t>(place.end);
      Mass mass;
      for (auto row = begin; row != end; ++row) add(mass, *row);
      tree[i].cover = static_cast<float>(place.end - place.begin);
      tree[i].value = static_cast<float>((mass.share() - share_) / parameters_.trees);
      if (place.depth == parameters_.depth_max || place.end - place.begin < 2 * leaf_rows_ || mass.ones == 0 ||
          mass.zeros == 0)
        continue;
      const Cut cut = best({begin, end});
      if (cut.gain < 0) continue;
      const std::vector<float>& column = values_[cut.column];
      const auto middle = std::stable_partition(begin, end, [&](std::uint32_t row) { return cut.left(column[row]); });
      const std::size_t at = place.begin + static_cast<std::size_t>(middle - begin);
      TreeNode& node = tree[i];
      node.leaf = false;
      node.value = 0;
      node.feature = cut.column;
      node.threshold = cut.threshold;
      node.missing_left = cut.missing_left;
      node.left = static_cast<std::uint32_t>(tree.size());
      places.push_back({place.begin, at, place.depth + 1});
      places.push_back({at, place.end, place.depth + 1});
      tree.resize(tree.size() + 2);
    }
    return tree;
  }

 private:
  struct Place {
    std::size_t begin = 0, end = 0;
    std::uint32_t depth = 0;
  };
  struct Mass {
    double zeros = 0, ones = 0;
    std::size_t rows = 0;
    double share() const { return zeros + ones > 0 ? ones / (zeros + ones) : 0; }
    double purity() const { return (zeros * zeros + ones * ones) / (zeros + ones); }
  };

  void add(Mass& mass, std::uint32_t row) const {
    ++mass.rows;
    if (labels_[row] > 0.5F)
      mass.ones += parameters_.positive_weight;
    else
      mass.zeros += 1;
  }

  // Columns are drawn until `tries_` of them could be cut.
  Cut best(std::span<const std::uint32_t> rows) {
    Cut out;
    std::size_t tried = 0;
    for (std::size_t i = 0; i < columns_.size() && tried < tries_; ++i) {
      std::swap(columns_[i], columns_[i + random_.below(columns_.size() - i)]);
      Cut cut = draw(columns_[i], rows);
      if (cut.column == kNoColumn) continue;
      ++tried;
      if (cut.gain > out.gain) out = cut;
    }
    return out;
  }

  // One cut of a column, anywhere between its lowest and highest value here. Missing values go to a side by lot; one cut in three parts
  // them from all others.
  Cut draw(std::uint32_t column, std::span<const std::uint32_t> rows) {
    const std::vector<float>& values = values_[column];
    float low = std::numeric_limits<float>::max(), high = std::numeric_limits<float>::lowest();
    bool missing = false;
    for (const std::uint32_t row : rows) {
      const float value = values[row];
      if (std::isnan(value)) {
        missing = true;
        continue;
      }
      low = std::min(low, value);
      high = std::max(high, value);
    }
    Cut cut;
    if (low > high || (low == high && !missing)) return cut;
    if (missing && (low == high || random_.below(3) == 0)) {
      cut.missing_left = true;
    } else {
      const double from = static_cast<double>(low), to = static_cast<double>(high);
      cut.threshold = static_cast<float>(from + random_.uniform() * (to - from));
      cut.threshold = std::clamp(cut.threshold > low ? cut.threshold : high, -kFar, kFar);
      cut.missing_left = random_.below(2) == 0;
    }
    cut.column = column;
    Mass left, right;
    for (const std::uint32_t row : rows) add(cut.left(values[row]) ? left : right, row);
    if (left.rows >= leaf_rows_ && right.rows >= leaf_rows_) cut.gain = left.purity() + right.purity();
    return cut;
  }

  std::span<const float> labels_;
  const ForestParameters& parameters_;
  Prng random_;
  std::vector<std::uint32_t> columns_, rows_;
  std::vector<std::vector<float>> values_;  // by column
  std::size_t leaf_rows_ = 1, tries_ = 1;
  double share_ = 0;
};

}  // namespace

std::vector<Tree> grow_forest(const Rows& rows, const ForestParameters& parameters) {
  CHECK(rows.count() > 0 && rows.labels.size() == rows.count());
  Grower grower(rows, parameters);
  std::vector<Tree> out;
  for (std::uint32_t t = 0; t < parameters.trees; ++t) out.push_back(grower.grow());
  return out;
}

std::vector<double> forest_margins(std::span<const Tree> trees, const Rows& rows) {
  std::vector<double> out(rows.count(), 0.0);
  for (std::size_t r = 0; r < out.size(); ++r) {
    const std::span<const float> row = rows.values.subspan(r * rows.width, rows.width);
    for (const Tree& tree : trees) {
      std::size_t at = 0;
      while (!tree[at].leaf) {
        const float value = row[tree[at].feature];
        const bool left = std::isnan(value) ? tree[at].missing_left : value < tree[at].threshold;
        at = tree[at].left + (left ? 0U : 1U);
      }
      out[r] += static_cast<double>(tree[at].value);
    }
  }
  return out;
}

}  // namespace pandun::learn
