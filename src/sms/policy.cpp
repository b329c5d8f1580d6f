#include "sms/policy.h"

#include "base/toml.h"

namespace pandun::sms {

Result<ContractPolicy> ContractPolicy::parse(std::string_view text, const std::string& file) {
  toml::table root;
  if (const auto bad = read_toml(text, file, root))
    return error(Errc::kBadConfig, file + ":" + std::to_string(bad->line) + ":" + std::to_string(bad->column),
                 bad->message);
  for (const auto& [name, node] : root)
    if (name.str() != "version" && name.str() != "enforce" && name.str() != "approved_by" &&
        name.str() != "approved_at" && name.str() != "expires_at")
      return error(
          Errc::kBadConfig, file + ":" + std::to_string(node.source().begin.line),
          std::string(name.str()) + " is not a key here; known: enforce, approved_by, approved_at, expires_at");
  ContractPolicy out;
  out.enforce = root["enforce"].value_or(false);
  if (const toml::array* people = root["approved_by"].as_array())
    for (const toml::node& person : *people) out.approved_by.push_back(person.value_or(std::string()));
  const auto time = [&root](std::string_view key) { return parse_rfc3339(root[key].value_or(std::string())); };
  const auto from = time("approved_at"), until = time("expires_at");
  if (from) out.approved_at = {*from};
  if (until) out.expires_at = {*until};
  if (!out.enforce) return out;
  const bool two = out.approved_by.size() >= 2 && !out.approved_by[0].empty() && !out.approved_by[1].empty() &&
                   out.approved_by[0] != out.approved_by[1];
  if (!two) return error(Errc::kBadConfig, file, "enforce needs approved_by: two different people");
  if (!from || !until || *until <= *from)
    return error(Errc::kBadConfig, file, "enforce needs approved_at and a later expires_at, both RFC 3339 texts");
  return out;
}

}  // namespace pandun::sms
