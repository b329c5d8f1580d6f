// Which rows train and which are held: decided from labels, groups or times and a seed, never from the order or name of rows.
//
// Shape    fold[i] is the fold that holds row i; 0 <= fold < folds.
// Errors   kBadInput when a class or the groups are fewer than the folds.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace pandun::learn {

enum class SplitKind : std::uint8_t { kStratified, kGrouped, kTime };

struct Split {
  SplitKind kind = SplitKind::kStratified;
  std::uint32_t folds = 0;
  std::vector<std::uint32_t> fold;  // of each row

  // Rows to train on when `held` is the fold to be judged. By time: only rows of earlier folds; fold 0 is never judged.
  std::vector<std::uint32_t> training(std::uint32_t held) const;
  std::vector<std::uint32_t> rows_of(std::uint32_t held) const;
  std::uint32_t first_judged() const { return kind == SplitKind::kTime ? 1 : 0; }
};

// Each fold holds as many of each class as the others, within one.
Result<Split> split_stratified(std::span<const std::uint8_t> labels, std::uint32_t folds, std::uint64_t seed);
// All rows of a group stand in one fold; folds are filled so that rows and positives come out even.
Result<Split> split_grouped(std::span<const std::uint8_t> labels, std::span<const std::string> groups,
                            std::uint32_t folds, std::uint64_t seed);
// Folds are consecutive in time, of equal size; rows of one moment stay together.
Result<Split> split_by_time(std::span<const std::uint8_t> labels, std::span<const std::int64_t> times,
                            std::uint32_t folds);

// Three parts with each class shared out alike: `train` and `validation` are shares of all rows, the rest is judged.
struct HoldOut {
  std::vector<std::uint32_t> train, validation, test;
};
Result<HoldOut> split_hold_out(std::span<const std::uint8_t> labels, double train, double validation,
                               std::uint64_t seed);

}  // namespace pandun::learn
