// Any bytes as a rule somebody hands in: refused with words, or cut into rules that keep their digest when written again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/rule_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun::server;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto rules = split_rules(text, "f.toml");
  if (!rules.ok()) {
    if (rules.error().message.empty()) std::abort();
    return 0;
  }
  for (const RuleText& rule : *rules) {
    const auto again = split_rules(rule.as_file("live"), "f.toml");
    if (!again.ok() || again->size() != 1 || again->front().digest != rule.digest || again->front().id != rule.id)
      std::abort();
    const auto renamed = split_rules(rule.as_file("shadow", rule.id + "__v1"), "f.toml");
    if (renamed.ok() && (renamed->front().live || renamed->front().id != rule.id + "__v1")) std::abort();
  }
  return 0;
}
