// One rule's text by itself: cut out of a file, named by a digest, and written again with another id or state.
//
// Digest   BLAKE2b-256 of all that the rule says but its state: comments, spaces outside texts and the order of keys do not
//          count, so a rule keeps its digest from draft to live, and any other change gives another one.
// Errors   split_rules(): kBadConfig with every fault as file:line:column, as the compiler of rules finds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detect/rules/rule_set.h"

namespace pandun::server {

struct RuleText {
  std::string id, file, digest;
  std::uint32_t line = 0;
  std::string body;  // TOML of its table, without `state` and `enabled`
  bool live = true;  // enabled and not in shadow, as the text has it
  bool enabled = true;
  // A file of this one rule; an empty `id` keeps its own.
  std::string as_file(std::string_view state, std::string_view id = {}) const;
};

Result<std::vector<RuleText>> split_rules(const std::string& text, const std::string& file);

}  // namespace pandun::server
