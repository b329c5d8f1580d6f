#include "learn/scorer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "learn/derived.h"
#include "learn/tree_shap.h"

namespace pandun::learn {
namespace {

constexpr std::size_t kTogether = 8;  // trees (or rows) walked side by side, so that their memory waits overlap
constexpr std::size_t kStackColumns = 512;

// Scratch for a widened row: the stack for usual widths.
class Scratch {
 public:
  explicit Scratch(std::size_t size) {
    if (size > kStackColumns) heap_.resize(size);
  }
  float* data() { return heap_.empty() ? stack_.data() : heap_.data(); }

 private:
  std::array<float, kStackColumns> stack_;
  std::vector<float> heap_;
};

std::uint32_t depth_of(const Tree& tree) {
  std::vector<std::uint32_t> depth(tree.size(), 0);
  std::uint32_t deepest = 0;
  for (std::size_t i = 0; i < tree.size(); ++i) {  // children stand behind their parent
    deepest = std::max(deepest, depth[i]);
    if (!tree[i].leaf) depth[tree[i].left] = depth[tree[i].left + 1] = depth[i] + 1;
  }
  return deepest;
}

}  // namespace

Scorer::Scorer(Model model) : model_(std::move(model)) {
  for (const Member& member : model_.members) {
    for (const Tree& tree : member.trees) {
      const auto start = static_cast<std::uint32_t>(nodes_.size());
      roots_.push_back({start, depth_of(tree)});
      for (std::size_t i = 0; i < tree.size(); ++i) {
        const TreeNode& node = tree[i];
        if (node.leaf)
          nodes_.push_back(
              {std::numeric_limits<float>::quiet_NaN(), static_cast<std::uint32_t>(start + i), 0, 0, node.value});
        else
          nodes_.push_back({node.threshold, start + node.left, static_cast<std::uint16_t>(node.feature),
                            static_cast<std::uint16_t>(node.missing_left ? 0 : 1), 0});
      }
      means_.push_back(tree_means(tree));
      base_ += means_.back().front();
    }
    member_ends_.push_back(static_cast<std::uint32_t>(roots_.size()));
  }
  base_ = static_cast<double>(model_.base_margin) + base_ / static_cast<double>(model_.members.size());
}

Result<std::shared_ptr<const Scorer>> Scorer::build(Model model, const std::string& where) {
  TRY(check_model(model, where));
  return std::shared_ptr<const Scorer>(new Scorer(std::move(model)));
}

Result<std::shared_ptr<const Scorer>> Scorer::load(std::string_view file_content, const std::string& where) {
  TRY_ASSIGN(Model model, read_model(file_content, where));
  auto scorer = std::shared_ptr<Scorer>(new Scorer(std::move(model)));
  scorer->digest_ = model_digest(file_content);
  return std::shared_ptr<const Scorer>(std::move(scorer));
}

void Scorer::widen(std::span<const float> row, float* wide) const {
  CHECK(row.size() == model_.inputs.size());
  for (std::size_t i = 0; i < row.size(); ++i)
    wide[i] = std::isfinite(row[i]) ? row[i] : std::numeric_limits<float>::quiet_NaN();
  derive(model_.derived, wide, row.size(), wide + row.size());
}

float Scorer::walk(const float* wide) const {
  const Node* nodes = nodes_.data();
  float total = 0;
  std::size_t tree = 0;
  for (const std::uint32_t end : member_ends_) {
    float sum = model_.base_margin;
    for (; tree < end; tree += std::min<std::size_t>(kTogether, end - tree)) {
      const std::size_t together = std::min<std::size_t>(kTogether, end - tree);
      std::array<std::uint32_t, kTogether> at;
      std::uint32_t depth = 0;
      for (std::size_t i = 0; i < kTogether; ++i) {
        const Root root = roots_[tree + std::min(i, together - 1)];
        at[i] = root.node;
        depth = std::max(depth, root.depth);
      }
      for (std::uint32_t level = 0; level < depth; ++level)
        for (std::uint32_t& node : at) {
          const Node& here = nodes[node];
          const float value = wide[here.feature];
          node = here.left + (static_cast<std::uint32_t>(value >= here.threshold) |
                              (static_cast<std::uint32_t>(value != value) & here.missing_right));
        }
      for (std::size_t i = 0; i < together; ++i) sum += nodes[at[i]].value;
    }
    total += sum;
  }
  return model_.members.size() == 1 ? total : total / static_cast<float>(model_.members.size());
}

float Scorer::margin(std::span<const float> row) const {
  Scratch scratch(model_.width());
  widen(row, scratch.data());
  return walk(scratch.data());
}

void Scorer::margins(std::span<const float> rows, std::span<float> out) const {
  const std::size_t width = model_.inputs.size(), wide_width = model_.width();
  CHECK(rows.size() == out.size() * width);
  constexpr std::size_t kBlock = 64;
  std::vector<float> wide(kBlock * wide_width);
  std::array<float, kBlock> sums;
  for (std::size_t first = 0; first < out.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, out.size() - first);
    for (std::size_t i = 0; i < count; ++i)
      widen(rows.subspan((first + i) * width, width), wide.data() + i * wide_width);
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(first), count, 0.0F);
    std::size_t tree = 0;
    for (const std::uint32_t end : member_ends_) {
      sums.fill(model_.base_margin);
      for (; tree < end; ++tree) {
        const Root root = roots_[tree];
        for (std::size_t from = 0; from < count; from += kTogether) {
          std::array<std::uint32_t, kTogether> at;
          at.fill(root.node);
          std::array<const float*, kTogether> row;
          for (std::size_t i = 0; i < kTogether; ++i) row[i] = wide.data() + std::min(from + i, count - 1) * wide_width;
          for (std::uint32_t level = 0; level < root.depth; ++level)
            for (std::size_t i = 0; i < kTogether; ++i) {
              const Node& here = nodes_[at[i]];
              const float value = row[i][here.feature];
              at[i] = here.left + (static_cast<std::uint32_t>(value >= here.threshold) |
                                   (static_cast<std::uint32_t>(value != value) & here.missing_right));
            }
          for (std::size_t i = 0; i < kTogether && from + i < count; ++i) sums[from + i] += nodes_[at[i]].value;
        }
      }
      for (std::size_t i = 0; i < count; ++i) out[first + i] += sums[i];
    }
    if (model_.members.size() > 1)
      for (std::size_t i = 0; i < count; ++i) out[first + i] /= static_cast<float>(model_.members.size());
  }
}

Explanation Scorer::explain(std::span<const float> row, std::size_t top) const {
  Scratch scratch(model_.width());
  float* wide = scratch.data();
  widen(row, wide);
  std::vector<double> parts(model_.width(), 0.0);
  std::size_t index = 0;
  for (const Member& member : model_.members)
    for (const Tree& tree : member.trees) add_tree_shap(tree, means_[index++], wide, parts);
  Explanation out;
  out.base = base_;
  out.margin = walk(wide);
  out.score = probability(out.margin);
  for (std::uint32_t f = 0; f < parts.size(); ++f)
    if (parts[f] != 0) out.contributions.push_back({f, wide[f], parts[f] / static_cast<double>(model_.members.size())});
  std::sort(out.contributions.begin(), out.contributions.end(), [](const Contribution& a, const Contribution& b) {
    const double x = std::fabs(a.margin), y = std::fabs(b.margin);
    return x != y ? x > y : a.feature < b.feature;
  });
  if (top > 0 && out.contributions.size() > top) out.contributions.resize(top);
  return out;
}

}  // namespace pandun::learn
