#include "base/toml.h"

namespace pandun {

std::optional<TomlFault> read_toml(std::string_view text, std::string_view file, toml::table& out) {
  try {
    out = toml::parse(text, file);
    return std::nullopt;
  } catch (const toml::parse_error& bad) {
    return TomlFault{bad.source().begin.line, bad.source().begin.column, std::string(bad.description())};
  }
}

}  // namespace pandun
