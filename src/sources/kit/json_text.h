// Reading a JSON value as text without copying where it can be helped. For the .cpp files of sources that read JSON; they
// alone see simdjson.
#pragma once

#include <simdjson.h>

#include <cstring>
#include <string_view>

namespace pandun::sources {

inline std::string_view trimmed_token(simdjson::ondemand::value value) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\r'))
    token.remove_suffix(1);
  return token;
}

// A string's text; views live until the parser's next document.
inline bool string_of(simdjson::ondemand::value value, std::string_view& out) {
  const std::string_view token = trimmed_token(value);
  if (token.size() < 2 || token.front() != '"' || token.back() != '"') return false;
  out = token.substr(1, token.size() - 2);
  if (out.empty() || std::memchr(out.data(), '\\', out.size()) == nullptr) return true;
  return value.get_string().get(out) == simdjson::SUCCESS;
}

// A string's text, a number or truth as written; null is empty. False for arrays and objects.
inline bool scalar_of(simdjson::ondemand::value value, std::string_view& out) {
  const std::string_view token = trimmed_token(value);
  if (token.empty()) return false;
  switch (token.front()) {
    case '"':
      return string_of(value, out);
    case '[':
    case '{':
      return false;
    case 'n':
      out = {};
      return token == "null";
    default:
      out = token;
      return true;
  }
}

// Whether nothing stands behind the value that was read.
inline bool at_end(simdjson::ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

// Whether a field's key is `key`, which must be plain ASCII. The document has padding behind it.
inline bool key_is(const char* raw, std::string_view key) {
  return std::memcmp(raw, key.data(), key.size()) == 0 && raw[key.size()] == '"';
}

}  // namespace pandun::sources
