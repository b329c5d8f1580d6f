// Extremely randomised trees: deep trees whose cuts are drawn by lot, each the best of a few. One of them is weak; their mean errs elsewhere
// than boosted trees do, so that the two together err less.
//
// Shape    of each row the sum of the leaves is the mean over the trees of the leaf's share of label 1, less the share among all rows.
// Errors   none. Rows are those the booster takes, at least one.
// Threads  one; the same rows and seed give the same trees.
// Source   Geurts, Ernst, Wehenkel 2006, "Extremely randomized trees"; missing values: see draw().
#pragma once

#include "learn/booster.h"

namespace pandun::learn {

struct ForestParameters {
  std::uint32_t trees = 30;
  std::uint32_t depth_max = 14;
  double column_share = 0.3;  // of the columns, looked at for each cut
  // Fewest rows of a leaf; and no fewer than one row in a thousand, so that a large table does not make a large model.
  std::uint32_t leaf_rows_min = 2;
  double positive_weight = 1;
  std::uint64_t seed = 1;
};

std::vector<Tree> grow_forest(const Rows& rows, const ForestParameters& parameters);

// The sum of the leaves that each row comes to; rows need no labels.
std::vector<double> forest_margins(std::span<const Tree> trees, const Rows& rows);

}  // namespace pandun::learn
