// A seeded table with a known truth, for tests: three columns tell, the others are noise, some cells are missing.
#pragma once

#include <cmath>
#include <limits>
#include <string>

#include "base/prng.h"
#include "learn/table.h"

namespace pandun::learn::testing {

inline Table made_table(std::size_t rows, std::uint64_t seed, std::size_t noise_columns = 3) {
  Prng random(seed);
  Table table;
  table.path = "made.csv";
  table.features = {"spread", "calls", "tenure"};
  for (std::size_t i = 0; i < noise_columns; ++i) table.features.push_back("noise_" + std::to_string(i));
  for (std::size_t r = 0; r < rows; ++r) {
    const bool fraud = random.chance(0.3);
    table.ids.push_back("u" + std::to_string(r));
    table.labels.push_back(fraud ? 1 : 0);
    const auto cell = [&](double value) {
      table.values.push_back(random.chance(0.1) ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(value));
    };
    cell((fraud ? 0.75 : 0.35) + 0.22 * random.normal());
    cell(random.log_normal(fraud ? 200 : 90, 0.8));
    cell(fraud ? random.exponential() * 20 : random.exponential() * 80);
    for (std::size_t i = 0; i < noise_columns; ++i) cell(random.normal());
  }
  table.digest = "made";
  return table;
}

}  // namespace pandun::learn::testing
