// One written form per indicator: what makes "hxxp://Evil[.]Example:80/a" and "http://evil.example/a" the same thing.
//
// Shape    ip       RFC 5952 text; a port behind it is dropped ("1.2.3.4:8080", "[2001:db8::1]:443")
//          network  "a.b.c.0/24" with host bits cleared, or "first-last" when a range is no prefix
//          domain   lower case, A-labels (IDNA 2008 by libidn2), no trailing dot, no leading "*."
//          url      "host/path?query": no scheme, user, fragment or port; an empty path is "/"
//          hashes   lower-case hex of 32, 40 or 64 digits
// Errors   kBadInput with the reason in words; networks wider than /8 (IPv4) or /19 (IPv6) are kTooLarge.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "intel/indicator.h"
#include "model/ip.h"

namespace pandun::intel {

// Undoes the ways people make an indicator unclickable: hxxp, [.], (.), {.}, [dot], [:], [://], [at], "\.".
std::string refang(std::string_view text);

struct Canonical {
  IndicatorType type;
  std::string value;
  bool port_dropped = false;
};
// `text` must be refanged. Without a type it is guessed; numbers and packages are never guessed.
Result<Canonical> canonical(std::string_view text, std::optional<IndicatorType> type = {});

Result<std::string> canonical_domain(std::string_view text);
Result<std::string> canonical_url(std::string_view text);

// What a list's type column may say: "ipv4", "hostname", "FileHash-SHA256"… nullopt if unknown.
std::optional<IndicatorType> parse_type(std::string_view text);
// Words for rules on content or people: refused, and counted apart from mere slips.
bool is_refused_type(std::string_view text);

struct AddressRange {
  model::IpAddress first, last;  // both included, of one family
};
std::optional<AddressRange> parse_range(std::string_view text);  // an address, a prefix or "first-last"
std::string range_text(const AddressRange& range);               // the shortest of the three forms

// Itself one of the public suffixes ("co.uk", "github.io"); a single label counts as one.
bool is_public_suffix(const std::string& domain);

}  // namespace pandun::intel
