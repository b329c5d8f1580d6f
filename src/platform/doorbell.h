// One thread sleeps, others wake it: without a lock, and for whoever rings while it is awake without a system call.
//
// Threads  wait() by one thread; ring() by any. A ring while nobody waits is kept: the next wait() returns at once.
// Source   futex(2).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace pandun::platform {

class Doorbell {
 public:
  void ring() {
    if (state_.exchange(kRung) == kWaiting) wake();
  }
  // True when it rang; false when `most` has passed. Now and then it wakes for no reason, and says false.
  bool wait(std::chrono::microseconds most);

 private:
  enum State : std::uint32_t { kQuiet, kWaiting, kRung };
  void wake();

  std::atomic<std::uint32_t> state_{kQuiet};
};

}  // namespace pandun::platform
