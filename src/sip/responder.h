// The decision server as a function: bytes, peer and time in, bytes and an address out. No socket, no clock, no thread.
//
// Shape    a stateless UAS with a memory of 32 seconds (RFC 3261 section 8.2.7 asks for the same answer to the same request,
//          and a decision that counts calls would give another); for trunks that are proxied for, a stateless proxy
//          (section 16.11). Memory is fixed when made.
// Rule     strangers get silence. An ACK or a response is never answered. Never 607: that word is the called person's.
// Fails    open: what cannot be decided is allowed in the trunk's form.
// Threads  one owner each; Trunks, Decider, Numbering and Figures are shared.
// Source   RFC 3261, 3581, 3325, 3326, 8197, 8688; ATIS-1000099. What is answered to what: docs/sip.md.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "decide/decider.h"
#include "model/ip.h"
#include "model/number.h"
#include "passport/verifier.h"
#include "sip/caller.h"
#include "sip/figures.h"
#include "sip/message.h"
#include "sip/recent_calls.h"
#include "sip/siphash.h"
#include "sip/token_bucket.h"
#include "sip/trunks.h"
#include "sip/writer.h"

namespace pandun::sip {

// server plugs the registry's numbering plan in. country 0 and area "" mean the site's own.
class Numbering {
 public:
  virtual ~Numbering() = default;
  virtual model::NumberKey parse(std::string_view number, std::uint16_t country, std::string_view area) const = 0;
};

enum class Transport : std::uint8_t { kUdp, kTcp };

struct Arrival {
  std::string_view bytes;
  model::IpAddress peer{};
  std::uint16_t port = 0;
  Transport transport = Transport::kUdp;
  std::chrono::nanoseconds age{0};  // how long it waited in the socket's queue
};

struct Now {
  WallMs wall{};
  std::chrono::nanoseconds steady{};
};

struct Departure {
  std::size_t bytes = 0;  // 0: nothing is sent
  model::IpAddress to{};
  std::uint16_t port = 0;
};

struct ResponderOptions {
  Limits limits{};
  HashKey key{};  // one secret for all threads of a site, so that each gives the same tags
  std::size_t calls_remembered = 1U << 20;
  std::chrono::milliseconds queue_age_max{100};  // older requests are dropped: their sender repeats them
  unsigned threads = 1;                          // that share each trunk's rate
  Hop self{};                                    // our own address in Via, for trunks that are proxied for
  passport::Verifier* verifier = nullptr;        // for trunks whose callers' signatures are looked at; outlives us
};

class Responder {
 public:
  Responder(ResponderOptions options, std::shared_ptr<const Trunks> trunks, const decide::Decider& decider,
            const Numbering& numbering, Figures& figures);

  // `room` must hold the request and 1,500 bytes more.
  Departure answer(const Arrival& in, const Now& now, std::span<char> room);

  // Of a batch: reads a request ahead of its answer(), so that what the decision will look up is on its way from memory
  // while others are answered. Each place holds one until answer() is given the same one; what was not read ahead is read
  // then. Says and counts nothing.
  static constexpr std::size_t kAhead = 8;
  void read_ahead(const Arrival& in, std::size_t place);
  Departure answer(const Arrival& in, const Now& now, std::span<char> room, std::size_t place);

  // From now on OPTIONS is answered 503, so that switches turn to another server. Calls are still answered.
  void drain() { draining_ = true; }
  void replace_trunks(std::shared_ptr<const Trunks> trunks);
  std::size_t memory_bytes() const { return recent_.memory_bytes(); }

 private:
  struct Judgement {
    decide::Answer answer{};
    bool repeated = false;
  };

  // Who asks for whom, as read from a request before anything is decided.
  struct Reading {
    Fault fault{};
    bool asks = false;           // the rest is filled
    std::uint64_t call_key = 0;  // of the request in hand, once known
    model::NumberKey from{}, to{}, diverted_by{};
    Parties parties{};
  };
  struct Ahead {
    bool taken = false;
    const Trunk* trunk = nullptr;
    Message message;
    Reading reading;
  };

  void read(const Trunk& trunk, const Message& message, Reading& out);
  Departure on_request(const Arrival& in, const Now& now, const Trunk& trunk, std::span<char> room, Ahead* ahead);
  Departure respond(const Arrival& in, const Now& now, std::span<char> room, Ahead* ahead);
  Departure on_response(const Arrival& in, std::span<char> room);
  Departure on_invite(const Arrival& in, const Now& now, const Trunk& trunk, Writer& out);
  Departure on_cancel(const Arrival& in, const Now& now, const Trunk& trunk, Writer& out);
  Departure on_options(const Arrival& in, const Trunk& trunk, Writer& out);
  Departure pass_on(const Arrival& in, const Trunk& trunk, const decide::Answer* answer, Writer& out);

  Judgement judge(const Now& now, const Trunk& trunk, bool message);
  // Of trunks that want it (responder_identity.cpp).
  void check_identity(const Now& now, const Trunk& trunk, const Parties& parties, const decide::Question& question);
  void apply_identity(const Trunk& trunk, decide::Question& question) const;
  void identity_header(Writer& out) const;
  void identity_refusal(const Arrival& in, Writer& out);
  Departure allowed(const Arrival& in, const Trunk& trunk, const decide::Answer& answer, Writer& out);
  Departure rejected(const Arrival& in, const Trunk& trunk, const decide::Answer& answer, Writer& out);

  // Status line and the fields that every answer copies; `more` adds its own.
  void begin(const Arrival& in, std::uint16_t status, std::string_view reason, Writer& out);
  void top_via(const Arrival& in, Writer& out, bool with_port = false) const;
  Departure finish(const Arrival& in, const Trunk& trunk, Writer& out);
  Departure plain(const Arrival& in, const Trunk& trunk, std::uint16_t status, std::string_view reason,
                  std::string_view more, Writer& out);
  void verdict_headers(const decide::Answer& answer, Writer& out) const;

  std::uint64_t call_key(const Message& message) const;
  std::uint64_t call_key() const { return call_key(*message_); }
  std::uint64_t to_tag() const;
  std::uint64_t proxy_branch(const Via& via, std::string_view call_id) const;
  bool own(const Via& via) const;
  void note_feedback(const Trunk& trunk);

  ResponderOptions options_;
  std::shared_ptr<const Trunks> trunks_;
  const decide::Decider& decider_;
  const Numbering& numbering_;
  Figures& figures_;
  RecentCalls recent_;
  TokenBuckets buckets_;
  Message own_message_;
  const Message* message_ = &own_message_;  // in hand: our own, or one that was read ahead
  Reading own_reading_;
  Reading* reading_ = &own_reading_;  // of it
  std::string dialled_;
  std::unique_ptr<std::array<Ahead, kAhead>> ahead_;
  bool draining_ = false;
  std::uint8_t identity_ = 0;  // what the signature came to; 0: was not looked at
  passport::Asked asked_;
};

}  // namespace pandun::sip
