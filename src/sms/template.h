// A registered template, compiled: fixed words and bounded places, matched in one pass.
//
// Shape    "您的验证码是{digits:4-8}，{digits:1-2}分钟内有效。": places are {digits}, {amount}, {date}, {url}, {name}, {text}, each
//          with an optional length (":6", ":4-8"). Both sides are folded alike (text.h) before they are compared.
// Bound    time grows with length × places that are open at once.
// Errors   compile(): kBadConfig for an unknown place or bounds, and for fewer than two fixed characters.
// Threads  immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pandun::sms {

class Pattern {
 public:
  enum class Place : std::uint8_t { kLiteral, kDigits, kAmount, kDate, kUrl, kName, kText };
  struct Step {
    Place place = Place::kLiteral;
    bool optional = false;  // may be passed over
    char32_t literal = 0;
  };

  static Result<Pattern> compile(std::string_view text);

  // Whether folded characters are a text that this template can give; with `whole` false, the beginning of one.
  bool matches(const char32_t* text, std::size_t size, bool whole) const;
  std::size_t steps() const { return steps_.size(); }

 private:
  Result<> add_place(std::string_view words);
  std::vector<Step> steps_;
};

}  // namespace pandun::sms
