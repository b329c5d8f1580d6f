// One event written as one line, as case_file.h shows them.
// Errors   kBadInput with what is wrong; time, position and source are left to the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "model/arena.h"
#include "model/event.h"

namespace pandun::detect::testing {

Result<model::Event> parse_event_line(std::string_view line, model::Arena& arena);
std::optional<std::int64_t> parse_span_ms(std::string_view text);  // "1h30m", "250ms"
model::NumberKey parse_number(
    std::string_view text);  // "+86…" E.164, up to 8 digits service, "?…" invalid, else opaque

}  // namespace pandun::detect::testing
