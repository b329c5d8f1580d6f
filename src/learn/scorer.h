// Scoring rows with a model, in the hot path: no locks, no allocation, no trainer library.
//
// Units    score(): calibrated probability, 0 to 1. margin(): log-odds before calibration.
// Shape    a row holds features() in order; NaN is a missing value, an infinity counts as one.
// Errors   build(): what check_model() refuses. Scoring cannot fail; a row of another width is our bug.
// Threads  immutable; share it as shared_ptr<const Scorer>.
// Source   explanations: Lundberg et al. 2018, "Consistent individualized feature attribution for tree ensembles", algorithm 2.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "learn/model.h"

namespace pandun::learn {

// How much one column moved the margin. All contributions and the base add up to the margin.
struct Contribution {
  std::uint32_t feature = 0;  // index for Scorer::feature_name()
  float value = 0;            // NaN: missing
  double margin = 0;          // + towards fraud
};

struct Explanation {
  double base = 0, margin = 0, score = 0;
  std::vector<Contribution> contributions;  // largest absolute first
};

class Scorer {
 public:
  static Result<std::shared_ptr<const Scorer>> build(Model model, const std::string& where = "model");
  static Result<std::shared_ptr<const Scorer>> load(std::string_view file_content, const std::string& where);

  const std::vector<std::string>& features() const { return model_.inputs; }
  const Model& model() const { return model_; }
  const std::string& digest() const { return digest_; }  // empty when built from parts
  std::string_view feature_name(std::uint32_t index) const { return model_.feature_name(index); }

  double score(std::span<const float> row) const { return probability(margin(row)); }
  float margin(std::span<const float> row) const;
  double probability(double margin) const { return model_.calibration.probability(margin); }
  // Many rows, one behind the other; out has one place for each. Trees stay in the cache while rows pass.
  void margins(std::span<const float> rows, std::span<float> out) const;

  // All columns with a contribution, or the `top` largest; base + sum is exact only over all of them.
  Explanation explain(std::span<const float> row, std::size_t top = 0) const;

 private:
  // 16 bytes, four to a cache line. A leaf points at itself and compares with NaN, so that a walk of fixed depth stays on it.
  struct Node {
    float threshold;
    std::uint32_t left;
    std::uint16_t feature;
    std::uint16_t missing_right;
    float value;
  };
  struct Root {
    std::uint32_t node = 0;
    std::uint32_t depth = 0;
  };

  explicit Scorer(Model model);
  void widen(std::span<const float> row, float* wide) const;  // inputs cleaned, derived worked out
  float walk(const float* wide) const;

  Model model_;
  std::string digest_;
  std::vector<Node> nodes_;
  std::vector<Root> roots_;                 // of every tree, member by member
  std::vector<std::uint32_t> member_ends_;  // index into roots_
  std::vector<std::vector<double>> means_;  // expected value below each node, for explanations, by tree
  double base_ = 0;
};

}  // namespace pandun::learn
