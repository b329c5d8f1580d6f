#include "platform/doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace pandun::platform {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

void Doorbell::wake() {
  (void)syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

bool Doorbell::wait(std::chrono::microseconds most) {
  std::uint32_t quiet = kQuiet;
  if (state_.compare_exchange_strong(quiet, kWaiting)) {
    const timespec time{most.count() / 1'000'000, most.count() % 1'000'000 * 1000};
    (void)syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_), FUTEX_WAIT_PRIVATE, kWaiting, &time, nullptr,
                  0);
  }
  return state_.exchange(kQuiet) == kRung;
}

}  // namespace pandun::platform
