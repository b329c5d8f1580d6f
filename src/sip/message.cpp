#include "sip/message.h"

#include <algorithm>

#include "sip/header_names.h"
#include "sip/line_ends.h"
#include "sip/text.h"

namespace pandun::sip {
namespace {

constexpr std::uint64_t kCSeqMax = 4294967295ULL;

bool has_space(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const low = next_at_most(text.data(), end, ' ');
  return low != end && any_is(between(low, end), kSpaceChar);
}

class Parser {
 public:
  Parser(std::string_view bytes, const Limits& limits, Message& out)
      : limits_(limits), m_(out), at_(bytes.data()), end_(at_ + bytes.size()), line_ends_(at_, end_) {
    static_cast<MessageHead&>(m_) = kNothingRead;
    m_.bytes = bytes;
  }

  Fault run() {
    while (at_ != end_ && (*at_ == '\r' || *at_ == '\n')) ++at_;  // section 7.5
    if (between(at_, end_).find_first_not_of('\0') == std::string_view::npos) return silent();
    if (!start_line()) return silent();
    if (m_.bytes.size() > limits_.message_bytes) fault(513, "Message Too Large");
    headers();
    if (m_.response) return fault_;
    check_length();
    check_fields();
    check_target();
    return fault_;
  }

 private:
  static Fault silent() { return {0, "", true}; }
  void fault(std::uint16_t status, const char* reason) {
    if (!fault_) fault_ = {status, reason, false};
  }

  // One line without its end; at_ stands behind the CRLF. `ended` is false when the bytes stop before a line end.
  std::string_view line(bool& ended) {
    const char* const begin = at_;
    const char* const stop = line_ends_.next(begin);
    ended = stop != end_;
    at_ = stop;
    if (!ended) return between(begin, stop);
    if (*stop == '\r' && end_ - stop > 1 && stop[1] == '\n') {
      at_ = stop + 2;
    } else {
      at_ = stop + 1;
      fault(400, "Bad Line End");  // a lone CR or LF: some readers end the line there, some do not
    }
    return between(begin, stop);
  }

  bool start_line() {
    bool ended = false;
    const std::string_view text = line(ended);
    if (text.starts_with("SIP/")) {
      m_.response = true;
      const std::size_t space = text.find(' ');
      std::uint64_t code = 0;
      if (space == std::string_view::npos || !same_word(text.substr(0, space), "sip/2.0")) return false;
      m_.status_line_rest = text.substr(space + 1);
      if (!read_decimal(m_.status_line_rest.substr(0, 3), 699, code) || code < 100 ||
          (m_.status_line_rest.size() > 3 && m_.status_line_rest[3] != ' '))
        return false;
      m_.status = static_cast<std::uint16_t>(code);
      return ended;
    }
    // The version is the last word: what stands before it may be badly spaced and still deserves its 400.
    std::string_view words = text;
    while (!words.empty() && words.back() == ' ') words.remove_suffix(1);
    const std::size_t last = words.rfind(' '), first = words.find(' ');
    if (!ended || last == std::string_view::npos || first == 0) return false;
    const std::string_view version = words.substr(last + 1);
    const bool usual = version == "SIP/2.0";
    if (!usual && (version.size() < 5 || !same_word(version.substr(0, 4), "sip/"))) return false;
    m_.method_text = words.substr(0, first);
    for (const char c : m_.method_text)
      if (!is(c, kTokenChar)) return false;
    m_.method = method_of(m_.method_text);
    m_.target_text = first < last ? words.substr(first + 1, last - first - 1) : std::string_view();
    if (!usual && !same_word(version, "sip/2.0")) fault(505, "Version Not Supported");
    if (words.size() != text.size() || m_.target_text.empty() || has_space(m_.target_text))
      fault(400, "Bad Request Line");
    return true;
  }

  void headers() {
    bool ended = true;
    while (ended) {
      if (at_ == end_) break;
      const char* const begin = at_;
      std::string_view text = line(ended);
      if (text.empty() && ended) {
        m_.body = between(at_, end_);
        return;
      }
      // A line that begins with white space goes on with the one before it.
      while (at_ != end_ && ended && (*at_ == ' ' || *at_ == '\t')) text = between(begin, line(ended).end());
      if (!header(text, between(begin, at_))) fault(400, "Bad Header");
    }
    fault(400, "Headers Do Not End");
    m_.body = between(end_, end_);
  }

  bool header(std::string_view text, std::string_view whole) {
    Cursor cursor(text);
    const char* const begin = text.data();
    const char* const colon = next_of(begin, begin + text.size(), ':');
    Name name = name_of(between(begin, colon));
    // What is read by name is a token for certain; of all else each character is looked at.
    if (colon != cursor.end() && colon != begin &&
        (name != Name::kOther || skip_class(begin, colon, kTokenChar) == colon)) {
      cursor.move_to(colon + 1);
    } else {  // white space before the colon, or no header
      const std::string_view name_text = cursor.take_while(kTokenChar);
      while (cursor.peek() == ' ' || cursor.peek() == '\t') cursor.take(cursor.peek());
      if (name_text.empty() || !cursor.take(':')) return false;
      name = name_of(name_text);
    }
    if (m_.field_count >= std::min<std::size_t>(limits_.headers, kFieldsMax)) {
      fault(400, "Too Many Headers");
      return true;
    }
    m_.fields[m_.field_count] = {name, trim(cursor.rest()), whole};
    ++m_.field_count;
    if (name == Name::kVia) m_.vias_end = m_.field_count;
    std::uint16_t& first = m_.first[static_cast<std::size_t>(name)];
    if (first == 0) {
      first = m_.field_count;
    } else if (name <= Name::kContentLength && name != Name::kVia) {
      fault(400, "Repeated Header");  // From To Call-ID CSeq Max-Forwards Content-Length
    }
    return true;
  }

  void check_length() {
    const Field* const field = m_.find(Name::kContentLength);
    if (field == nullptr) return;
    std::uint64_t length = 0;
    if (!read_decimal(field->value, 0xffffffffULL, length)) return fault(400, "Bad Content-Length");
    if (length > m_.body.size()) return fault(400, "Body Shorter Than Content-Length");
    m_.body = m_.body.substr(0, length);  // what follows it in a datagram is noise (section 18.3)
  }

  void check_fields() {
    check_vias();
    address(Name::kFrom, m_.from, "Bad From");
    address(Name::kTo, m_.to, "Bad To");
    const std::string_view call_id = m_.value(Name::kCallId);
    if (call_id.empty() || has_space(call_id)) fault(400, "Bad Call-ID");
    check_cseq();
    if (const Field* const field = m_.find(Name::kMaxForwards)) {
      std::uint64_t hops = 0;
      if (!read_decimal(field->value, 255, hops)) fault(400, "Bad Max-Forwards");
      m_.max_forwards = static_cast<std::uint16_t>(std::min<std::uint64_t>(hops, 255));
    }
    if (m_.find(Name::kIdentity) != nullptr) check_identities();
  }

  void check_vias() {
    const std::uint16_t first = m_.first[static_cast<std::size_t>(Name::kVia)];
    if (first == 0) return fault(400, "Missing Via");
    for (std::size_t i = first - 1U; i < m_.vias_end; ++i) {
      if (m_.fields[i].name != Name::kVia) continue;
      std::string_view rest = m_.fields[i].value;
      do {
        Via via;
        if (!parse_via(rest, via, rest)) return fault(400, "Bad Via");
        if (++m_.via_count == 1) m_.via = via;
        if (m_.via_count > limits_.vias) return fault(400, "Too Many Via");
      } while (!rest.empty());
    }
  }

  void check_cseq() {
    Cursor cursor(m_.value(Name::kCSeq));
    const char* const begin = cursor.at();
    while (is_digit(cursor.peek())) cursor.take(cursor.peek());
    std::uint64_t number = 0;
    if (!read_decimal(between(begin, cursor.at()), kCSeqMax, number)) return fault(400, "Bad CSeq");
    const char* const behind = cursor.at();
    cursor.skip_space();
    const std::string_view method = cursor.rest();
    if (cursor.at() == behind || method.empty()) return fault(400, "Bad CSeq");
    m_.cseq = static_cast<std::uint32_t>(number);
    if (method == m_.method_text) return;
    if (m_.method == Method::kUnknown) return fault(501, "Not Implemented");
    fault(400, "CSeq Method Mismatch");
  }

  void check_identities() {
    std::size_t count = 0;
    for (std::size_t i = 0; i < m_.field_count; ++i) {
      if (m_.fields[i].name != Name::kIdentity) continue;
      if (++count > limits_.identities) return fault(400, "Too Many Identity");
      if (m_.fields[i].value.size() > limits_.identity_bytes) return fault(400, "Identity Too Large");
    }
  }

  void address(Name name, Address& out, const char* reason) {
    const Field* const field = m_.find(name);
    if (field == nullptr) return fault(400, name == Name::kFrom ? "Missing From" : "Missing To");
    if (!parse_address(field->value, out) || out.uri.text.size() > limits_.uri_bytes) fault(400, reason);
  }

  void check_target() {
    if (m_.target_text.empty()) return;
    if (m_.target_text.size() > limits_.uri_bytes) return fault(414, "Request-URI Too Long");
    if (!parse_uri(m_.target_text, m_.target)) return fault(400, "Bad Request-URI");
    if (m_.target.scheme == Scheme::kOther) return fault(416, "Unsupported URI Scheme");
    if (!m_.target.headers.empty()) return fault(400, "Headers In Request-URI");
  }

  const Limits& limits_;
  Message& m_;
  Fault fault_;
  const char* at_;
  const char* const end_;
  LineEnds line_ends_;
};

}  // namespace

Fault parse(std::string_view bytes, const Limits& limits, Message& out) {
  return Parser(bytes, limits, out).run();
}

}  // namespace pandun::sip
