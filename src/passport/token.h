// One Identity header and the PASSporT in it, read and not yet believed.
//
// Strict   what two readers could read in two ways is refused: a key that stands twice, header parameters that contradict the
//          token, text behind the JSON. Unknown claims are kept out of sight; "crit" and unknown ppt are unsupported.
// Lenient  `iat` as a string, `dest.tn` as one string: the RFCs' own examples write them so.
// Shape    numbers in canonical form: digits, '*' and '#' alone (RFC 8224 section 8.3).
// Threads  plain values and functions.
// Source   RFC 8224 sections 4, 8; RFC 8225 sections 4-9; RFC 8588; RFC 8946; RFC 7515.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "passport/verdict.h"

namespace pandun::passport {

inline constexpr std::size_t kTokenBytesMax = 8192;

// The header's parts as spans into its value. Header parameters in any order; unknown ones are passed over.
struct Header {
  std::string_view token, info, alg, ppt;
  bool compact = false;  // "..signature": the rest is made from the call itself
};
bool parse_header(std::string_view value, Header& out);

enum class Kind : std::uint8_t { kBase, kShaken, kDiv };

struct Token {
  Kind kind = Kind::kBase;
  std::string x5u{};
  std::int64_t issued_at = 0;  // seconds
  Party from{};
  std::vector<std::string> to_numbers{}, to_uris{};
  Party diverted{};  // div: whom the call was for before
  Attest attest = Attest::kNone;
  std::string origid{};
  std::string signed_text{};  // "header.claims"
  std::string signature{};    // 64 bytes: r, s
};

// kGood and `out` filled, else why not: kMalformed, kUnsupported, kBadInfo.
Why read_token(const Header& header, Token& out);
// A compact one is signed over what both sides can write alike: these.
Why rebuild_token(const Header& header, const Party& from, const Party& to, std::int64_t date, Token& out);

std::string canonical_number(std::string_view text);  // "" when nothing of a number is left
// "Tue, 16 Aug 2016 19:23:38 GMT" in seconds; 0 when it is anything else (RFC 3261 section 20.17).
std::int64_t sip_date(std::string_view text);

}  // namespace pandun::passport
