// One conversation between an ESME and its SMSC with the gate in between: bytes in, bytes out, no sockets and no clock.
//
// Rule     an answer that the ESME sees as success is always one that the SMSC gave. The gate's own answers are errors, and
//          answers to link tests and unbinds that concern the gate alone. Nothing is stored: a request lives here until its
//          answer came, its time is over, or a side is gone, and then its sender is told.
// Shape    requests pass with a sequence number of the gate's; at most `window` of one side's wait for the other side's answers, the next
//          ones are parked up to a bound, and then the side is not read on. Answers and link tests overtake parked requests.
// Errors   a stream that cannot be read on is told so and closed; a single frame that cannot be read is answered with an error.
// Threads  one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sms/counters.h"
#include "sms/verdicts.h"

namespace pandun::sms {

using Nanoseconds = std::chrono::nanoseconds;

enum class Side : std::uint8_t { kEsme = 0, kSmsc = 1 };
constexpr Side other(Side side) {
  return side == Side::kEsme ? Side::kSmsc : Side::kEsme;
}

struct SessionOptions {
  std::size_t window = 256;                // requests of a side that the other side has not answered
  std::size_t parked_bytes_max = 262'144;  // of a side beyond the window
  std::size_t out_bytes_max = 1 << 20;     // not yet taken by a side: then the other one is not read on
  std::chrono::milliseconds bind_within{10'000};
  std::chrono::milliseconds answer_within{60'000};
  std::chrono::milliseconds probe_after{30'000};  // of silence; 0 = never
  std::chrono::milliseconds probe_within{15'000};
  std::chrono::milliseconds close_within{5'000};  // what an unbind may take
  std::chrono::milliseconds drain_within{1'200};  // and a drain: a stop is over within two seconds
};

struct Moment {
  Nanoseconds steady{0};
  WallMs wall;
};

class Session {
 public:
  Session(const Codec& codec, Verdicts& verdicts, LinkCounters& counters, const SessionOptions& options, Moment now);

  void on_bytes(Side from, std::string_view bytes, Moment now);
  void on_lost(Side side, Moment now);  // its connection is gone, or could not be made
  void tick(Moment now);                // about every second
  void drain(Moment now);               // ends in good order within drain_within

  bool dials() const { return dials_; }                            // the ESME has said who it is: connect to the SMSC
  bool reads(Side side) const;                                     // more bytes of this side may be given
  std::string& out(Side side) { return sides_[index(side)].out; }  // to be sent; take it whole
  bool closes(Side side) const { return sides_[index(side)].closing; }  // after `out` is sent
  bool ended() const { return sides_[0].closing && sides_[1].closing; }
  bool bound() const { return bound_; }

 private:
  struct Waiting {  // a request that was sent to a side
    std::uint32_t origin = 0, command = 0;
    Kind kind = Kind::kOther;
    bool own = false;       // the gate's
    bool windowed = false;  // counts for the window
    Nanoseconds since{0};
    std::string
        request{};  // kept only to complete the answer: submit_multi without some recipients; and the account of a bind
    std::vector<std::size_t> refused{};
  };
  struct SideState {
    std::string in, out;
    std::deque<std::string> parked;
    std::size_t parked_bytes = 0;
    std::unordered_map<std::uint32_t, Waiting> waiting;  // by the gate's sequence number
    std::size_t windowed = 0;                            // of them, those that the window counts
    std::uint32_t next_sequence = 1;
    Nanoseconds heard{0};
    bool closing = false, probing = false, stuck = false;  // stuck: `in` holds whole frames that wait for parked ones
  };

  static constexpr std::size_t index(Side side) { return static_cast<std::size_t>(side); }
  SideState& at(Side side) { return sides_[index(side)]; }
  std::size_t consume(Side from, std::string_view bytes);
  void on_frame(Side from, const Frame& frame);
  void on_answer(Side from, const Frame& frame);
  void on_request(Side from, const Frame& frame);
  void on_unbind(Side from, const Frame& frame);
  bool may_pass(Side from, const Frame& frame);
  bool window_full(Side towards) const;
  void park(Side from, const Frame& frame);
  void unpark(Side from);
  void carry(Side from, const Frame& frame);
  void judge(Side from, const Frame& frame);
  void forward(Side from, const Frame& frame, Waiting waiting);
  std::uint32_t fresh_sequence(Side towards);
  void refuse(Side asker, const Frame& request, Refusal why);
  void fail_waiting(Side answerer, Refusal why);
  void fail(Side asker, const Waiting& waiting, Refusal why);
  void gone(Side side);
  void close_all(Refusal why);
  void ask_unbind(Side side);
  void end_when_quiet();
  void resume();
  void expire(Side side);
  void probe(Side side);
  void own(Side towards, Kind kind, std::uint32_t sequence);

  const Codec* codec_;
  Verdicts& verdicts_;
  LinkCounters& counters_;
  const SessionOptions options_;
  SideState sides_[2];
  Message message_;  // scratch
  std::string scratch_, account_;
  Moment now_;
  Nanoseconds started_{0}, closing_since_{0};
  bool dials_ = false, bound_ = false, draining_ = false, ending_ = false, left_smsc_ = false;
};

}  // namespace pandun::sms
