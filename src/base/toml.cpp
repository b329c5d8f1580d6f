#include "base/toml.h"

namespace pandun {
namespace {

// TOML 1.0 knows nothing but ASCII outside strings and comments, and toml++ 3.3 has no defined answer for some of the rest
// (U+FEC7 among others). Where the first such byte stands; a text with another fault before it is left to the parser.
std::optional<std::size_t> stray_byte(std::string_view text) {
  std::string_view closing;  // what ends the string or comment we are in
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    if (!closing.empty()) {
      const bool ends = rest.starts_with(closing) || (rest[0] == '\n' && closing.size() == 1);
      at += ends ? closing.size() : rest[0] == '\\' && closing[0] == '"' ? 2 : 1;
      if (ends) closing = {};
    } else if (rest.starts_with("\"\"\"") || rest.starts_with("'''")) {
      closing = rest.substr(0, 3);
      at += 3;
    } else {
      if (static_cast<unsigned char>(rest[0]) >= 0x80) return at;
      if (rest[0] == '"' || rest[0] == '\'') closing = rest.substr(0, 1);
      if (rest[0] == '#') closing = "\n";
      ++at;
    }
  }
  return std::nullopt;
}

TomlFault fault_at(std::string_view text, std::size_t at) {
  TomlFault out{1, 1, "only strings and comments may hold other than ASCII characters"};
  for (const char c : text.substr(0, at)) {
    if (c == '\n') {
      ++out.line;
      out.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
      ++out.column;
    }
  }
  return out;
}

}  // namespace

std::optional<TomlFault> read_toml(std::string_view text, std::string_view file, toml::table& out) {
  const std::optional<std::size_t> at = stray_byte(text);
  const TomlFault stray = at.has_value() ? fault_at(text, *at) : TomlFault{};
  try {
    out = toml::parse(text.substr(0, at.value_or(text.size())), file);
    if (!at.has_value()) return std::nullopt;
    out = {};
    return stray;
  } catch (const toml::parse_error& bad) {
    const TomlFault first{bad.source().begin.line, bad.source().begin.column, std::string(bad.description())};
    return at.has_value() && first.line >= stray.line ? stray : first;
  }
}

}  // namespace pandun
