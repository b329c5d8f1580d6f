// What the SIP door has seen, counted by every thread and read by the metrics page.
// Threads  thread-safe; relaxed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace pandun::sip {

enum class Count : std::uint8_t {
  kReceived,
  kAnswered,
  kInvites,
  kRepeated,  // retransmissions and forks, answered as before
  kAllowed,
  kWarned,
  kRejected,
  kPassedOn,   // proxied requests
  kReturned,   // proxied responses
  kStrangers,  // from addresses that no trunk names
  kNoise,      // keep-alives and bytes that are no message
  kMalformed,  // answered 4xx or 5xx
  kLimited,    // over the trunk's rate
  kLate,       // waited too long in the queue
  kUnwanted,   // 607: a called person refused (RFC 8197)
  kForgotten,  // recent calls pushed out before their 32 seconds
  kTooLong,    // answers that found no room
  kTcpConnections,
  kTcpUnframed,     // connections closed because no message could be found in them
  kTcpUnreachable,  // messages passed on for which there was no connection, and none could be made
};
inline constexpr std::size_t kCounts = 20;

inline constexpr std::array<const char*, kCounts> kCountNames{
    "received",  "answered",  "invites",   "repeated",        "allowed",      "warned",         "rejected",
    "passed_on", "returned",  "strangers", "noise",           "malformed",    "limited",        "late",
    "unwanted",  "forgotten", "too_long",  "tcp_connections", "tcp_unframed", "tcp_unreachable"};

class Figures {
 public:
  void add(Count what, std::uint64_t by = 1) {
    counts_[static_cast<std::size_t>(what)].fetch_add(by, std::memory_order_relaxed);
  }
  std::uint64_t of(Count what) const { return counts_[static_cast<std::size_t>(what)].load(std::memory_order_relaxed); }

 private:
  alignas(64) std::array<std::atomic<std::uint64_t>, kCounts> counts_{};
};

}  // namespace pandun::sip
