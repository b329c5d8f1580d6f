// The verdict on one message: what the decider says of its numbers, and, for business senders, what their contract says.
//
// Rule     a number is rejected only because of an approved measure or a fact (decide/decider.h). A business text or sender id
//          is warned about by one reason; it is rejected only where an approved policy enforces the contract and two
//          independent reasons agree. A registered verification code from its registered sender id always passes.
// Threads  the gate's one thread; figures() from any.
#pragma once

#include <atomic>
#include <memory>

#include "sms/verdicts.h"

namespace pandun::sms {

// What a string of digits is; server plugs the numbering plan in.
class NumberReader {
 public:
  virtual ~NumberReader() = default;
  virtual model::NumberKey read(std::string_view text) const = 0;
};

class Judge final : public Verdicts {
 public:
  Judge(const decide::Decider& decider, const NumberReader& numbers) : decider_(decider), numbers_(numbers) {}

  Ruling submitted(const Codec& codec, const Frame& frame, const Message& message, std::string_view account,
                   WallMs now) override;
  Ruling delivered(const Message& message, WallMs now) override;

 private:
  model::NumberKey number(const Address& address);
  Ruling by_numbers(const Message& message, WallMs now);

  const decide::Decider& decider_;
  const NumberReader& numbers_;
  std::string scratch_;
};

}  // namespace pandun::sms
