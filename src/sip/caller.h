// Who is calling whom, by the order in which the fields of an INVITE can be believed.
//
// Caller   P-Asserted-Identity from a trusted trunk, else From, else (trusted) Remote-Party-ID. Privacy hides nothing from
//          the decision; an anonymous From without a believed identity is a withheld number.
// Callee   the Request-URI; To is only what was dialled first.
// Forward  Diversion or History-Info name who forwarded the call, and how often.
// Source   RFC 3325 section 5, RFC 5806, RFC 7044, RFC 3966, RFC 8224 section 8.3; RFC 4694 (npdi, rn).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "sip/message.h"
#include "sip/trunks.h"

namespace pandun::sip {

// A number as written, ready for a numbering plan: percent-decoded, parameters and visual separators gone, a global
// phone-context put in front.
class NumberText {
 public:
  std::string_view view() const { return {text_.data(), size_}; }
  bool number = false;  // digits, '+', '*', '#' only; else it is a name
  void read(const Uri& uri);
  void clear() {
    size_ = 0;
    number = false;
  }

 private:
  static constexpr std::size_t kMax = 96;
  bool put(char c);
  bool copy_digits(std::string_view user);
  std::array<char, kMax> text_;
  std::size_t size_ = 0;
};

enum class CallerFrom : std::uint8_t { kAsserted, kFrom, kRemoteParty, kWithheld };
enum class Verstat : std::uint8_t { kNone, kPassed, kFailed };

struct Parties {
  NumberText caller{}, callee{}, diverted_by{};
  CallerFrom source = CallerFrom::kWithheld;
  Verstat verstat = Verstat::kNone;
  bool privacy = false;           // the caller asked not to be shown
  bool asserted_differs = false;  // P-Asserted-Identity and From name different users
  std::uint8_t diversions = 0;
  void clear();  // without writing over the numbers' room
};

void read_parties(const Message& message, const Trunk& trunk, Parties& out);

}  // namespace pandun::sip
