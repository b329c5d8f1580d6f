// A list whose records lie in a BlockPool: eight bytes in its owner, room for an eighth more than it holds.
//
// Life     pointers are valid until the next append(), drop_if(), clear() or settle() of the list.
// Threads  one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>

#include "detect/block_pool.h"

namespace pandun::detect {

template <typename T>
class BlockList {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8);

 public:
  std::uint32_t size() const { return size_; }
  std::span<T> in(const BlockPool& pool) const {
    return class_ == kNone ? std::span<T>{} : std::span<T>{reinterpret_cast<T*>(pool.at(handle_, class_)), size_};
  }
  T& append(BlockPool& pool) {
    if (class_ == kNone || BlockPool::size_of(class_) < (size_ + 1U) * sizeof(T)) move(pool, fitting());
    T& added = *new (pool.at(handle_, class_) + size_ * sizeof(T)) T{};
    ++size_;
    return added;
  }
  template <typename Gone>
  void drop_if(BlockPool& pool, Gone gone) {  // what is left keeps its order
    const std::span<T> all = in(pool);
    size_ = static_cast<std::uint16_t>(std::remove_if(all.begin(), all.end(), gone) - all.begin());
    if (size_ == 0) return clear(pool);
    if (BlockPool::size_of(fitting()) * 4 <= BlockPool::size_of(class_) * 3) move(pool, fitting());
  }
  void insert(BlockPool& pool, std::size_t at, std::size_t n) {  // what is there is not set
    if (n == 0) return;
    for (std::size_t i = 0; i < n; ++i) append(pool);
    T* from = in(pool).data() + at;
    std::memmove(from + n, from, (size_ - n - at) * sizeof(T));
  }
  void erase(BlockPool& pool, std::size_t at, std::size_t n) {
    if (n == 0) return;
    T* from = in(pool).data() + at;
    std::memmove(from, from + n, (size_ - n - at) * sizeof(T));
    size_ = static_cast<std::uint16_t>(size_ - n);
    if (size_ == 0) return clear(pool);
    if (BlockPool::size_of(fitting()) * 4 <= BlockPool::size_of(class_) * 3) move(pool, fitting());
  }
  void clear(BlockPool& pool) {
    if (class_ != kNone) pool.give_back(handle_);
    *this = {};
  }
  // Out of a slab that is to be emptied.
  void settle(BlockPool& pool) {
    if (class_ != kNone && pool.leaving(handle_)) move(pool, class_);
  }

 private:
  static constexpr std::uint8_t kNone = 0xff;
  unsigned fitting() const { return BlockPool::class_for((size_ + 1U + size_ / 8U) * sizeof(T)); }
  void move(BlockPool& pool, unsigned size_class) {
    const std::uint32_t next = pool.take(size_class);
    if (class_ != kNone) {
      std::memcpy(pool.at(next, size_class), pool.at(handle_, class_), size_ * sizeof(T));
      pool.give_back(handle_);
    }
    handle_ = next;
    class_ = static_cast<std::uint8_t>(size_class);
  }

  std::uint32_t handle_ = 0;
  std::uint16_t size_ = 0;
  std::uint8_t class_ = kNone;
};

}  // namespace pandun::detect
