#include "sources/kit/scan.h"

#include <cmath>
#include <cstdlib>
#include <string>

namespace pandun::sources {
namespace {

bool parse_exponent(std::string_view text, std::int64_t& value) {
  if (text.size() > 40) return false;
  for (const char c : text)
    if (!is_digit(c) && std::string_view(".eE+-").find(c) == std::string_view::npos) return false;
  const std::string copy(text);
  char* end = nullptr;
  const double number = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size() || !(number >= 0) || number > 1e15) return false;
  value = static_cast<std::int64_t>(number * 1000);
  return true;
}

}  // namespace

bool parse_thousandths(std::string_view text, std::int64_t& value) {
  std::int64_t whole = 0;
  std::size_t at = 0;
  while (at < text.size() && is_digit(text[at]))
    whole = whole * 10 + (text[at++] - '0'), at = at > 15 ? text.size() + 1 : at;
  if (at == 0 || at > text.size()) return false;
  std::int64_t part = 0;
  if (at < text.size() && text[at] == '.') {
    std::int64_t scale = 100;
    const std::size_t first = ++at;
    for (; at < text.size() && is_digit(text[at]); ++at, scale /= 10) part += (text[at] - '0') * scale;
    if (at == first) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) return parse_exponent(text, value);
  if (at != text.size()) return false;
  value = whole * 1000 + part;
  return true;
}

}  // namespace pandun::sources
