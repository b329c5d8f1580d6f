// What is said of a call's Identity, in a few bytes.
//
// Rule     a verdict is about the signature over caller and called number, never about anybody's intent. "Not checked" is
//          ours to answer for and never speaks against the caller.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pandun::passport {

enum class Attest : std::uint8_t { kNone, kA, kB, kC };

enum class Why : std::uint8_t {
  kAbsent,         // no Identity header
  kUnsupported,    // only headers of a ppt or alg that is not ours: as if there were none (RFC 8224 section 6.2)
  kGood,           // signed by who may, for this caller and this called number, now
  kMalformed,      // cannot be read
  kBadInfo,        // the header's info is not the token's x5u
  kStale,          // iat is not within a minute of now
  kOtherCaller,    // signed for another caller: cut and pasted
  kOtherCallee,    // signed for another called number
  kCertificate,    // kept here, but not trusted: chain, key, dates, revoked, or a number it has no authority for
  kSignature,      // does not verify
  kNoCertificate,  // nothing is kept here under that x5u, and nothing is fetched while a call waits
  kRetargeted,     // signed for the To, but sent on to another number without a div that says so
  kBusy,           // too many wait
  kLate,           // not ready within the budget
};
inline constexpr std::size_t kWhys = 14;

enum class Outcome : std::uint8_t { kNone, kPassed, kFailed, kNotChecked };

struct Verdict {
  Why why = Why::kAbsent;
  Attest attest = Attest::kNone;
  std::uint8_t diversions = 0;  // verified div tokens between the signed called number and the real one
  bool number_covered = false;  // the certificate itself names the caller's number
  std::array<char, 36> origid{};
  std::int64_t issued_at = 0;

  Outcome outcome() const;
  std::string_view origid_text() const;
};

std::string_view name(Why why);             // "good", "signature", …
std::string_view verstat(Outcome outcome);  // 3GPP TS 24.229: "TN-Validation-Passed", "-Failed", "No-TN-Validation"

// A number in canonical form, or an address of record where there is none; both empty: unknown.
struct Party {
  std::string number{}, uri{};
};

}  // namespace pandun::passport
