#include "api/http/url.h"

namespace pandun::api::http {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Part { kPath, kQuery };

std::optional<std::string> decode(std::string_view text, Part part) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex(text[i + 1]);
      const int low = hex(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
      if (part == Part::kPath && c == '/') return std::nullopt;
    } else if (c == '+' && part == Part::kQuery) {
      c = ' ';
    }
    const auto byte = static_cast<unsigned char>(c);
    const bool newline_in_query = part == Part::kQuery && (c == '\n' || c == '\t');
    if ((byte < 0x20 && !newline_in_query) || byte == 0x7f) return std::nullopt;
    if (c == '\\' && part == Part::kPath) return std::nullopt;
    out.push_back(c);
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::size_t end = path.find('/');
    const std::string_view segment = path.substr(0, end);
    if (segment == "." || segment == "..") return true;
    if (end == std::string_view::npos) return false;
    path.remove_prefix(end);
  }
  return false;
}

bool parse_query(std::string_view text, std::vector<QueryItem>& out) {
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view item = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    auto key = decode(item.substr(0, equals), Part::kQuery);
    auto value = decode(equals == std::string_view::npos ? std::string_view{} : item.substr(equals + 1), Part::kQuery);
    if (!key || !value || out.size() >= kQueryItemsMax) return false;
    out.push_back({std::move(*key), std::move(*value)});
  }
  return true;
}

}  // namespace

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xf0 ? 4U : lead >= 0xe0 ? 3U : 2U;
    if (lead < 0xc2 || lead > 0xf4 || i + length > text.size()) return false;
    unsigned code = lead & (0x7fU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if ((byte & 0xc0U) != 0x80U) return false;
      code = (code << 6) | (byte & 0x3fU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return false;
    i += length;
  }
  return true;
}

std::optional<Target> parse_target(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const std::size_t slash = target.find_first_of("/?", scheme.size());
    if (slash == scheme.size()) return std::nullopt;
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    break;
  }
  target = target.substr(0, target.find('#'));
  Target out;
  const std::size_t mark = target.find('?');
  const std::string_view raw_path = target.substr(0, mark);
  if (raw_path.empty() && mark == 0) {
    out.path = "/";
  } else {
    if (raw_path.empty() || raw_path.front() != '/') return std::nullopt;
    auto path = decode(raw_path, Part::kPath);
    if (!path || has_dot_segment(*path)) return std::nullopt;
    out.path = std::move(*path);
  }
  if (mark != std::string_view::npos && !parse_query(target.substr(mark + 1), out.query)) return std::nullopt;
  return out;
}

}  // namespace pandun::api::http
