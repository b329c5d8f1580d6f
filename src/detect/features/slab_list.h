// A short list whose records lie in a SlabPool: eight bytes in its owner, room by doubling.
//
// Life     pointers are valid until the next append() or clear() of any list of the pool.
// Threads  one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "detect/slab.h"

namespace pandun::detect {

template <typename T, typename Pool>
class SlabList {
 public:
  std::uint32_t size() const { return size_; }
  std::span<T> in(const Pool& pool) const {
    return size_class_ == kNone ? std::span<T>{} : std::span<T>{pool.at(size_class_, handle_), size_};
  }
  bool full() const { return size_ == Pool::kCapacityMax; }
  T& append(Pool& pool) {  // not when full()
    if (size_class_ == kNone) {
      size_class_ = 0;
      handle_ = pool.take(0);
    } else if (size_ == Pool::capacity(size_class_)) {
      const std::uint32_t next = pool.take(size_class_ + 1U);
      std::copy_n(pool.at(size_class_, handle_), size_, pool.at(size_class_ + 1U, next));
      pool.give_back(size_class_, handle_);
      ++size_class_;
      handle_ = next;
    }
    T& added = pool.at(size_class_, handle_)[size_++];
    added = T{};
    return added;
  }
  template <typename Gone>
  void drop_if(const Pool& pool, Gone gone) {  // what is left keeps its order
    const std::span<T> all = in(pool);
    size_ = static_cast<std::uint8_t>(std::remove_if(all.begin(), all.end(), gone) - all.begin());
  }
  void clear(Pool& pool) {
    if (size_class_ != kNone) pool.give_back(size_class_, handle_);
    *this = {};
  }

 private:
  static_assert(Pool::kCapacityMax <= 255);
  static constexpr std::uint8_t kNone = 0xff;
  std::uint32_t handle_ = 0;
  std::uint8_t size_ = 0, size_class_ = kNone;
};

}  // namespace pandun::detect
