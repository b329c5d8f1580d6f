#include "api/paging.h"

#include <charconv>

#include "base/time.h"

namespace pandun::api {

Result<store::PageRequest> page_of(const Call& call) {
  store::PageRequest page;
  page.limit = static_cast<int>(call.query_integer("limit", 50));
  page.newest = call.query_text("order") != "oldest";
  if (const auto cursor = call.query("cursor")) {
    const char* end = cursor->data() + cursor->size();
    const auto [stop, ec] = std::from_chars(cursor->data(), end, page.cursor);
    if (ec != std::errc() || stop != end || page.cursor < 1) {
      return error(Errc::kUsage, "?cursor", "is not a cursor that this API gave");
    }
  }
  return page;
}

std::optional<std::int64_t> time_ms(const Call& call, std::string_view name) {
  const auto text = call.query(name);
  return text ? parse_rfc3339(*text) : std::nullopt;
}

}  // namespace pandun::api
