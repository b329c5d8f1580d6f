// Calls that are to be ended while they last: which of the calls in progress an approved measure in force stops, offered to
// the switch, and what the switch answers.
//
// Rule     an ending rests on an approved measure or list in force, nothing else (Decider::end_call), and is offered only
//          while that holds: a measure that is lifted takes its endings with it. Each is recorded like a decision; one that
//          cannot be recorded is not offered, and looked at again by age().
// Cursor   grows, also over a restart; what was not answered within ten minutes is forgotten and counted, and so are the
//          oldest of more than 16,384.
// Cost     calls' records are looked at only while calls are in progress; nothing is taken from memory before the first report.
// Threads  thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decide/calls_in_progress.h"
#include "decide/decider.h"

namespace pandun::decide {

struct CallEnding {
  std::uint64_t cursor = 0, decision = 0;
  std::string call, route, measure;
  Reason reason = Reason::kMeasureInForce;
  WallMs offered{};
};

// What became of an ending, as the switch says. kWithdrawn, kExpired: it was not asked, or never answered.
enum class EndingOutcome : std::uint8_t { kEnded, kAlreadyOver, kFailed, kWithdrawn, kExpired };
inline constexpr std::size_t kEndingOutcomes = 5;
std::string_view name(EndingOutcome outcome);  // "ended", "already_over", …

struct EndingReceipt {
  std::string call;
  EndingOutcome outcome = EndingOutcome::kEnded;  // one of the first three
};

class CallEndings {
 public:
  CallEndings(const Decider& decider, std::size_t calls_most, WallMs now);

  // What a source gave: reports of calls in progress, and records of calls that are over.
  void take(std::span<const model::Event> events, WallMs now);
  // Measures of these changed; and: anything may have (a list did).
  void look_at(std::span<const model::NumberKey> callers, WallMs now);
  void look_at_all(WallMs now);
  void age(WallMs now);

  struct Page {
    std::vector<CallEnding> items;
    std::uint64_t next = 0;  // to ask after next time
  };
  // Those behind the cursor whose ground still holds, oldest first. A cursor of another life of the clock begins anew.
  Page after(std::uint64_t cursor, std::string_view call_prefix, std::size_t most, WallMs now);
  // How many of them were known and open.
  std::size_t note(std::span<const EndingReceipt> receipts);

  struct Figures {
    std::uint64_t in_progress = 0, reports = 0, pushed_out = 0, aged = 0, offered = 0, open = 0;
    std::array<std::uint64_t, kEndingOutcomes> outcomes{};
  };
  Figures figures() const;

 private:
  struct Open {
    CallEnding ending;
    Question question;  // its texts are the ending's
    bool done = false;
  };
  static Question question_of(const OngoingCall& call, WallMs now);
  void look_at(OngoingCall& call, WallMs now);
  void close(const OngoingCall& over);
  void close(Open& open, EndingOutcome outcome);
  void trim(WallMs now);

  const Decider& decider_;
  std::atomic<bool> any_{false};  // calls in progress
  mutable std::mutex mutex_;
  CallsInProgress calls_;
  std::deque<Open> endings_;  // by cursor
  std::uint64_t cursor_;      // of the newest
  bool unwritten_ = false;    // some could not be recorded
  Figures figures_;
};

}  // namespace pandun::decide
