#include "sip/uri.h"

#include "sip/text.h"

namespace pandun::sip {
namespace {

// Over characters of the class and whole escapes; `allowed` does not hold '%'.
const char* skip_escaped(const char* at, const char* end, unsigned allowed) {
  for (;;) {
    at = skip_class(at, end, allowed);
    if (end - at < 3 || *at != '%' || !is(at[1], kHexChar) || !is(at[2], kHexChar)) return at;
    at += 3;
  }
}

bool escapes_are_whole(std::string_view text, unsigned allowed) {
  const char* const end = text.data() + text.size();
  return skip_escaped(text.data(), end, allowed) == end;
}

// "name[=value]" joined by ';'. Values in the wild hold '=' and ','; the name must be there. Null where it is not; else where
// the list stops: at the end, or at a '?' behind which a sip URI has its headers.
const char* skip_params(const char* at, const char* end, bool question_ends) {
  for (;; ++at) {
    const char* const name = at;
    at = skip_escaped(at, end, kParamChar);
    if (at == name) return nullptr;
    if (at != end && *at == '=') {
      at = skip_escaped(at + 1, end, kValueChar);
      while (!question_ends && at != end && *at == '?') at = skip_escaped(at + 1, end, kValueChar);
    }
    if (at == end || (question_ends && *at == '?')) return at;
    if (*at != ';') return nullptr;
  }
}

bool parse_tel(std::string_view rest, Uri& out) {
  const std::size_t semicolon = rest.find(';');
  out.user = rest.substr(0, semicolon);
  out.has_user = true;
  if (semicolon != std::string_view::npos) {
    out.params = rest.substr(semicolon + 1);
    if (skip_params(out.params.data(), rest.data() + rest.size(), false) == nullptr) return false;
  }
  if (out.user.empty()) return false;
  for (const char c : out.user)
    if (!is(c, kHexChar) && std::string_view("+-.()*#%").find(c) == std::string_view::npos) return false;
  return escapes_are_whole(out.user, kUserChar);
}

// user[:password] before the first '@'; `at` is moved behind it. Without '@' there is none.
bool parse_user(const char*& at, const char* end, Uri& out) {
  const char* stop = skip_escaped(at, end, kUserChar);
  const char* const user_end = stop;
  if (stop != end && *stop == ':') stop = skip_escaped(stop + 1, end, kUserChar);
  if (stop == end || *stop != '@') return next_of(stop, end, '@') == end;
  if (user_end == at) return false;
  out.user = {at, static_cast<std::size_t>(user_end - at)};
  out.has_user = true;
  at = stop + 1;
  return true;
}

bool parse_sip(std::string_view rest, Uri& out) {
  const char* at = rest.data();
  const char* const end = at + rest.size();
  if (!parse_user(at, end, out)) return false;
  std::size_t used = 0;
  if (!parse_host_port({at, static_cast<std::size_t>(end - at)}, out.host, out.port, used)) return false;
  at += used;
  if (at != end && *at == ';') {
    const char* const params = at + 1;
    at = skip_params(params, end, true);
    if (at == nullptr) return false;
    out.params = {params, static_cast<std::size_t>(at - params)};
  }
  if (at == end) return true;
  if (*at != '?') return false;
  out.headers = {at + 1, static_cast<std::size_t>(end - at - 1)};
  return !out.headers.empty() && escapes_are_whole(out.headers, kUserChar | kParamChar);
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
    i = static_cast<std::size_t>(skip_class(text.data(), text.data() + text.size(), kHostChar) - text.data());
    if (i == 0) return false;
  }
  host = text.substr(0, i);
  port = 0;
  if (i < text.size() && text[i] == ':') {
    std::uint64_t number = 0;
    for (++i; i < text.size() && is_digit(text[i]); ++i) {
      number = number * 10 + static_cast<std::uint64_t>(text[i] - '0');
      if (number > 65535) return false;
    }
    if (number == 0) return false;
    port = static_cast<std::uint16_t>(number);
  }
  used = i;
  return true;
}

bool parse_uri(std::string_view text, Uri& out) {
  out = Uri{};
  out.text = text;
  if (text.starts_with("sip:")) {  // nearly all
    out.scheme = Scheme::kSip;
    return parse_sip(text.substr(4), out);
  }
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
