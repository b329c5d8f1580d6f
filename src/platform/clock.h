// Wall and steady time. Everything that needs a clock takes a Clock&, so that tests and replays stand still.
// Threads  thread-safe.
#pragma once

#include <atomic>
#include <chrono>

#include "base/time.h"

namespace pandun::platform {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallMs wall() const = 0;
  virtual std::chrono::nanoseconds steady() const = 0;  // since an unknown origin; for durations
};

Clock& system_clock();

// For tests: moves only when told.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallMs start) : ms_(start.ms) {}
  WallMs wall() const override { return {ms_.load()}; }
  std::chrono::nanoseconds steady() const override { return std::chrono::milliseconds(ms_.load()); }
  void advance(std::chrono::milliseconds by) { ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> ms_;
};

}  // namespace pandun::platform
