// Digests of the rules that this program was built with: those need no back-test of the site's own to be trusted.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pandun::server {

extern const std::string_view
    kShippedRulesText;  // every content/rules/*.toml, one behind the other; made at build time
Result<std::set<std::string, std::less<>>> shipped_rule_digests();

}  // namespace pandun::server
