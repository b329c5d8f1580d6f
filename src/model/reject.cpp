#include "model/reject.h"

#include <array>

namespace pandun::model {

std::string_view name(RejectReason reason) {
  constexpr std::array<std::string_view, 14> kNames{
      "field_count", "bad_time", "time_form", "future_time", "missing_field",  "bad_number", "bad_address",
      "bad_json",    "too_long", "binary",    "encoding",    "unknown_record", "truncated",  "bad_value"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace pandun::model
