// How often a number calls and is called, kept at decision time for the busiest numbers, in memory that never grows.
//
// Shape    sets of eight; a caller or callee takes 72 bytes, a pair 24. When a set is full the least active number goes: a
//          flood of spoofed callers pushes out one another and not the busy ones. What was pushed out starts again at one,
//          so a count can only be too low.
// Windows  second, minute, hour, each as "this slice + the share of the slice before that is still inside": off by at most
//          the unevenness of the slice before. Distinct peers of an hour: 96-bit linear counting, about 9 % (1 sigma) at
//          100, saturated at 438. Counts stop at 16383 a slice and are never negative.
// Threads  any number, without a lock: single words changed by compare-and-swap. Two threads may lose a count when one
//          of them evicts; none is ever added to another number but for a clash of 49 bits of hash.
// Source   linear counting: Whang, Vander-Zanden, Taylor 1990.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/time.h"
#include "decide/policy.h"
#include "model/number.h"

namespace pandun::decide {

// Indexed by Measured.
using Rates = std::array<std::uint16_t, kMeasuredKinds>;

class Velocity {
 public:
  Velocity(std::uint64_t callers, std::uint64_t pairs);  // rounded up to powers of two
  ~Velocity();

  // Asks the memory for what reserve() will read, so that other work hides the wait.
  void prefetch(model::NumberKey from, model::NumberKey to) const;
  // Finds or makes room for caller, called and pair, and asks the memory for what count() will change.
  struct Reserved;
  Reserved reserve(model::NumberKey from, model::NumberKey to, WallMs at);
  // This call counted in; all zero for what is withheld.
  Rates count(const Reserved& reserved);
  Rates count(model::NumberKey from, model::NumberKey to, WallMs at) { return count(reserve(from, to, at)); }
  // The same without counting: what count() would have said, less this call.
  Rates look(model::NumberKey from, model::NumberKey to, WallMs at) const;

  // A brief hold on a caller, by the policy of that index. Lost when the caller is pushed out.
  void hold(model::NumberKey from, WallMs until, std::uint8_t policy);
  struct Held {
    bool held = false;
    std::uint8_t policy = 0;
  };
  Held held(model::NumberKey from, WallMs at) const;
  Held held(const Reserved& reserved) const;  // of its caller, at its time

  std::uint64_t bytes() const;
  std::uint64_t evicted() const;

  struct Place {
    std::size_t index = 0;
    bool found = false;
  };
  struct Reserved {
    std::uint64_t from = 0, to = 0;  // hashes
    std::int64_t ms = 0;
    Place caller{}, callee{}, pair{};
    bool has_caller = false, has_callee = false;
  };

 private:
  static constexpr std::size_t kWays = 8;
  struct alignas(64) Line {  // second, minute, hour; distinct now ×2, before ×2; hold
    std::atomic<std::uint64_t> rate[3], now[2], before[2], hold;
  };
  struct PairLine {
    std::atomic<std::uint64_t> rate[2];
  };
  class Sets {  // which way of which set belongs to a key
   public:
    explicit Sets(std::uint64_t entries);
    std::size_t size() const { return (mask_ + 1) * kWays; }
    void prefetch(std::uint64_t hash) const { __builtin_prefetch(&sets_[hash & mask_]); }
    Place find(std::uint64_t hash) const;
    // The key's place, taken from the least active when it has none; found is false when it was another's until now.
    Place claim(std::uint64_t hash, std::uint32_t minute);
    void weigh(std::size_t index, std::uint64_t hash, std::uint32_t minute, std::uint16_t weight);
    std::uint64_t evicted() const { return evicted_.load(std::memory_order_relaxed); }

   private:
    struct alignas(64) Set {
      std::atomic<std::uint64_t> tags[kWays];
    };
    std::atomic<std::uint64_t>& tag(std::size_t index) const { return sets_[index / kWays].tags[index % kWays]; }
    std::size_t mask_;
    std::unique_ptr<Set[]> sets_;
    // Not in the line that every look-up reads.
    alignas(64) std::atomic<std::uint64_t> evicted_{0};
  };

  Held held(const Place& place, std::uint64_t hash, std::int64_t ms) const;
  void count_side(Sets& sets, Line& line, Place place, std::uint64_t self, std::uint64_t peer, std::int64_t ms,
                  std::uint16_t* rates);  // second, minute, hour, distinct
  std::uint16_t distinct(const Line& line, std::uint64_t hash, std::int64_t ms) const;

  Sets callers_, callees_, pairs_;
  std::unique_ptr<Line[]> caller_lines_, callee_lines_;
  std::unique_ptr<PairLine[]> pair_lines_;
  std::array<std::uint16_t, 97> linear_{};
};

}  // namespace pandun::decide
