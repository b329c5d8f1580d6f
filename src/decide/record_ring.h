// Decisions on their way to the disk: bounded, without a lock. When the writer falls behind, the newest are counted and dropped;
// a call never waits for its record.
//
// Turns    a door that has a moment asks the writer for a turn; a writer that nobody asks looks by itself.
// Threads  push(), waiting() and ask() from any thread, take(), pop() and wait() from one.
// Source   D. Vyukov's bounded queue: a sequence number per cell says whose turn it is.
#pragma once

#include <atomic>
#include <bit>
#include <memory>
#include <utility>

#include "decide/record.h"
#include "platform/doorbell.h"
#include "platform/large_pages.h"

namespace pandun::decide {

class RecordRing {
 public:
  explicit RecordRing(std::uint64_t capacity)
      : mask_(std::bit_ceil(capacity < 2 ? 2 : capacity) - 1), cells_(new Cell[mask_ + 1]) {
    platform::prefer_large_pages(cells_.get(), bytes());
    for (std::uint64_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }

  bool push(const DecisionRecord& record) {
    std::uint64_t at = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const std::uint64_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn == at) {
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          cell.record = record;
          cell.turn.store(at + 1, std::memory_order_release);
          return true;
        }
      } else if (turn < at) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return false;
      } else {
        at = head_.load(std::memory_order_relaxed);
      }
    }
  }

  // Asks for the next cell ahead of push().
  void prefetch() const { prefetch_cell<1>(head_.load(std::memory_order_relaxed)); }

  // The oldest, used where it lies: use(const DecisionRecord&).
  template <typename Use>
  bool take(Use&& use) {
    const std::uint64_t at = tail_.load(std::memory_order_relaxed);
    Cell& cell = cells_[at & mask_];
    if (cell.turn.load(std::memory_order_acquire) != at + 1) return false;
    prefetch_cell<0>(at + kAhead);
    use(std::as_const(cell.record));
    cell.turn.store(at + mask_ + 1, std::memory_order_release);
    tail_.store(at + 1, std::memory_order_relaxed);
    return true;
  }
  bool pop(DecisionRecord& out) {
    return take([&](const DecisionRecord& record) { out = record; });
  }

  std::uint64_t waiting() const {  // or about to be there
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed), head = head_.load(std::memory_order_relaxed);
    return head > tail ? head - tail : 0;
  }

  // A turn for `least` records, if so many wait.
  void ask(std::size_t least) {
    if (waiting() < least) return;
    asked_.store(least, std::memory_order_relaxed);
    bell_.ring();
  }
  // Until a turn is asked for: for how many records. 0: the time has passed.
  std::size_t wait(std::chrono::microseconds most) {
    return bell_.wait(most) ? asked_.load(std::memory_order_relaxed) : 0;
  }

  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  std::uint64_t capacity() const { return mask_ + 1; }
  std::uint64_t bytes() const { return capacity() * sizeof(Cell); }

 private:
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> turn{0};
    DecisionRecord record;
  };
  static constexpr std::uint64_t kAhead = 2;  // cells between what is taken and what is asked for
  template <int kToWrite>
  void prefetch_cell(std::uint64_t at) const {
    const char* cell = reinterpret_cast<const char*>(&cells_[at & mask_]);
    for (std::size_t i = 0; i < sizeof(Cell); i += 64) __builtin_prefetch(cell + i, kToWrite);
  }
  const std::uint64_t mask_;
  std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<std::uint64_t> head_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::atomic<std::uint64_t> dropped_{0};
  alignas(64) platform::Doorbell bell_;
  std::atomic<std::size_t> asked_{0};
};

}  // namespace pandun::decide
