// Any bytes as a stored alert, an audit line or an anchor: read or refused; what was read writes the same text for ever after.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "casework/alert_json.h"
#include "guard/audit_anchor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto alert = casework::parse_stored(text); alert.ok()) {
    std::string once, twice;
    casework::append_stored(once, *alert);
    const auto again = casework::parse_stored(once);
    CHECK(again.ok());
    casework::append_stored(twice, *again);
    CHECK(once == twice);
  }
  if (const auto row = guard::parse_audit_line(text, "fuzz"); row.ok()) {
    std::string once;
    guard::append_audit_line(once, *row);
    const auto again = guard::parse_audit_line(once, "fuzz");
    CHECK(again.ok() && guard::canonical_audit_entry(*again) == guard::canonical_audit_entry(*row));
  }
  if (const auto anchor = guard::parse_anchor(text, "fuzz"); anchor.ok()) {
    CHECK(!guard::anchor_signed_by(*anchor, std::string(64, '0')));
  }
  return 0;
}
