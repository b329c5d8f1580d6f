// A pool of byte blocks of many sizes behind 32-bit handles, for small things that grow and shrink.
//
// Shape    Sizes go up by 4 bytes to 256, by 16 to 512, by 64 to 1,024 and then by about a quarter, to kLargest. Slabs of 16 KiB hold blocks of one
//          size; an empty slab serves any size again. Sizes drift over time (everybody grows, everybody shrinks at
//          night), so slabs would stay half empty: thin() marks the emptiest ones, and an owner that moves its blocks out of
//          marked slabs (leaving(), then a new take()) frees them. Where a block lies can change nothing but memory.
// Life     a block's address is stable until it is given back.
// Threads  one owner.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"

namespace pandun::detect {

class BlockPool {
 public:
  static constexpr std::uint32_t kSlabBytes = 16 * 1024;
  static constexpr std::uint32_t kPad = 16;  // readable behind every block
  static constexpr std::array<std::uint16_t, 100> kSizes{
      8,   12,   16,   20,   24,   28,   32,   36,   40,   44,   48,   52,   56,   60,   64,   68,  72,
      76,  80,   84,   88,   92,   96,   100,  104,  108,  112,  116,  120,  124,  128,  132,  136, 140,
      144, 148,  152,  156,  160,  164,  168,  172,  176,  180,  184,  188,  192,  196,  200,  204, 208,
      212, 216,  220,  224,  228,  232,  236,  240,  244,  248,  252,  256,  272,  288,  304,  320, 336,
      352, 368,  384,  400,  416,  432,  448,  464,  480,  496,  512,  576,  640,  704,  768,  832, 896,
      960, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 4608, 5120, 6144, 8192, 10240};
  static constexpr std::uint32_t kLargest = kSizes.back();
  static constexpr std::uint32_t size_of(unsigned size_class) { return kSizes[size_class]; }
  static unsigned class_for(std::size_t bytes) {
    if (bytes <= 256) return bytes <= 8 ? 0 : static_cast<unsigned>((bytes - 5) / 4);
    if (bytes <= 512) return static_cast<unsigned>(63 + (bytes - 257) / 16);
    unsigned c = 79;
    while (kSizes[c] < bytes) ++c;
    return c;
  }

  std::uint32_t take(unsigned size_class) {
    std::vector<std::uint32_t>& open = open_[size_class];
    while (!open.empty()) {  // full, given up or marked ones drop out as they are met
      const std::uint32_t at = open.back();
      Slab& slab = slabs_[at];
      if (slab.listed && slab.size_class == size_class && !slab.marked && slab.free != kNone) return take_from(at);
      if (slab.size_class == size_class) slab.listed = false;
      open.pop_back();
    }
    const std::uint32_t at = empty_slab(size_class);
    open.push_back(at);
    return take_from(at);
  }
  void give_back(std::uint32_t handle) {
    const std::uint32_t at = handle >> kSlotBits;
    Slab& slab = slabs_[at];
    const auto slot = static_cast<std::uint16_t>(handle & kSlotMask);
    link(at, slot) = slab.free;
    slab.free = slot;
    used_bytes_ -= size_of(slab.size_class);
    if (--slab.live == 0) {
      slab.size_class = kNoClass;
      slab.listed = slab.marked = false;
      empties_.push_back(at);
    } else if (!slab.listed && !slab.marked) {
      slab.listed = true;
      open_[slab.size_class].push_back(at);
    }
  }
  // The class as it was taken with: looking it up would cost a miss of memory.
  std::uint8_t* at(std::uint32_t handle, unsigned size_class) const {
    return slab_at(handle >> kSlotBits) + std::size_t{handle & kSlotMask} * size_of(size_class);
  }

  // Marks slabs that the others of their size have room for, the emptiest first. Marks of before are taken off.
  void thin() {
    std::array<std::vector<std::uint32_t>, kSizes.size()> by_class;
    for (std::uint32_t at = 0; at < slabs_.size(); ++at) {
      Slab& slab = slabs_[at];
      if (slab.size_class == kNoClass) continue;
      slab.marked = false;
      by_class[slab.size_class].push_back(at);
    }
    for (unsigned c = 0; c < kSizes.size(); ++c) {
      std::vector<std::uint32_t>& slabs = by_class[c];
      std::sort(slabs.begin(), slabs.end(), [this](std::uint32_t a, std::uint32_t b) {
        return slabs_[a].live != slabs_[b].live ? slabs_[a].live < slabs_[b].live : a < b;
      });
      std::uint64_t room = 0;
      for (const std::uint32_t at : slabs) room += capacity(c) - slabs_[at].live;
      open_[c].clear();
      std::size_t first = 0;
      // Some stays free, so that the marks do not fill what they would have to leave again.
      const std::uint64_t spare = std::uint64_t{slabs.size()} * capacity(c) / 48;
      for (; first < slabs.size(); ++first) {
        const std::uint64_t live = slabs_[slabs[first]].live, own = capacity(c) - live;
        if (room < own + live + spare) break;
        room -= own + live;
        slabs_[slabs[first]].marked = true;
        slabs_[slabs[first]].listed = false;
      }
      for (std::size_t i = first; i < slabs.size(); ++i) {  // the fullest are filled first
        Slab& slab = slabs_[slabs[i]];
        slab.listed = slab.free != kNone;
        if (slab.listed) open_[c].push_back(slabs[i]);
      }
    }
  }
  bool leaving(std::uint32_t handle) const { return slabs_[handle >> kSlotBits].marked; }

  std::uint64_t bytes() const {  // taken from the system, in use or not
    std::uint64_t lists = slabs_.capacity() * sizeof(Slab) + empties_.capacity() * 4;
    for (const auto& open : open_) lists += open.capacity() * 4;
    return slabs_.size() * std::uint64_t{kSlabBytes} + lists;
  }
  std::uint64_t used_bytes() const { return used_bytes_; }

 private:
  static constexpr unsigned kSlotBits = 11;
  static constexpr std::uint32_t kChunkSlabs = 64;  // taken from the system together; untouched ones take no memory
  static constexpr std::uint32_t kSlotMask = (1U << kSlotBits) - 1;
  static constexpr std::uint16_t kNone = 0xffff;
  static constexpr std::uint8_t kNoClass = 0xff;
  static_assert(kSlabBytes / kSizes.front() <= 1U << kSlotBits);
  struct Slab {
    std::uint16_t live = 0, free = kNone;
    std::uint8_t size_class = kNoClass;
    bool marked = false, listed = false;
  };
  static constexpr std::uint32_t capacity(unsigned size_class) { return kSlabBytes / kSizes[size_class]; }

  struct Link {  // the next free slot, kept in the free block itself
    std::uint8_t* at;
    operator std::uint16_t() const {
      std::uint16_t v;
      std::memcpy(&v, at, 2);
      return v;
    }
    void operator=(std::uint16_t v) { std::memcpy(at, &v, 2); }
  };
  std::uint8_t* slab_at(std::uint32_t slab) const {
    return chunks_[slab / kChunkSlabs].get() + std::size_t{slab % kChunkSlabs} * kSlabBytes;
  }
  Link link(std::uint32_t slab, std::uint16_t slot) const {
    return {slab_at(slab) + std::size_t{slot} * size_of(slabs_[slab].size_class)};
  }
  std::uint32_t take_from(std::uint32_t at) {
    Slab& slab = slabs_[at];
    const std::uint16_t slot = slab.free;
    slab.free = link(at, slot);
    ++slab.live;
    used_bytes_ += size_of(slab.size_class);
    return at << kSlotBits | slot;
  }
  std::uint32_t empty_slab(unsigned size_class) {
    if (empties_.empty()) {
      empties_.push_back(static_cast<std::uint32_t>(slabs_.size()));
      slabs_.emplace_back();
      if (slabs_.size() > chunks_.size() * kChunkSlabs)
        chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kChunkSlabs * kSlabBytes + kPad));
      CHECK(slabs_.size() < 1U << (32 - kSlotBits));
    }
    const std::uint32_t at = empties_.back();
    empties_.pop_back();
    Slab& slab = slabs_[at];
    slab.size_class = static_cast<std::uint8_t>(size_class);
    slab.live = 0;
    slab.marked = false;
    slab.listed = true;
    slab.free = kNone;
    for (std::uint32_t i = capacity(size_class); i > 0; --i) {  // the first slot on top
      link(at, static_cast<std::uint16_t>(i - 1)) = slab.free;
      slab.free = static_cast<std::uint16_t>(i - 1);
    }
    return at;
  }

  std::vector<Slab> slabs_;
  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;
  std::vector<std::uint32_t> empties_;
  std::array<std::vector<std::uint32_t>, kSizes.size()> open_;
  std::uint64_t used_bytes_ = 0;
};

}  // namespace pandun::detect
