#include "learn/manifest.h"

#include <array>
#include <utility>

#include "base/toml.h"

namespace pandun::learn {
namespace {

constexpr std::array<std::pair<std::string_view, std::string DataManifest::*>, 7> kTexts{{
    {"name", &DataManifest::name},
    {"provenance", &DataManifest::provenance},
    {"licence", &DataManifest::licence},
    {"purpose", &DataManifest::purpose},
    {"consent", &DataManifest::consent},
    {"deidentification", &DataManifest::deidentification},
    {"impact_assessment", &DataManifest::impact_assessment},
}};

}  // namespace

std::string missing_in(const DataManifest& manifest) {
  std::string out;
  for (const auto& [key, text] : kTexts)
    if ((manifest.*text).find_first_not_of(" \t\r\n") == std::string::npos)
      out.append(out.empty() ? "" : ", ").append(key);
  return out;
}

Result<DataManifest> read_manifest(std::string_view content, const std::string& where) {
  toml::table root;
  if (const auto fault = read_toml(content, where, root))
    return error(Errc::kBadConfig, where + ":" + std::to_string(fault->line) + ":" + std::to_string(fault->column),
                 fault->message);
  DataManifest out;
  for (const auto& [key, node] : root) {
    const auto& at = node.source().begin;
    const std::string place = where + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
    bool known = false;
    for (const auto& [name, text] : kTexts) {
      if (key.str() != name) continue;
      known = true;
      if (!node.is_string()) return error(Errc::kBadConfig, place, "'" + std::string(name) + "' must be a text");
      out.*text = node.value_or(std::string());
      if ((out.*text).size() > 8'192)
        return error(Errc::kBadConfig, place, "'" + std::string(name) + "' is over 8 KiB");
    }
    if (!known) return error(Errc::kBadConfig, place, "unknown key '" + std::string(key.str()) + "'");
  }
  if (const std::string missing = missing_in(out); !missing.empty())
    return error(Errc::kBadConfig, where, "the data set's manifest lacks: " + missing);
  return out;
}

}  // namespace pandun::learn
