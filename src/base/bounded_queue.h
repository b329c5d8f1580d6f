// A bounded queue between two rooms. Its full-policy is chosen where the queue is made and is part of its name there.
//
// Errors   push(): false once closed (block), or when full (shed: counted). pop(): nullopt once closed and empty.
// Threads  any number of producers and consumers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

namespace pandun {

enum class WhenFull { kBlock, kShed };

template <typename T>
class BoundedQueue {
 public:
  BoundedQueue(std::size_t capacity, WhenFull policy) : capacity_(capacity), policy_(policy) {}

  bool push(T item) {
    std::unique_lock lock(mutex_);
    if (policy_ == WhenFull::kShed && items_.size() >= capacity_) {
      shed_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    not_full_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    if (closed_) return false;
    items_.push_back(std::move(item));
    not_empty_.notify_one();
    return true;
  }

  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return closed_ || !items_.empty(); });
    return take();
  }

  template <typename Duration>
  std::optional<T> pop_for(Duration wait) {
    std::unique_lock lock(mutex_);
    not_empty_.wait_for(lock, wait, [&] { return closed_ || !items_.empty(); });
    return take();
  }

  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    not_full_.notify_all();
    not_empty_.notify_all();
  }

  bool closed() const {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }
  std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return items_.size();
  }
  std::uint64_t shed() const { return shed_.load(std::memory_order_relaxed); }

 private:
  std::optional<T> take() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    not_full_.notify_one();
    return item;
  }

  mutable std::mutex mutex_;
  std::condition_variable not_full_, not_empty_;
  std::deque<T> items_;
  std::size_t capacity_;
  WhenFull policy_;
  bool closed_ = false;
  std::atomic<std::uint64_t> shed_{0};
};

}  // namespace pandun
