// Columns worked out from other columns: one definition for training and scoring.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "learn/model.h"

namespace pandun::learn {

// inputs[0..count) -> out[0..derived.size()). Inputs hold no infinities; neither does out.
void derive(const std::vector<Derived>& derived, const float* inputs, std::size_t count, float* out);

// A file of derived columns (TOML): [[derived]] name = "…", kind = "ratio", a = "column", b = "column". Names must be in `inputs`.
// Errors: kBadConfig with file:line:column.
Result<std::vector<Derived>> read_derived(std::string_view toml, const std::string& where,
                                          const std::vector<std::string>& inputs);

}  // namespace pandun::learn
