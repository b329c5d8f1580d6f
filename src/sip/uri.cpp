#include "sip/uri.h"

#include "sip/text.h"

namespace pandun::sip {
namespace {

bool escapes_are_whole(std::string_view text, unsigned allowed) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is(text[i], allowed)) continue;
    if (text[i] != '%' || text.size() - i < 3 || !is(text[i + 1], kHexChar) || !is(text[i + 2], kHexChar)) return false;
    i += 2;
  }
  return true;
}

bool good_params(std::string_view params) {
  // "name[=value]" joined by ';'. Values in the wild hold '=' and ','; the name must be there.
  std::size_t begin = 0;
  while (begin <= params.size()) {
    std::size_t end = params.find(';', begin);
    if (end == std::string_view::npos) end = params.size();
    const std::string_view one = params.substr(begin, end - begin);
    const std::size_t equals = one.find('=');
    const std::string_view name = one.substr(0, equals);
    if (name.empty() || !escapes_are_whole(name, kParamChar)) return false;
    if (equals != std::string_view::npos && !escapes_are_whole(one.substr(equals + 1), kUserChar | kParamChar))
      return false;
    begin = end + 1;
  }
  return true;
}

bool parse_tel(std::string_view rest, Uri& out) {
  const std::size_t semicolon = rest.find(';');
  out.user = rest.substr(0, semicolon);
  out.has_user = true;
  if (semicolon != std::string_view::npos) {
    out.params = rest.substr(semicolon + 1);
    if (!good_params(out.params)) return false;
  }
  if (out.user.empty()) return false;
  for (const char c : out.user)
    if (!is(c, kHexChar) && std::string_view("+-.()*#%").find(c) == std::string_view::npos) return false;
  return escapes_are_whole(out.user, kUserChar);
}

bool parse_sip(std::string_view rest, Uri& out) {
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    std::string_view info = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const std::size_t colon = info.find(':');
    out.user = info.substr(0, colon);
    if (out.user.empty() || !escapes_are_whole(out.user, kUserChar)) return false;
    if (colon != std::string_view::npos && !escapes_are_whole(info.substr(colon + 1), kUserChar)) return false;
    out.has_user = true;
  }
  std::size_t used = 0;
  if (!parse_host_port(rest, out.host, out.port, used)) return false;
  rest.remove_prefix(used);
  if (const std::size_t question = rest.find('?'); question != std::string_view::npos) {
    out.headers = rest.substr(question + 1);
    rest = rest.substr(0, question);
    if (out.headers.empty() || !escapes_are_whole(out.headers, kUserChar | kParamChar)) return false;
  }
  if (rest.empty()) return true;
  if (rest.front() != ';') return false;
  out.params = rest.substr(1);
  return good_params(out.params);
}

}  // namespace

bool parse_host_port(std::string_view text, std::string_view& host, std::uint16_t& port, std::size_t& used) {
  std::size_t i = 0;
  if (!text.empty() && text.front() == '[') {
    std::size_t colons = 0;
    for (i = 1; i < text.size() && text[i] != ']'; ++i) {
      if (text[i] == ':') ++colons;
      if (!is(text[i], kHexChar) && text[i] != ':' && text[i] != '.') return false;
    }
    if (i == text.size() || colons < 2) return false;
    ++i;
  } else {
    while (i < text.size() && is(text[i], kHostChar)) ++i;
    if (i == 0) return false;
  }
  host = text.substr(0, i);
  port = 0;
  if (i < text.size() && text[i] == ':') {
    std::size_t end = i + 1;
    while (end < text.size() && is_digit(text[end])) ++end;
    std::uint64_t number = 0;
    if (!read_decimal(text.substr(i + 1, end - i - 1), 65535, number) || number == 0) return false;
    port = static_cast<std::uint16_t>(number);
    i = end;
  }
  used = i;
  return true;
}

bool parse_uri(std::string_view text, Uri& out) {
  out = Uri{};
  out.text = text;
  std::size_t colon = 0;
  while (colon < text.size() && (is(text[colon], kHostChar) || text[colon] == '+') && text[colon] != '_') ++colon;
  if (colon == 0 || colon == text.size() || text[colon] != ':' || is_digit(text[0])) return false;
  const std::string_view scheme = text.substr(0, colon), rest = text.substr(colon + 1);
  if (same_word(scheme, "sip")) {
    out.scheme = Scheme::kSip;
    return parse_sip(rest, out);
  }
  if (same_word(scheme, "sips")) {
    out.scheme = Scheme::kSips;
    return parse_sip(rest, out);
  }
  if (same_word(scheme, "tel")) {
    out.scheme = Scheme::kTel;
    return parse_tel(rest, out);
  }
  return !rest.empty();
}

std::string_view parameter(std::string_view params, std::string_view name, bool& found) {
  found = false;
  std::size_t begin = 0;
  while (begin < params.size()) {
    std::size_t end = params.find(';', begin);
    if (end == std::string_view::npos) end = params.size();
    const std::string_view one = params.substr(begin, end - begin);
    const std::size_t equals = one.find('=');
    if (same_word(trim(one.substr(0, equals)), name)) {
      found = true;
      return equals == std::string_view::npos ? std::string_view() : trim(one.substr(equals + 1));
    }
    begin = end + 1;
  }
  return {};
}

}  // namespace pandun::sip
