// Sends warnings to people through an SMSC, as an SMPP client of its own.
//
// Rule     consent first, then the limits (warnings.h), then a bounded queue; whatever is not sent is counted with its reason.
//          A message whose answer was lost with the connection is not sent again: one warning too few is better than two.
// Errors   start(): kBadConfig (address). A connection that fails is tried again after 1 s, doubling to 60 s.
// Threads  warn() and figures() from any thread; one thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "platform/clock.h"
#include "sms/warnings.h"

namespace pandun::sms {

// Who agreed to be warned; server plugs in what it knows.
class Consent {
 public:
  virtual ~Consent() = default;
  virtual bool may_warn(model::NumberKey person) const = 0;
};

struct NotifierOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 2775;
  std::string system_id, password, sender;  // sender: the sender id that people see
  WarningRates rates;
  std::size_t queue_max = 10'000, window = 10;
  bool flash = false;
};

class Notifier {
 public:
  enum class Outcome : std::uint8_t { kQueued, kNoConsent, kNotANumber, kUnknownWarning, kTooSoon, kTooMany, kFull };
  struct Figures {
    std::uint64_t asked = 0, queued = 0, no_consent = 0, limited = 0, shed = 0;
    std::uint64_t submitted = 0, accepted = 0, refused = 0, lost = 0;  // pieces
    std::uint64_t delivered = 0, undelivered = 0;                      // receipts
    bool bound = false;
  };

  static Result<std::unique_ptr<Notifier>> start(NotifierOptions options, Warnings warnings, const Consent& consent,
                                                 platform::Clock& clock);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  Outcome warn(model::NumberKey person, std::string_view warning, Language language, const MaskedFacts& facts);
  Figures figures() const;

 private:
  struct State;
  explicit Notifier(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pandun::sms
