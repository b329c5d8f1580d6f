// What one link counted since it began.
// Threads  written by the gate's thread, read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace pandun::sms {

struct LinkCounters {
  using Counter = std::atomic<std::uint64_t>;
  Counter sessions{0}, sessions_open{0}, refused_connections{0}, binds{0}, binds_accepted{0};
  Counter submitted{0};  // messages that an ESME handed in
  Counter passed{0}, warned{0}, rejected{0};
  Counter acknowledged{0}, refused_by_smsc{0};  // answers of the SMSC to submits
  Counter delivered{0}, delivered_rejected{0};  // messages towards an ESME
  Counter receipts{0};                          // pass, and are never counted as messages
  Counter silent{0}, port_addressed{0};
  Counter malformed{0}, bad_streams{0}, strays{0};
  Counter parked{0}, throttled{0}, timeouts{0}, lost_requests{0};
  Counter upstream_lost{0}, upstream_failed{0}, slow_peers{0};
  Counter bytes_from_esme{0}, bytes_from_smsc{0};
};

inline void count(LinkCounters::Counter& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace pandun::sms
