#include "server/shipped_rules.h"

#include "server/rule_text.h"

namespace pandun::server {

Result<std::set<std::string, std::less<>>> shipped_rule_digests() {
  TRY_ASSIGN(const auto rules, split_rules(std::string(kShippedRulesText), "rules of this program"));
  std::set<std::string, std::less<>> out;
  for (const RuleText& rule : rules) out.insert(rule.digest);
  return out;
}

}  // namespace pandun::server
