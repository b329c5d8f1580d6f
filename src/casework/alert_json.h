// Alerts as stored text and back: the contract's line plus what only the store keeps (series, positions, notes).
//
// Errors   parse_stored: kCorrupt when the text is not what append_stored wrote.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/alert.h"

namespace pandun::casework {

void append_stored(std::string& out, const model::Alert& alert);
Result<model::Alert> parse_stored(std::string_view json);

}  // namespace pandun::casework
