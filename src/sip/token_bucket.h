// Requests a second, per trunk: 64-bit throughout, so that no rate of a real trunk overflows it.
// Threads  one owner.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace pandun::sip {

class TokenBuckets {
 public:
  explicit TokenBuckets(std::size_t count) : buckets_(count) {}

  // rate 0: always. The burst is filled at the first use.
  bool take(std::size_t index, std::uint64_t rate, std::uint64_t burst, std::chrono::nanoseconds now) {
    if (rate == 0) return true;
    Bucket& bucket = buckets_[index];
    const double full = static_cast<double>(std::max<std::uint64_t>(burst, 1));
    if (!bucket.used) {
      bucket = {full, now, true};
    } else if (now > bucket.at) {
      const double seconds = std::chrono::duration<double>(now - bucket.at).count();
      bucket.tokens = std::min(full, bucket.tokens + seconds * static_cast<double>(rate));
      bucket.at = now;
    }
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

 private:
  struct Bucket {
    double tokens = 0;
    std::chrono::nanoseconds at{};
    bool used = false;
  };
  std::vector<Bucket> buckets_;
};

}  // namespace pandun::sip
