// Token buckets by key: so many requests a second, with a burst, for each address or user.
//
// Shape    at most `keys_max` buckets; a full one equals none, so full buckets are forgotten first. When all are in use the
//          table refuses new keys: an address flood then limits newcomers, not memory.
// Threads  thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "platform/clock.h"

namespace pandun::api::http {

struct RateLimit {
  double per_s = 0;  // 0: no limit
  double burst = 0;
};

class RateLimiter {
 public:
  RateLimiter(RateLimit limit, platform::Clock& clock, std::size_t keys_max = 65'536)
      : limit_(limit), clock_(clock), keys_max_(keys_max) {}
  // 0: go on. Otherwise how many whole seconds to wait.
  unsigned take(std::string_view key, double cost = 1);
  std::uint64_t refused() const;
  std::size_t keys() const;

 private:
  struct Bucket {
    double level = 0;  // tokens left
    std::chrono::nanoseconds at{0};
  };
  double refilled(const Bucket& bucket, std::chrono::nanoseconds now) const;
  bool make_room(std::chrono::nanoseconds now);

  RateLimit limit_;
  platform::Clock& clock_;
  std::size_t keys_max_;
  mutable std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
  std::chrono::nanoseconds swept_{0};
  std::uint64_t refused_ = 0;
};

}  // namespace pandun::api::http
