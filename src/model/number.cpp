#include "model/number.h"

#include <fmt/format.h>

#include "base/check.h"

namespace pandun::model {

NumberKey NumberKey::service(std::string_view digits) {
  CHECK(!digits.empty() && digits.size() <= 17);
  std::uint64_t value = 1;
  for (const char c : digits) {
    CHECK(c >= '0' && c <= '9');
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return NumberKey(NumberKind::kService, value);
}

std::string NumberKey::text() const {
  switch (kind()) {
    case NumberKind::kWithheld:
      return {};
    case NumberKind::kE164: {
      const fmt::format_int digits(value());  // four times for every decision that is written down
      std::string out(1, '+');
      return out.append(digits.data(), digits.size());
    }
    case NumberKind::kService:
      return fmt::to_string(value()).substr(1);
    case NumberKind::kOpaque:
      return fmt::format("x:{:015x}", value());
    case NumberKind::kInvalid:
      return fmt::format("?:{:015x}", value());
  }
  return fmt::format("?:{:015x}", value());  // bits from a damaged file
}

}  // namespace pandun::model
