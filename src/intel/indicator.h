// An indicator: one thing that a list says belongs to an attack or a fraud. Plain data.
//
// Safety   the types below are all there are (safeguards 1 and 13): no keyword, topic, opinion or image type can be
//          written in this schema. A telephone number is held as a keyed token only, never in clear.
// Units    confidence in percent; times in ms since the Unix epoch, 0 = not stated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pandun::intel {

// Stored values: only append.
enum class IndicatorType : std::uint8_t {
  kIp,
  kNetwork,
  kDomain,
  kUrl,
  kFileHash,
  kCertificate,
  kMail,
  kNumber,
  kPackage
};
inline constexpr std::size_t kIndicatorTypes = 9;
std::string_view name(IndicatorType type);  // "ip", "network", "domain", "url", "file_hash", "certificate", "mail", …

// Traffic Light Protocol 2.0 (FIRST, August 2022): how far an indicator may be passed on.
enum class Marking : std::uint8_t { kClear, kGreen, kAmber, kAmberStrict, kRed };
std::string_view name(Marking marking);                       // "clear", "green", "amber", "amber+strict", "red"
std::optional<Marking> parse_marking(std::string_view text);  // with or without "TLP:", any case; "white" is clear

// All of an indicator but its value; many indicators share one.
struct Facts {
  std::uint8_t severity = 60;    // 0-100
  std::uint8_t confidence = 60;  // percent
  Marking marking = Marking::kAmber;
  std::int64_t valid_from = 0, valid_until = 0;
  std::string topic;   // id of content/topics.toml or the list's own word: "c2", "phishing", "malware"…
  std::string source;  // who says so
  friend auto operator<=>(const Facts&, const Facts&) = default;
};

struct Indicator {
  IndicatorType type = IndicatorType::kIp;
  std::string value;  // canonical, see canonical.h
  Facts facts;
};

}  // namespace pandun::intel
