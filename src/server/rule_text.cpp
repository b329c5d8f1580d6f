#include "server/rule_text.h"

#include <fmt/format.h>

#include <sstream>

#include "base/toml.h"
#include "learn/digest.h"

namespace pandun::server {
namespace {

std::string written(const toml::table& table) {
  std::ostringstream out;
  out << toml::toml_formatter{table};
  return std::move(out).str();
}

}  // namespace

std::string RuleText::as_file(std::string_view state, std::string_view new_id) const {
  // `body` came out of written(): a table of plain values, which reads back.
  toml::table table;
  CHECK(!read_toml(body, file, table));
  table.insert_or_assign("state", std::string(state));
  if (!new_id.empty()) table.insert_or_assign("id", std::string(new_id));
  toml::table root;
  root.insert("rule", toml::array{std::move(table)});
  return written(root) + "\n";
}

Result<std::vector<RuleText>> split_rules(const std::string& text, const std::string& file) {
  const detect::RuleSource source{file, text};
  if (const detect::RuleCompilation compiled = detect::RuleSet::compile({&source, 1}); !compiled.faults.empty()) {
    std::string faults;
    for (const detect::RuleFault& fault : compiled.faults) faults += (faults.empty() ? "" : "\n  ") + fault.text();
    return error(Errc::kBadConfig, file, faults);
  }
  toml::table parsed;
  if (const auto bad = read_toml(text, file, parsed))
    return error(Errc::kBadConfig, fmt::format("{}:{}:{}", file, bad->line, bad->column), bad->message);
  std::vector<RuleText> out;
  const toml::array* rules = parsed["rule"].as_array();
  if (rules == nullptr) return out;
  for (const toml::node& node : *rules) {
    toml::table table = *node.as_table();
    RuleText rule;
    rule.file = file;
    rule.line = table.source().begin.line;
    rule.id = table["id"].value_or(std::string());
    rule.enabled = table["enabled"].value_or(true);
    rule.live = rule.enabled && table["state"].value_or(std::string("live")) == "live";
    table.erase("state");
    table.erase("enabled");
    rule.body = written(table);
    toml::table again;
    if (read_toml(rule.body, file, again) || written(again) != rule.body)
      return error(Errc::kBadConfig, fmt::format("{}:{}", file, rule.line),
                   "holds characters that cannot be written again; write its texts without control characters");
    rule.digest = learn::digest_hex(rule.body);
    out.push_back(std::move(rule));
  }
  return out;
}

}  // namespace pandun::server
