#include "sms/judge.h"

#include <bit>

#include "base/hash.h"

namespace pandun::sms {
namespace {

constexpr std::size_t kImitationsMax = 8192;
constexpr std::int64_t kSweepMs = 10'000;

constexpr std::string_view kNames[kBreaches] = {
    "unregistered_template", "unreadable_text", "foreign_link", "listed_link",
    "foreign_sender_id",     "imitation",       "rate"};
// The ground that each reason rests on: one bit.
constexpr unsigned kGrounds[kBreaches] = {1, 1, 1, 2, 4, 4, 8};

void add(std::atomic<std::uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

std::chrono::nanoseconds since_epoch(WallMs now) {
  return std::chrono::milliseconds(now.ms);
}

}  // namespace

std::string_view name(Breach breach) {
  return kNames[static_cast<std::size_t>(breach)];
}

class Judge::Breaches {
 public:
  explicit Breaches(std::array<Counter, kBreaches>& counters) : counters_(counters) {}
  void note(Breach breach) {
    const auto place = static_cast<std::size_t>(breach);
    grounds_ |= kGrounds[place];
    add(counters_[place]);
  }
  bool any() const { return grounds_ != 0; }
  bool independent() const { return std::popcount(grounds_) >= 2; }

 private:
  std::array<Counter, kBreaches>& counters_;
  unsigned grounds_ = 0;
};

Judge::Judge(const Parts& parts, Content content) : parts_(parts), content_(std::move(content)), texts_(parts.key) {}

model::NumberKey Judge::number(const Address& address) {
  if (address.ton == kTonAlphanumeric) return model::NumberKey::opaque(address.digits);
  if (address.ton != kTonInternational || address.digits.empty() || address.digits.front() == '+')
    return parts_.numbers.read(address.digits);
  scratch_.assign("+").append(address.digits);
  return parts_.numbers.read(scratch_);
}

Ruling Judge::by_numbers(const Message& message, WallMs now) {
  Ruling out;
  decide::Question question;
  question.at = now;
  question.from = number(message.sender);
  question.from_text = message.sender.digits;
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    question.to = number(message.recipients[i]);
    const decide::Verdict verdict = parts_.decider.message(question).verdict;
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

bool Judge::imitates(std::string_view sender_id) {
  scratch_.assign(sender_id);
  if (const auto known = imitations_.find(scratch_); known != imitations_.end()) return known->second;
  if (imitations_.size() >= kImitationsMax) imitations_.clear();
  const bool answer = !content_.names.imitated(sender_id).empty();
  imitations_.emplace(scratch_, answer);
  return answer;
}

void Judge::look_at_sender(const Message& message, const Contract* contract, WallMs now, Breaches& found) {
  const std::string_view id = message.sender.digits;
  const bool registered = contract != nullptr && contract->owns(id);
  if (contract != nullptr && !registered) found.note(Breach::kForeignSenderId);
  if (!registered && content_.names.size() != 0 && imitates(id)) found.note(Breach::kImitation);
  if (contract == nullptr || contract->rate_per_minute() == 0) return;
  SenderRate rate;
  for (const Address& recipient : message.recipients) rate = watch_.note(hash64(id), hash64(recipient.digits), now);
  if (rate.this_minute > contract->rate_per_minute()) found.note(Breach::kRate);
}

// True when it is a registered verification code.
bool Judge::look_at_text(const Codec& codec, const Frame& frame, const Message& message, const Contract& contract,
                         WallMs now, Breaches& found) {
  Body body;
  if (!codec.text(frame, contract, body)) {
    found.note(Breach::kUnreadableText);
    return false;
  }
  if (now.ms - swept_ > kSweepMs) {
    swept_ = now.ms;
    assembly_.expire(since_epoch(now));
  }
  add(compared_);
  scratch_.assign(contract.sender()).append("\n").append(message.sender.digits);
  for (const Address& recipient : message.recipients) scratch_.append("\n").append(recipient.digits);
  const Finding finding = texts_.read(contract, std::move(body), hash128(scratch_), assembly_, since_epoch(now));
  switch (finding.match) {
    case Match::kIncomplete:
      add(incomplete_);
      break;
    case Match::kRegistered:
      add(registered_);
      break;
    case Match::kVerification:
      add(verification_);
      break;
    case Match::kUnregistered:
      found.note(Breach::kUnregisteredTemplate);
      break;
    case Match::kUnreadable:
      found.note(Breach::kUnreadableText);
      break;
  }
  if (finding.foreign_link) found.note(Breach::kForeignLink);
  if (!finding.domain.empty() && parts_.indicators.listed(finding.domain.text())) found.note(Breach::kListedLink);
  return finding.match == Match::kVerification && !finding.foreign_link && contract.owns(message.sender.digits);
}

Ruling Judge::submitted(const Codec& codec, const Frame& frame, const Message& message, std::string_view account,
                        WallMs now) {
  Ruling out = by_numbers(message, now);
  const Contract* const contract = content_.contracts.find(account);
  Breaches found(breaches_);
  look_at_sender(message, contract, now, found);
  if (contract != nullptr && look_at_text(codec, frame, message, *contract, now, found)) {
    if (out.verdict == decide::Verdict::kReject || !out.refused.empty()) add(kept_);
    return {};
  }
  if (out.verdict == decide::Verdict::kReject) {
    add(number_rejected_);
    return out;
  }
  if (out.verdict == decide::Verdict::kWarn) add(number_warned_);
  if (!found.any()) return out;
  // Without a contract nobody agreed to be measured by one: a sender id that imitates is warned about, never more.
  if (contract != nullptr && found.independent()) {
    if (content_.policy.enforces(now)) {
      add(rejected_);
      return {decide::Verdict::kReject};
    }
    add(would_reject_);
  }
  add(warned_);
  out.verdict = decide::Verdict::kWarn;
  return out;
}

Ruling Judge::delivered(const Message& message, WallMs now) {
  return by_numbers(message, now);
}

JudgeFigures Judge::figures() const {
  JudgeFigures out;
  for (std::size_t i = 0; i < kBreaches; ++i) out.breaches[i] = breaches_[i].load();
  out.by_number_warned = number_warned_, out.by_number_rejected = number_rejected_;
  out.texts_compared = compared_, out.registered = registered_, out.verification = verification_;
  out.incomplete = incomplete_, out.contract_warned = warned_, out.contract_rejected = rejected_;
  out.verification_kept = kept_, out.would_reject = would_reject_;
  return out;
}

}  // namespace pandun::sms
