// sip:, sips: and tel: URIs as spans into the message.
//
// Strict   what two readers could read in two ways is refused: a second '@', a port that is not one, "%4" without its
//          second digit, an IPv6 address without brackets.
// Source   RFC 3261 section 19.1 and 25.1, RFC 3966.
#pragma once

#include <cstdint>
#include <string_view>

namespace pandun::sip {

enum class Scheme : std::uint8_t { kSip, kSips, kTel, kOther };

struct Uri {
  Scheme scheme = Scheme::kOther;
  std::string_view text;     // all of it
  std::string_view user;     // sip: before '@', without password; tel: the number without its parameters
  std::string_view host;     // IPv6 with its brackets
  std::uint16_t port = 0;    // 0: none written
  std::string_view params;   // from the first ';' on, without it
  std::string_view headers;  // after '?'
  bool has_user = false;
};

// False: not a URI of its scheme. kOther is true as long as scheme and ':' are there.
bool parse_uri(std::string_view text, Uri& out);

// The value of a ;name=value of a parameter list ("a=b;c"); found is false when it is absent. Name in lower case.
std::string_view parameter(std::string_view params, std::string_view name, bool& found);

// host[:port] at the start of a span, as in Via's sent-by. False when it is none; `used` says how far it went.
bool parse_host_port(std::string_view text, std::string_view& host, std::uint16_t& port, std::size_t& used);

}  // namespace pandun::sip
