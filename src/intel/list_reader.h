// Reads other people's indicator lists: plain (one a line), hosts files, CSV with a header line.
//
// Forms    plain    an indicator, then optionally a number: how many lists agree (raises confidence); # ; // are comments
//          hosts    "0.0.0.0 evil.example [more names]"; localhost names are skipped
//          CSV      comma, semicolon or tab; columns by name: indicator, type, confidence, severity, topic, valid_from,
//                   valid_until, source, marking (and usual synonyms); or one column per type ("sha256", "domain")
//          Times    RFC 3339, YYYY-MM-DD (UTC) or Unix seconds.
// Errors   a bad line is a fault with its number and reason; nothing is dropped uncounted. The first 1,000 faults are kept.
// Safety   types for content or people are refused (RefusedType). Numbers need a tokeniser, else they are refused.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "intel/indicator.h"

namespace pandun::intel {

enum class ListFault : std::uint8_t {
  kNotAnIndicator,
  kRefusedType,
  kUnknownType,
  kBadAddress,
  kBadDomain,
  kBadUrl,
  kBadHash,
  kBadMail,
  kBadPackage,
  kBadNumber,
  kTooBroad,
  kTooLong,
  kBinary,
  kBadCsv,
  kBadField,
  kNumberNeedsToken,
  kExpired,
  kExtraText,
};
inline constexpr std::size_t kListFaults = 18;
std::string_view name(ListFault fault);  // "not_an_indicator", "refused_type", …

struct LineFault {
  std::uint64_t line = 0;
  ListFault fault{};
  std::string detail;  // what was expected; at most 120 bytes of the line, digits of a number masked
};

struct ReadReport {
  static constexpr std::size_t kFaultsKept = 1000;
  std::uint64_t lines = 0, comments = 0, read = 0, duplicates = 0, ports_dropped = 0, extra_columns = 0;
  std::array<std::uint64_t, kIndicatorTypes> by_type{};
  std::array<std::uint64_t, kListFaults> by_fault{};
  std::vector<LineFault> faults;
  std::uint64_t faulty() const;
};

// Turns a canonical number into its token; "" refuses it.
using NumberToken = std::function<std::string(std::string_view number)>;

struct ReadOptions {
  Facts defaults;                // where a line does not say
  std::int64_t now = 0;          // ms; lines whose valid_until is past are faults (kExpired). 0 = do not ask
  std::int64_t lifetime_ms = 0;  // valid_until = now + lifetime where a line does not say; 0 = no end
  NumberToken number_token;
};

// Calls `take` once per line that holds a good indicator (duplicates are the taker's affair: false = had it already).
using TakeIndicator = std::function<bool(Indicator&&)>;
ReadReport read_list(std::string_view text, const ReadOptions& options, const TakeIndicator& take);

}  // namespace pandun::intel
