// What the overview plots: events and alerts a second, kept for a week in minutes.
//
// Units    tick() about once a second with running totals; a total that goes back (a restart) counts as zero.
// Threads  thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "api/platform_port.h"
#include "base/time.h"

namespace pandun::server {

class Rates {
 public:
  void tick(WallMs now, std::uint64_t events_total, std::uint64_t alerts_total);
  double events_per_s() const;                               // over the last ten seconds
  api::RateSeries series(unsigned hours, WallMs now) const;  // at most 360 steps, events a second and alerts a step

 private:
  static constexpr std::size_t kMinutes = std::size_t{7} * 24 * 60, kSeconds = 10;
  struct Minute {
    std::int64_t minute = -1;
    double events = 0, alerts = 0;
  };
  mutable std::mutex mutex_;
  std::array<Minute, kMinutes> minutes_{};
  std::array<std::pair<std::int64_t, std::uint64_t>, kSeconds> recent_{};  // time, total
  std::size_t recent_at_ = 0, recent_count_ = 0;
  std::uint64_t events_ = 0, alerts_ = 0;
  bool begun_ = false;
};

}  // namespace pandun::server
