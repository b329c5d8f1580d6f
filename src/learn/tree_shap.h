// Exact Shapley values of one tree, in time leaves x depth^2, without trying every set of features.
// Source   Lundberg et al. 2018, algorithm 2; the expectation weighs both children by their cover.
#pragma once

#include <vector>

#include "learn/model.h"

namespace pandun::learn {

// The expected leaf value below each node, weighted by cover.
std::vector<double> tree_means(const Tree& tree);

// Adds the tree's contributions for this row to `parts` (one for each column). NaN is a missing value.
void add_tree_shap(const Tree& tree, const std::vector<double>& means, const float* row, std::vector<double>& parts);

}  // namespace pandun::learn
