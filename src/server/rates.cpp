#include "server/rates.h"

#include <algorithm>

namespace pandun::server {

void Rates::tick(WallMs now, std::uint64_t events_total, std::uint64_t alerts_total) {
  const std::scoped_lock lock(mutex_);
  const double events = begun_ && events_total >= events_ ? static_cast<double>(events_total - events_) : 0;
  const double alerts = begun_ && alerts_total >= alerts_ ? static_cast<double>(alerts_total - alerts_) : 0;
  begun_ = true;
  events_ = events_total;
  alerts_ = alerts_total;
  const std::int64_t minute = now.ms / 60'000;
  Minute& slot = minutes_[static_cast<std::size_t>(minute) % kMinutes];
  if (slot.minute != minute) slot = {minute, 0, 0};
  slot.events += events;
  slot.alerts += alerts;
  recent_[recent_at_] = {now.ms, events_total};
  recent_at_ = (recent_at_ + 1) % kSeconds;
  recent_count_ = std::min(recent_count_ + 1, kSeconds);
}

double Rates::events_per_s() const {
  const std::scoped_lock lock(mutex_);
  if (recent_count_ < 2) return 0;
  const auto& newest = recent_[(recent_at_ + kSeconds - 1) % kSeconds];
  const auto& oldest = recent_[(recent_at_ + kSeconds - recent_count_) % kSeconds];
  const double seconds = static_cast<double>(newest.first - oldest.first) / 1000;
  return seconds > 0 && newest.second >= oldest.second ? static_cast<double>(newest.second - oldest.second) / seconds
                                                       : 0;
}

api::RateSeries Rates::series(unsigned hours, WallMs now) const {
  hours = std::clamp(hours, 1U, 168U);
  const std::int64_t step = std::max<std::int64_t>(1, hours * 60 / 360);  // minutes
  const auto steps = static_cast<std::size_t>(hours * 60 / step);
  const std::int64_t end = now.ms / 60'000 / step + 1, begin = end - static_cast<std::int64_t>(steps);
  api::RateSeries out;
  out.step_s = static_cast<std::uint64_t>(step) * 60;
  out.start = {begin * step * 60'000};
  out.events.assign(steps, 0);
  out.alerts.assign(steps, 0);
  const std::scoped_lock lock(mutex_);
  for (const Minute& minute : minutes_) {
    if (minute.minute < begin * step || minute.minute >= end * step) continue;
    const auto at = static_cast<std::size_t>(minute.minute / step - begin);
    out.events[at] += minute.events / static_cast<double>(out.step_s);
    out.alerts[at] += minute.alerts;
  }
  return out;
}

}  // namespace pandun::server
