// Training small enough for a test, and a clock that stands.
#pragma once

#include <cstdint>

#include "learn/trainer.h"

namespace pandun::learn::testing {

inline double no_time() {
  return 0;
}

inline TrainOptions quick(std::uint32_t rounds_max = 60) {
  TrainOptions options;
  options.label = "fraud";
  options.folds = 3;
  options.inner_folds = 3;
  options.boost.rounds_max = rounds_max;
  options.boost.patience = 10;
  options.boost.eta = 0.2;
  options.boost.depth_max = 3;
  return options;
}

}  // namespace pandun::learn::testing
