// The calls of the last 32 seconds with their answers: a repeated INVITE gets the same answer and is counted once.
//
// Shape    buckets of eight calls, 32 bytes each, with the eight keys in one line of the cache: a call that is new, as most
//          are, costs one look into memory. Memory is fixed when made: a full bucket forgets its
//          oldest call (counted), which a flood of spoofed calls can force, at the price of counting a late retransmission twice.
// Key      64 bits of a keyed hash of what makes the call (section 17.2.3's and 9.1's fields), so that nobody outside can make
//          two calls collide. The caller is checked apart: another caller under the same Call-ID is another question.
// Units    seconds, modulo 2^16.
// Threads  one owner.
// Source   RFC 3261 sections 8.2.7, 9.2, 17.2.3 (64*T1 = 32 s).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace pandun::sip {

struct Recalled {
  std::uint64_t decision = 0;  // its id
  std::uint8_t verdict = 0, reason = 0;
  std::uint8_t identity = 0;  // the responder's own word for it
};

class RecentCalls {
 public:
  static constexpr std::uint16_t kLifeSeconds = 32;

  explicit RecentCalls(std::size_t calls_max);  // rounded up to a power of two, at least 1024

  // Null when the call is not known. kAnyCaller finds it whoever the caller was (CANCEL does not say).
  static constexpr std::uint32_t kAnyCaller = 0;
  const Recalled* find(std::uint64_t key, std::uint32_t caller, std::uint32_t second) const;
  void add(std::uint64_t key, std::uint32_t caller, std::uint32_t second, Recalled answer);

  // Ahead of find(): the bucket comes while something else is done.
  void prefetch(std::uint64_t key) const {
    const Bucket& bucket = buckets_[key & mask_];
    __builtin_prefetch(&bucket.keys);
    __builtin_prefetch(&bucket.callers, 1);
  }

  std::uint64_t forgotten() const { return forgotten_; }
  std::size_t memory_bytes() const { return buckets_.size() * sizeof(Bucket); }

 private:
  static constexpr std::size_t kWays = 8;
  struct alignas(64) Bucket {
    std::array<std::uint64_t, kWays> keys{};  // 0: never used
    std::array<std::uint32_t, kWays> callers{};
    std::array<std::uint16_t, kWays> seconds{};
    std::array<Recalled, kWays> answers{};
    bool alive(std::size_t i, std::uint32_t second) const {
      return keys[i] != 0 && static_cast<std::uint16_t>(second - seconds[i]) < kLifeSeconds;
    }
  };
  static_assert(sizeof(Bucket) == 32 * kWays);

  std::vector<Bucket> buckets_;
  std::uint64_t mask_, forgotten_ = 0;
};

}  // namespace pandun::sip
