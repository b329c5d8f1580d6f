// The signature of a call's caller: asked of the verifier within its budget, remembered in one byte with the call, said in the
// answer. A verdict that is not there in time is "not checked" and lets the call pass.
//
// Source   RFC 8224 section 6.2.2 (428, 436, 437, 438, 403 "Stale Date").
#include <algorithm>
#include <string>

#include "passport/token.h"
#include "sip/responder.h"
#include "sip/text.h"

namespace pandun::sip {
namespace {

using passport::Attest;
using passport::Outcome;
using passport::Why;

// bit 7: looked at · 6: the certificate names the number · 5-4: attestation · 3-0: why.
constexpr std::uint8_t kLookedAt = 0x80, kNumberCovered = 0x40;
static_assert(passport::kWhys <= 16);

std::uint8_t packed(const passport::Verdict& verdict) {
  return static_cast<std::uint8_t>(kLookedAt | (verdict.number_covered ? kNumberCovered : 0U) |
                                   static_cast<unsigned>(verdict.attest) << 4 | static_cast<unsigned>(verdict.why));
}
Why why_of(std::uint8_t word) {
  return static_cast<Why>(word & 15U);
}
Attest attest_of(std::uint8_t word) {
  return static_cast<Attest>(word >> 4 & 3U);
}
Outcome outcome_of(std::uint8_t word) {
  passport::Verdict verdict;
  verdict.why = why_of(word);
  return verdict.outcome();
}

decide::Identity believed(std::uint8_t word) {
  switch (attest_of(word)) {
    case Attest::kA:
      return decide::Identity::kFullA;
    case Attest::kC:
      return decide::Identity::kGatewayC;
    case Attest::kNone:  // the plain form attests by what its certificate may sign for
      if ((word & kNumberCovered) != 0) return decide::Identity::kFullA;
      [[fallthrough]];
    default:
      return decide::Identity::kPartialB;
  }
}

passport::Party party_of(model::NumberKey number, const Uri& uri) {
  if (number.kind() == model::NumberKind::kE164 || number.kind() == model::NumberKind::kService)
    return {passport::canonical_number(number.text()), {}};
  if (!uri.has_user || (uri.scheme != Scheme::kSip && uri.scheme != Scheme::kSips)) return {};
  std::string text = uri.scheme == Scheme::kSip ? "sip:" : "sips:";
  text.append(uri.user).append("@");
  for (const char c : uri.host) text += lower(c);
  return {{}, std::move(text)};
}

}  // namespace

void Responder::check_identity(const Now& now, const Trunk& trunk, const Parties& parties,
                               const decide::Question& question) {
  passport::Verdict verdict;
  asked_.headers.clear();
  const std::uint16_t first = message_->first[static_cast<std::size_t>(Name::kIdentity)];
  for (std::size_t i = first; i != 0 && i <= message_->field_count; ++i)
    if (message_->fields[i - 1].name == Name::kIdentity) asked_.headers.emplace_back(message_->fields[i - 1].value);
  if (!asked_.headers.empty() && options_.verifier != nullptr) {
    Uri caller = message_->from.uri;
    if (Address asserted;
        parties.source == CallerFrom::kAsserted && parse_address(message_->value(Name::kAssertedIdentity), asserted))
      caller = asserted.uri;
    NumberText to;
    to.read(message_->to.uri);
    model::NumberKey dialled;
    if (to.number) dialled = numbering_.parse(apply(trunk, to.view(), dialled_), trunk.country, trunk.area);
    asked_.call.caller = party_of(question.from, caller);
    asked_.call.called = party_of(question.to, message_->target);
    asked_.call.to = party_of(dialled, message_->to.uri);
    asked_.call.date = 0;
    for (std::size_t i = 0; i < message_->field_count; ++i) {
      const Field& field = message_->fields[i];
      if (field.name == Name::kOther && field.line.size() > 5 && same_word(field.line.substr(0, 4), "date") &&
          (field.line[4] == ':' || is(field.line[4], kSpaceChar)))
        asked_.call.date = passport::sip_date(field.value);
    }
    verdict = options_.verifier->check(asked_, now.wall, now.steady);
  } else if (options_.verifier != nullptr) {
    verdict = options_.verifier->check(asked_, now.wall, now.steady);  // counts that there is none
  }
  identity_ = packed(verdict);
}

void Responder::apply_identity(const Trunk& trunk, decide::Question& question) const {
  const Outcome outcome = outcome_of(identity_);
  const bool vouched = question.identity == decide::Identity::kFullA;  // verstat of a trusted neighbour
  if (outcome == Outcome::kPassed)
    question.identity = believed(identity_);
  else if (outcome == Outcome::kFailed)
    question.identity = decide::Identity::kFailed;
  else if (outcome == Outcome::kNotChecked && question.identity == decide::Identity::kNone)
    question.identity = decide::Identity::kNotChecked;
  // What we could not do in time is never the caller's fault. A certificate that is not kept here is: its owner is no
  // party to the agreement under which this trunk takes signed calls only.
  const Why why = why_of(identity_);
  question.identity_refused =
      trunk.identity == IdentityCheck::kRequire &&
      (outcome == Outcome::kFailed || why == Why::kNoCertificate || (outcome == Outcome::kNone && !vouched));
}

void Responder::identity_header(Writer& out) const {
  out.put("X-Pandun-Identity: ").put(passport::verstat(outcome_of(identity_)));
  out.put(";why=").put(passport::name(why_of(identity_)));
  if (attest_of(identity_) != Attest::kNone)
    out.put(";attest=").put(std::string_view("ABC").substr(static_cast<std::size_t>(attest_of(identity_)) - 1, 1));
  out.put("\r\n");
}

void Responder::identity_refusal(const Arrival& in, Writer& out) {
  switch (why_of(identity_)) {
    case Why::kStale:
      return begin(in, 403, "Stale Date", out);
    case Why::kBadInfo:
      return begin(in, 436, "Bad Identity Info", out);
    case Why::kCertificate:
    case Why::kNoCertificate:
      return begin(in, 437, "Unsupported Credential", out);
    case Why::kMalformed:
    case Why::kSignature:
    case Why::kOtherCaller:
    case Why::kOtherCallee:
      return begin(in, 438, "Invalid Identity Header", out);
    default:
      return begin(in, 428, "Use Identity Header", out);
  }
}

}  // namespace pandun::sip
