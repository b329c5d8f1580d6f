// The trainer: XGBoost's C API behind a value interface. One thread, seeded, deterministic on one machine.
//
// Errors   kUnavailable with the library's own words. Nothing here throws.
// Threads  XGBoost keeps error state by thread; one owner for each Booster.
// Source   XGBoost 1.7, C API. nthread is 1: with more, sums differ from run to run.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "learn/model.h"

namespace pandun::learn {

struct BoostParameters {
  std::uint32_t rounds_max = 1200;
  std::uint32_t patience = 60;  // rounds without a log-loss on the validation rows that is better by gain_min
  double gain_min = 1e-5;       // less is no gain
  double loss_enough =
      2e-3;  // nothing is left to learn: on rows that part cleanly the loss would creep down to the last round
  double eta = 0.05;
  std::uint32_t depth_max = 4;
  double subsample = 0.8, column_share = 0.4, column_share_node = 1.0;
  double child_weight_min = 2;
  double lambda = 2, alpha = 0, gamma = 0;
  double positive_weight = 1;  // class weight of label 1
  std::uint32_t bins = 128;
  std::uint64_t seed = 1;
  std::vector<std::pair<std::string, std::string>> shown() const;
};

// Rows for the trainer; all row-major, NaN = missing. `weights` may be empty.
struct Rows {
  std::span<const float> values;
  std::size_t width = 0;
  std::span<const float> labels, weights;
  std::size_t count() const { return width == 0 ? 0 : values.size() / width; }
};

struct Boosted {
  Member member;
  std::vector<float> validation_margins;  // at the best round
  std::uint32_t best_round = 0;           // trees kept
  double validation_loss = 0;
};

// Trains on `train`; stops early on `validation` unless it has no rows, in which case rounds_max trees are made.
Result<Boosted> boost(const Rows& train, const Rows& validation, const BoostParameters& parameters,
                      float base_margin = 0);

std::string trainer_version();  // "xgboost 1.7.4"

// XGBoost's own answers for trees it trained; the oracle of tests and benchmarks.
class Oracle {
 public:
  static Result<std::unique_ptr<Oracle>> train(const Rows& train, const BoostParameters& parameters);
  ~Oracle();
  Result<std::vector<float>> margins(std::span<const float> values, std::size_t width) const;
  // (width + 1) numbers a row, the base last.
  Result<std::vector<float>> contributions(std::span<const float> values, std::size_t width) const;
  Result<Member> member() const;

 private:
  explicit Oracle(void* handle) : handle_(handle) {}
  void* handle_;
};

}  // namespace pandun::learn
