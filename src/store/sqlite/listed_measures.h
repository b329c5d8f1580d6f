// Measures that stand in a list of cards alone (store/card_batches.h): found by place or token, made a row when one changes.
// Inside store/sqlite only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/card_batches.h"
#include "store/cases.h"
#include "store/sqlite/connection.h"

namespace pandun::store {

// Only those without a row of their own.
Result<std::optional<MeasureRow>> listed_by_id(Connection& db, const std::string& id);
Result<std::vector<MeasureRow>> listed_of_token(Connection& db, const std::string& token);  // newest list first
Result<std::vector<MeasureRow>> listed_behind(Connection& db, std::int64_t after_seq, int limit);
// Makes it a row, unless it is one. False: there is no such measure.
Result<bool> keep_listed(Connection& db, const std::string& id);

}  // namespace pandun::store
