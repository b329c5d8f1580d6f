#include "sms/judge.h"

namespace pandun::sms {

model::NumberKey Judge::number(const Address& address) {
  if (address.ton == kTonAlphanumeric) return model::NumberKey::opaque(address.digits);
  if (address.ton != kTonInternational || address.digits.empty() || address.digits.front() == '+')
    return numbers_.read(address.digits);
  scratch_.assign("+").append(address.digits);
  return numbers_.read(scratch_);
}

Ruling Judge::by_numbers(const Message& message, WallMs now) {
  Ruling out;
  decide::Question question;
  question.at = now;
  question.from = number(message.sender);
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    question.to = number(message.recipients[i]);
    const decide::Verdict verdict = decider_.message(question).verdict;
    if (verdict == decide::Verdict::kReject)
      out.refused.push_back(i);
    else if (verdict == decide::Verdict::kWarn)
      out.verdict = decide::Verdict::kWarn;
  }
  if (!out.refused.empty() && out.refused.size() == message.recipients.size() && !message.lists) {
    out.verdict = decide::Verdict::kReject;
    out.refused.clear();
  }
  return out;
}

Ruling Judge::submitted(const Codec&, const Frame&, const Message& message, std::string_view, WallMs now) {
  return by_numbers(message, now);
}

Ruling Judge::delivered(const Message& message, WallMs now) {
  return by_numbers(message, now);
}

}  // namespace pandun::sms
