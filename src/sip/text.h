// Characters and small pieces of SIP text: the grammar's classes, linear white space, case-blind comparison.
//
// Source   RFC 3261 section 25.1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sip/line_ends.h"

namespace pandun::sip {

inline std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

enum CharClass : std::uint8_t {
  kTokenChar = 1,
  kUserChar = 2,  // unreserved and user-unreserved; '%' is looked at apart
  kHostChar = 4,  // letters, digits, '-', '.', '_'
  kHexChar = 8,
  kSpaceChar = 16,  // SP HT CR LF: a value may hold folds
  kParamChar = 32,  // paramchar without '%'
  kValueChar = 64,  // what stands in the value of a URI's parameter, '%' and '?' apart
};

namespace detail {
constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> out{};
  const auto set = [&](std::string_view chars, unsigned bits) {
    for (const char c : chars) {
      auto& slot = out[static_cast<unsigned char>(c)];
      slot = static_cast<std::uint8_t>(slot | bits);
    }
  };
  set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
      kTokenChar | kUserChar | kHostChar | kParamChar | kValueChar);
  set("abcdefABCDEF0123456789", kHexChar);
  set("-.!%*_+`'~", kTokenChar);
  set("-_.!~*'()&=+$,;?/#", kUserChar);  // '#': dialled feature codes write it unescaped
  set("-_.!~*'()[]/:&+$", kParamChar | kValueChar);
  set("=,#", kValueChar);  // in the wild
  set("-._", kHostChar);
  set(" \t\r\n", kSpaceChar);
  return out;
}
inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();
}  // namespace detail

constexpr bool is(char c, unsigned bits) {
  return (detail::kClasses[static_cast<unsigned char>(c)] & bits) != 0;
}
// The first that is of none of the classes. Four looks at once: most words are longer, and the loop costs more than the looks.
constexpr const char* skip_class(const char* at, const char* end, unsigned bits) {
  const auto one = [&](std::ptrdiff_t i) { return unsigned{detail::kClasses[static_cast<unsigned char>(at[i])]}; };
  while (end - at >= 4 && (one(0) & one(1) & one(2) & one(3) & bits) != 0) at += 4;
  while (at != end && is(*at, bits)) ++at;
  return at;
}
// One look a byte: find_first_of asks the library anew for each.
constexpr bool any_is(std::string_view text, unsigned bits) {
  unsigned seen = 0;
  for (const char c : text) seen |= detail::kClasses[static_cast<unsigned char>(c)];
  return (seen & bits) != 0;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// `word` in lower case.
constexpr bool same_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (lower(text[i]) != word[i]) return false;
  return true;
}

constexpr std::string_view trim(std::string_view text) {
  const char *begin = text.data(), *end = begin + text.size();
  while (begin != end && is(*begin, kSpaceChar)) ++begin;
  while (begin != end && is(end[-1], kSpaceChar)) --end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

// Reads forward through one header value.
class Cursor {
 public:
  explicit constexpr Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  constexpr bool done() const { return at_ == end_; }
  constexpr char peek() const { return at_ == end_ ? '\0' : *at_; }
  constexpr const char* at() const { return at_; }
  constexpr const char* end() const { return end_; }
  constexpr std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }
  constexpr void skip_space() {
    while (at_ != end_ && is(*at_, kSpaceChar)) ++at_;
  }
  constexpr bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  // c with white space allowed around it, as SEMI, EQUAL, SLASH and COMMA are.
  constexpr bool take_spaced(char c) {
    const char* const before = at_;
    skip_space();
    if (!take(c)) {
      at_ = before;
      return false;
    }
    skip_space();
    return true;
  }
  constexpr std::string_view take_while(unsigned bits) {
    const char* const begin = at_;
    at_ = skip_class(at_, end_, bits);
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }
  std::string_view take_until(char c) {
    const char* const begin = at_;
    at_ = next_of(at_, end_, c);
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }
  // A quoted string from its first quote on, quotes included; empty when it does not end.
  constexpr std::string_view take_quoted() {
    const char* const begin = at_;
    if (!take('"')) return {};
    while (at_ != end_) {
      const char c = *at_++;
      if (c == '"') return {begin, static_cast<std::size_t>(at_ - begin)};
      if (c == '\0') break;
      if (c == '\\') {
        if (at_ == end_ || *at_ == '\r' || *at_ == '\n') break;
        ++at_;
      }
    }
    at_ = begin;
    return {};
  }
  constexpr void move_to(const char* where) { at_ = where; }

 private:
  const char* at_;
  const char* end_;
};

// Decimal digits up to `max`, which is below 2^60; false for anything else, empty included.
constexpr bool read_decimal(std::string_view text, std::uint64_t max, std::uint64_t& out) {
  if (text.empty()) return false;
  out = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
    if (out > max) return false;
  }
  return true;
}

}  // namespace pandun::sip
