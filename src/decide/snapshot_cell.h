// One immutable value, read by many without a lock and replaced now and then.
//
// Shape    readers raise a counter, read the pointer, lower the counter: wait-free. The writer swaps the pointer and waits
//          until nobody can still hold the old value, then frees it. Counters are striped, so readers rarely share a line.
// Threads  read() from any thread, also while replace() runs; a read must be short and must not call replace().
// Source   the left-right pattern's reader indicator: Ramalhete & Correia 2013, "Left-Right", section 3.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

namespace pandun::decide {

template <typename T>
class SnapshotCell {
 public:
  SnapshotCell() = default;
  ~SnapshotCell() { delete value_.load(); }
  SnapshotCell(const SnapshotCell&) = delete;
  SnapshotCell& operator=(const SnapshotCell&) = delete;

  // use(const T*): null before the first replace(). The pointer is good only inside the call.
  template <typename Use>
  auto read(Use&& use) const {
    const std::size_t side = side_.load();
    std::atomic<long>& inside = counters_[side][stripe()].inside;
    inside.fetch_add(1);
    const Leave leave{inside};
    return use(value_.load());
  }

  void replace(std::unique_ptr<const T> fresh) {
    const std::scoped_lock lock(writers_);
    const std::unique_ptr<const T> old(value_.exchange(fresh.release()));
    // A reader that holds `old` stands in one of the two sides. Both are seen empty after the swap, so none is left.
    const std::size_t side = side_.load();
    wait_until_empty(1 - side);
    side_.store(1 - side);
    wait_until_empty(side);
  }

 private:
  static constexpr std::size_t kStripes = 16;
  struct alignas(64) Counter {
    std::atomic<long> inside{0};
  };
  struct Leave {
    std::atomic<long>& inside;
    ~Leave() { inside.fetch_sub(1); }
  };

  static std::size_t stripe() {
    static thread_local const char here = 0;  // its address tells threads apart
    return (reinterpret_cast<std::uintptr_t>(&here) >> 12) % kStripes;
  }
  void wait_until_empty(std::size_t side) const {
    for (const Counter& counter : counters_[side]) {
      while (counter.inside.load() != 0) std::this_thread::yield();
    }
  }

  std::atomic<const T*> value_{nullptr};
  std::atomic<std::size_t> side_{0};
  mutable std::array<std::array<Counter, kStripes>, 2> counters_;
  std::mutex writers_;
};

}  // namespace pandun::decide
