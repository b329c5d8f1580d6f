#include "passport/verify.h"

#include <algorithm>

#include "passport/token.h"

namespace pandun::passport {
namespace {

bool same_party(const Party& a, const Party& b) {
  if (!a.number.empty() || !b.number.empty()) return a.number == b.number;
  return !a.uri.empty() && a.uri == b.uri;
}

bool meant_for(const Token& token, const Party& party) {
  if (!party.number.empty())
    return std::find(token.to_numbers.begin(), token.to_numbers.end(), party.number) != token.to_numbers.end();
  return !party.uri.empty() && std::find(token.to_uris.begin(), token.to_uris.end(), party.uri) != token.to_uris.end();
}

// Everything but for whom it is meant.
Why check(const Token& token, const Call& call, const Certificates& certificates, WallMs now, Verdict& out) {
  if (!same_party(token.from, call.caller)) return Why::kOtherCaller;
  if (!fresh(token.issued_at, now)) return Why::kStale;
  const Credential* const credential = certificates.find(token.x5u);
  if (credential == nullptr) return Why::kNoCertificate;
  if (!credential->trusted(now)) return Why::kCertificate;
  // A div is signed by who forwarded the call: its authority is over the number that forwarded, not over the caller's.
  const Party& subject = token.kind == Kind::kDiv ? token.diverted : token.from;
  const auto authority = credential->over(subject.number);
  if (authority == Credential::Authority::kNone) return Why::kCertificate;
  if (!credential->verify(token.signed_text, token.signature)) return Why::kSignature;
  if (token.kind != Kind::kDiv) out.number_covered = authority == Credential::Authority::kNumber;
  return Why::kGood;
}

// From the number that is really called back along verified diversions; one step for each token at most.
Why trace(const Token& token, std::vector<Token>& diversions, const Call& call, const Certificates& certificates,
          WallMs now, Verdict& out) {
  Party reached = call.called;
  for (std::size_t steps = 0; steps <= diversions.size(); ++steps) {
    if (meant_for(token, reached)) return Why::kGood;
    const auto via = std::find_if(diversions.begin(), diversions.end(),
                                  [&](const Token& div) { return !div.signature.empty() && meant_for(div, reached); });
    if (via == diversions.end()) break;
    if (const Why why = check(*via, call, certificates, now, out); why != Why::kGood) return why;
    reached = via->diverted;
    via->signature.clear();  // used
    ++out.diversions;
  }
  return meant_for(token, call.to) ? Why::kRetargeted : Why::kOtherCallee;
}

// Which of two headers says more: a good one wins, then a failure, then what could not be checked.
int weight(Why why) {
  const Outcome outcome = Verdict{why, {}, 0, false, {}, 0}.outcome();
  if (outcome == Outcome::kPassed) return 3;
  if (outcome == Outcome::kFailed) return 2;
  return outcome == Outcome::kNotChecked || why == Why::kUnsupported ? 1 : 0;
}

}  // namespace

bool fresh(std::int64_t issued_at, WallMs now) {
  const std::int64_t away = now.ms / 1000 - issued_at;
  return away <= kFreshSeconds && away >= -kFreshSeconds;
}

Verdict verify(std::span<const std::string> headers, const Call& call, const Certificates& certificates, WallMs now) {
  Verdict best;
  const auto offer = [&](Verdict next, Why why) {
    next.why = why;
    if (weight(why) > weight(best.why)) best = next;
  };
  std::vector<Token> signed_calls, diversions;
  for (const std::string& value : headers.first(std::min(headers.size(), kHeadersMax))) {
    Header header;
    Token token;
    Why why = Why::kMalformed;
    if (parse_header(value, header)) {
      // A compact one is signed over the To, as the sender saw it.
      const Party& to = call.to.number.empty() && call.to.uri.empty() ? call.called : call.to;
      why = header.compact ? rebuild_token(header, call.caller, to, call.date, token) : read_token(header, token);
    }
    if (why != Why::kGood) {
      offer({}, why);
    } else {
      (token.kind == Kind::kDiv ? diversions : signed_calls).push_back(std::move(token));
    }
  }
  for (const Token& token : signed_calls) {
    Verdict verdict;
    verdict.attest = token.attest;
    verdict.issued_at = token.issued_at;
    std::copy_n(token.origid.begin(), std::min(token.origid.size(), verdict.origid.size()), verdict.origid.begin());
    std::vector<Token> chain = diversions;
    Why why = check(token, call, certificates, now, verdict);
    if (why == Why::kGood) why = trace(token, chain, call, certificates, now, verdict);
    offer(verdict, why);
  }
  // A div without the token that it continues says nothing of the caller.
  if (signed_calls.empty() && !diversions.empty()) offer({}, Why::kUnsupported);
  return best;
}

}  // namespace pandun::passport
