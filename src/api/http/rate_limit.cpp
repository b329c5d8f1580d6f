#include "api/http/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace pandun::api::http {

double RateLimiter::refilled(const Bucket& bucket, std::chrono::nanoseconds now) const {
  const double seconds = std::chrono::duration<double>(now - bucket.at).count();
  return std::min(limit_.burst, bucket.level + seconds * limit_.per_s);
}

// Forgets full buckets, at most once a second: a sweep costs as much as the table is long.
bool RateLimiter::make_room(std::chrono::nanoseconds now) {
  if (buckets_.size() < keys_max_) return true;
  if (now - swept_ < std::chrono::seconds(1)) return false;
  swept_ = now;
  std::erase_if(buckets_, [&](const auto& item) { return refilled(item.second, now) >= limit_.burst; });
  return buckets_.size() < keys_max_;
}

unsigned RateLimiter::take(std::string_view key, double cost) {
  if (limit_.per_s <= 0) return 0;
  const auto now = clock_.steady();
  const std::scoped_lock lock(mutex_);
  auto it = buckets_.find(key);
  if (it == buckets_.end()) {
    if (!make_room(now)) {
      ++refused_;
      return 1;
    }
    it = buckets_.emplace(key, Bucket{limit_.burst, now}).first;
  }
  Bucket& bucket = it->second;
  bucket.level = refilled(bucket, now);
  bucket.at = now;
  if (bucket.level >= cost) {
    bucket.level -= cost;
    return 0;
  }
  ++refused_;
  return static_cast<unsigned>(std::max(1.0, std::ceil((cost - bucket.level) / limit_.per_s)));
}

std::uint64_t RateLimiter::refused() const {
  const std::scoped_lock lock(mutex_);
  return refused_;
}

std::size_t RateLimiter::keys() const {
  const std::scoped_lock lock(mutex_);
  return buckets_.size();
}

}  // namespace pandun::api::http
