// Cursors: the seq of the last row seen, as text that clients hand back unread.
#pragma once

#include "api/router.h"
#include "store/page.h"

namespace pandun::api {

// kUsage when the cursor is not one of ours.
Result<store::PageRequest> page_of(const Call& call);
std::optional<std::int64_t> time_ms(const Call& call, std::string_view name);  // a checked date-time parameter

}  // namespace pandun::api
