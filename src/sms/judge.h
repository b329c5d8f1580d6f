// The verdict on one message: what the decider says of its numbers, and, for business senders, what their contract says.
//
// Rule     a number is rejected only because of an approved measure, a fact or a choice of its owner (decide/decider.h). A sender id
//          or a business text is warned about for one reason; it is rejected only while an approved policy enforces contracts,
//          and only when two independent reasons agree. A registered verification code from its registered sender id always
//          passes.
// Threads  submitted(), delivered() and use() on the gate's one thread (use() before it starts); figures() from any.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>

#include "platform/seal.h"
#include "sms/contracts.h"
#include "sms/policy.h"
#include "sms/sender_names.h"
#include "sms/sender_watch.h"
#include "sms/text.h"
#include "sms/verdicts.h"

namespace pandun::sms {

// What a string of digits is; server plugs the numbering plan in.
class NumberReader {
 public:
  virtual ~NumberReader() = default;
  virtual model::NumberKey read(std::string_view text) const = 0;
};

// Whether a host name is listed as an indicator; server plugs the indicator library in.
class LinkIndicators {
 public:
  virtual ~LinkIndicators() = default;
  virtual bool listed(std::string_view domain) const = 0;
};

// What may speak against a business message. Each belongs to one ground; two reasons of one ground are not independent.
enum class Breach : std::uint8_t {
  kUnregisteredTemplate,  // text
  kUnreadableText,        // text
  kForeignLink,           // text: a link that the contract does not name
  kListedLink,            // link
  kForeignSenderId,       // sender
  kImitation,             // sender
  kRate,                  // rate
};
inline constexpr std::size_t kBreaches = 7;
std::string_view name(Breach breach);

struct JudgeFigures {
  std::array<std::uint64_t, kBreaches> breaches{};
  std::uint64_t by_number_warned = 0, by_number_rejected = 0;
  std::uint64_t texts_compared = 0, registered = 0, verification = 0, incomplete = 0;
  std::uint64_t contract_warned = 0, contract_rejected = 0, verification_kept = 0;
  std::uint64_t would_reject = 0;  // had the policy been in force: for the weeks before it is
};

class Judge final : public Verdicts {
 public:
  struct Parts {
    const decide::Decider& decider;
    const NumberReader& numbers;
    const LinkIndicators& indicators;
    const platform::SealKey& key;
  };
  struct Content {
    ContractBook contracts;
    SenderNames names;
    ContractPolicy policy;
  };
  Judge(const Parts& parts, Content content);

  Ruling submitted(const Codec& codec, const Frame& frame, const Message& message, std::string_view account,
                   WallMs now) override;
  Ruling delivered(const Message& message, WallMs now) override;
  JudgeFigures figures() const;

 private:
  class Breaches;
  model::NumberKey number(const Address& address);
  Ruling by_numbers(const Message& message, WallMs now);
  void look_at_sender(const Message& message, const Contract* contract, WallMs now, Breaches& found);
  bool look_at_text(const Codec& codec, const Frame& frame, const Message& message, const Contract& contract,
                    WallMs now, Breaches& found);
  bool imitates(std::string_view sender_id);

  Parts parts_;
  Content content_;
  TextReader texts_;
  Assembly assembly_;
  SenderWatch watch_;
  std::unordered_map<std::string, bool> imitations_;  // answers remembered; emptied when it grows
  std::string scratch_;
  std::int64_t swept_ = 0;

  using Counter = std::atomic<std::uint64_t>;
  std::array<Counter, kBreaches> breaches_{};
  Counter number_warned_{0}, number_rejected_{0}, compared_{0}, registered_{0}, verification_{0}, incomplete_{0},
      warned_{0}, rejected_{0}, kept_{0}, would_reject_{0};
};

}  // namespace pandun::sms
