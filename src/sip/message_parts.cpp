// Via and addresses: what stands in one header value. The message around them: message.cpp.
#include "sip/message.h"
#include "sip/text.h"

namespace pandun::sip {

const MessageHead kNothingRead;  // where message.cpp does not see that it is nearly all zeros, and copies it

namespace {

// ;name[=value] … of From, To, Via. `params` spans them; false on anything that is not one.
bool header_params(Cursor& from, std::string_view& params, std::string_view* tag, Via* via) {
  Cursor cursor = from;  // where nothing that is written can be taken for it
  const char* begin = nullptr;
  const char* end = cursor.at();
  while (cursor.take_spaced(';')) {
    if (begin == nullptr) begin = cursor.at();
    const std::string_view name = cursor.take_while(kTokenChar);
    if (name.empty()) return false;
    end = cursor.at();
    std::string_view value;
    bool has_value = false;
    if (cursor.take_spaced('=')) {
      has_value = true;
      if (cursor.peek() == '"') {
        value = cursor.take_quoted();
      } else {
        value = cursor.take_while(kTokenChar);
        // gen-value may be a host: IPv6 with brackets, and (RFC 5118 section 4.5) without.
        if (cursor.peek() == '[' || cursor.peek() == ':') {
          const char* const host = value.data();
          while (is(cursor.peek(), kTokenChar) || cursor.peek() == ':' || cursor.peek() == '[' || cursor.peek() == ']')
            cursor.take(cursor.peek());
          value = between(host, cursor.at());
        }
      }
      if (value.empty()) return false;
      end = cursor.at();
    }
    if (tag != nullptr && same_word(name, "tag")) {
      if (!tag->empty() || value.empty()) return false;  // two tags: two readers, two dialogs
      *tag = value;
    }
    if (via != nullptr) {
      if (same_word(name, "branch")) {
        if (!via->branch.empty() || value.empty()) return false;
        via->branch = value;
      } else if (same_word(name, "rport")) {
        via->rport = true;
        std::uint64_t port = 0;
        if (has_value && !read_decimal(value, 65535, port)) return false;
      }
    }
  }
  params = begin == nullptr ? std::string_view() : between(begin, end);
  from = cursor;
  return true;
}

}  // namespace

bool parse_via(std::string_view value, Via& out, std::string_view& rest) {
  out = Via{};
  Cursor cursor(value);
  const char* const begin = cursor.at();
  constexpr std::string_view kUsual = "SIP/2.0/";
  if (value.starts_with(kUsual)) {
    cursor.move_to(begin + kUsual.size());
    cursor.skip_space();
  } else {
    if (!same_word(cursor.take_while(kTokenChar), "sip") || !cursor.take_spaced('/')) return false;
    if (cursor.take_while(kTokenChar) != "2.0" || !cursor.take_spaced('/')) return false;
  }
  out.transport = cursor.take_while(kTokenChar);
  const char* const behind = cursor.at();
  cursor.skip_space();
  if (out.transport.empty() || cursor.at() == behind) return false;
  const char* const sent_by = cursor.at();
  std::size_t used = 0;
  if (!parse_host_port(cursor.rest(), out.host, out.port, used)) return false;
  cursor.move_to(sent_by + used);
  if (out.port == 0) {  // "host : port" with white space around the colon
    const char* const host_end = cursor.at();
    if (cursor.take_spaced(':')) {
      const char* const digits = cursor.at();
      while (is_digit(cursor.peek())) cursor.take(cursor.peek());
      std::uint64_t port = 0;
      if (!read_decimal(between(digits, cursor.at()), 65535, port) || port == 0) return false;
      out.port = static_cast<std::uint16_t>(port);
    } else {
      cursor.move_to(host_end);
    }
  }
  out.sent_by = between(sent_by, cursor.at());
  if (!header_params(cursor, out.params, nullptr, &out)) return false;
  if (same_word(out.branch, "z9hg4bk")) return false;  // the cookie and nothing behind it (RFC 4475 section 3.2.1)
  const char* const end = cursor.at();
  out.text = between(begin, end);
  cursor.skip_space();
  rest = {};
  if (cursor.done()) return true;
  if (!cursor.take(',')) return false;
  cursor.skip_space();
  rest = cursor.rest();
  return !rest.empty();
}

bool parse_address(std::string_view value, Address& out, std::string_view* rest) {
  out = Address{};
  Cursor cursor(value);
  cursor.skip_space();
  const char* const begin = cursor.at();
  std::string_view uri;
  bool bracketed = false;
  if (cursor.peek() == '"') {
    out.display = cursor.take_quoted();
    if (out.display.empty()) return false;
    cursor.skip_space();
    bracketed = cursor.take('<');
    if (!bracketed) return false;
  } else {
    // Words of a display name, until '<'. Bytes above 0x7f: names in UTF-8 come without quotes often enough.
    while (is(cursor.peek(), kTokenChar | kSpaceChar) || static_cast<unsigned char>(cursor.peek()) >= 0x80)
      cursor.take(cursor.peek());
    bracketed = cursor.peek() == '<';
    if (bracketed) {
      out.display = trim(between(begin, cursor.at()));
      cursor.take('<');
    }
  }
  if (bracketed) {
    uri = cursor.take_until('>');
    if (!cursor.take('>')) return false;
  } else {
    cursor.move_to(begin);
    while (!cursor.done() && !is(cursor.peek(), kSpaceChar) && cursor.peek() != ';' && cursor.peek() != ',' &&
           cursor.peek() != '?')
      cursor.take(cursor.peek());
    // A ';' or ',' before '@' belongs to the user part; without brackets nobody can tell, so it is refused below.
    uri = between(begin, cursor.at());
  }
  if (!parse_uri(uri, out.uri)) return false;
  std::string_view params;
  if (!header_params(cursor, params, &out.tag, nullptr)) return false;
  cursor.skip_space();
  if (rest != nullptr) *rest = {};
  if (cursor.done()) return true;
  if (rest == nullptr || !cursor.take(',')) return false;
  cursor.skip_space();
  *rest = cursor.rest();
  return !rest->empty();
}

}  // namespace pandun::sip
