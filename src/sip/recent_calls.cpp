#include "sip/recent_calls.h"

#include <algorithm>
#include <bit>

#include "platform/large_pages.h"

namespace pandun::sip {

RecentCalls::RecentCalls(std::size_t calls_max)
    : buckets_(std::bit_ceil(std::clamp<std::size_t>(calls_max, 1024, std::size_t{1} << 28)) / kWays),
      mask_(buckets_.size() - 1) {
  platform::prefer_large_pages(buckets_.data(), memory_bytes());
}

const Recalled* RecentCalls::find(std::uint64_t key, std::uint32_t caller, std::uint32_t second) const {
  key |= 1ULL << 63;  // never the empty mark
  const Bucket& bucket = buckets_[key & mask_];
  for (std::size_t i = 0; i < kWays; ++i)
    if (bucket.keys[i] == key && (caller == kAnyCaller || bucket.callers[i] == caller) && bucket.alive(i, second))
      return &bucket.answers[i];
  return nullptr;
}

void RecentCalls::add(std::uint64_t key, std::uint32_t caller, std::uint32_t second, Recalled answer) {
  key |= 1ULL << 63;
  Bucket& bucket = buckets_[key & mask_];
  std::size_t place = 0;
  std::uint32_t oldest = 0;
  for (std::size_t i = 0; i < kWays; ++i) {
    if (!bucket.alive(i, second)) {
      place = i;
      oldest = UINT32_MAX;
      break;
    }
    const std::uint32_t age = static_cast<std::uint16_t>(second - bucket.seconds[i]);
    if (age >= oldest) {
      oldest = age;
      place = i;
    }
  }
  if (oldest != UINT32_MAX) ++forgotten_;
  bucket.keys[place] = key;
  bucket.callers[place] = caller;
  bucket.seconds[place] = static_cast<std::uint16_t>(second);
  bucket.answers[place] = answer;
}

}  // namespace pandun::sip
