// Pools that hand out 32-bit handles: small blocks of records, and rare big objects.
//
// Life     a block's address is stable until it is freed.
// Threads  one owner.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"

namespace pandun::detect {

// Blocks of kFirst * 2^(size class) records each.
template <typename T, unsigned kClasses, std::uint32_t kFirst = 8>
class SlabPool {
  static_assert(std::is_trivially_copyable_v<T>);
  static constexpr std::uint32_t kBlocksPerSlab = 128;

 public:
  static constexpr std::uint32_t capacity(unsigned size_class) { return kFirst << size_class; }
  static constexpr std::uint32_t kCapacityMax = kFirst << (kClasses - 1);

  std::uint32_t take(unsigned size_class) {
    Class& c = classes_[size_class];
    if (!c.free.empty()) {
      const std::uint32_t handle = c.free.back();
      c.free.pop_back();
      return handle;
    }
    if (c.next % kBlocksPerSlab == 0) {
      c.slabs.push_back(std::make_unique_for_overwrite<T[]>(std::size_t{kBlocksPerSlab} * capacity(size_class)));
      bytes_ += std::uint64_t{kBlocksPerSlab} * capacity(size_class) * sizeof(T);
    }
    return c.next++;
  }
  void give_back(unsigned size_class, std::uint32_t handle) { classes_[size_class].free.push_back(handle); }
  T* at(unsigned size_class, std::uint32_t handle) const {
    return classes_[size_class].slabs[handle / kBlocksPerSlab].get() +
           std::size_t{handle % kBlocksPerSlab} * capacity(size_class);
  }
  std::uint64_t bytes() const {
    std::uint64_t free = 0;
    for (const Class& c : classes_) free += c.free.capacity() * sizeof(std::uint32_t);
    return bytes_ + free;
  }

 private:
  struct Class {
    std::vector<std::unique_ptr<T[]>> slabs;
    std::vector<std::uint32_t> free;
    std::uint32_t next = 0;
  };
  Class classes_[kClasses];
  std::uint64_t bytes_ = 0;
};

template <typename T>
class ObjectPool {
 public:
  std::uint32_t take() {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(objects_.size()));
      objects_.emplace_back();
    }
    const std::uint32_t handle = free_.back();
    free_.pop_back();
    objects_[handle] = std::make_unique<T>();
    return handle;
  }
  void give_back(std::uint32_t handle) {
    objects_[handle].reset();
    free_.push_back(handle);
  }
  T& at(std::uint32_t handle) const { return *objects_[handle]; }
  std::size_t live() const { return objects_.size() - free_.size(); }
  template <typename F>
  void for_each(F f) const {
    for (const auto& object : objects_)
      if (object != nullptr) f(*object);
  }

 private:
  std::vector<std::unique_ptr<T>> objects_;
  std::vector<std::uint32_t> free_;
};

}  // namespace pandun::detect
