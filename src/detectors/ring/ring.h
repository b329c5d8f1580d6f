// What ring keeps of a cell: who calls there, closer for those that dial strangers.
//
// Units    seconds since 1970; slots of ten minutes, 36 of them.
// Shape    8 bytes for each of up to 32 callers of the latest two hours, told apart by 32 bits of hash; 300, and 170 for each
//          of up to 16 that dial strangers, once there is one. The group is worked out from them when one of them has made ten
//          further calls, so nothing depends on shards.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <vector>

#include "detect/fetch.h"
#include "detect/small_state.h"
#include "model/number.h"

namespace pandun::detectors::ring {

inline constexpr std::size_t kCallersMax = 32, kDiallersMax = 16, kSketch = 16;
inline constexpr std::uint32_t kSlotS = 600, kSlots = 36, kForgetS = 2 * 3600, kDayS = 24 * 3600;

struct Caller {
  std::uint32_t hash = 0;
  std::uint16_t minute = 0;  // of its latest call, modulo 65,536: 45 days
  std::uint8_t calls = 0, lost = 0;

  static constexpr std::uint32_t kCallsMost = 255;  // then both are halved: the share stays
  void count(bool was_lost, std::uint32_t now_s) {
    if (calls == kCallsMost) {
      calls /= 2;
      lost /= 2;
    }
    ++calls;
    if (was_lost) ++lost;
    if (age_min(now_s) > 0) minute = static_cast<std::uint16_t>(now_s / 60);
  }
  // Since its latest call; negative when that is newer.
  std::int32_t age_min(std::uint32_t now_s) const {
    return static_cast<std::int16_t>(static_cast<std::uint16_t>(now_s / 60 - minute));
  }
};
static_assert(sizeof(Caller) == 8);

struct Dialler {
  model::NumberKey number;
  std::uint32_t device = 0;  // hash, 0 = not known
  std::uint32_t first_s = 0, last_s = 0;
  std::uint32_t calls = 0, lost = 0;  // of the day
  std::uint32_t day = 0, slot = 0;    // the slot that `active`'s lowest bit stands for
  std::uint64_t active = 0;           // slots in which it called
  detect::FewDistinct<256> callees;
  // The smallest of sixteen hashes over all callees of the day: as many agree between two numbers as they share callees
  // (Broder 1997, MinHash).
  std::array<std::uint32_t, kSketch> smallest{};

  void add(model::NumberKey callee, std::uint32_t now_s, bool was_lost) {
    if (day != now_s / kDayS) {
      day = now_s / kDayS;
      calls = lost = 0;
      callees = {};
      smallest.fill(0xffffffffU);
      first_s = now_s;
    }
    ++calls;
    if (was_lost) ++lost;
    last_s = std::max(last_s, now_s);
    const std::uint64_t h = hash_of(model::key_of(callee));
    callees.add(h);
    for (std::size_t i = 0; i < kSketch; ++i)
      smallest[i] = std::min(smallest[i], static_cast<std::uint32_t>(combine64(h, i) >> 32));
    const std::uint32_t now = now_s / kSlotS;
    if (now > slot) {
      active = now - slot >= kSlots ? 0 : (active << (now - slot)) & ((1ULL << kSlots) - 1);
      slot = now;
    }
    if (slot - now < kSlots) active |= 1ULL << (slot - now);
  }
  // As it stood at a later slot.
  std::uint64_t active_at(std::uint32_t now) const {
    return now - slot >= kSlots ? 0 : (active << (now - slot)) & ((1ULL << kSlots) - 1);
  }
  int shared_callees(const Dialler& other) const {
    int same = 0;
    for (std::size_t i = 0; i < kSketch; ++i) same += smallest[i] == other.smallest[i] ? 1 : 0;
    return same;
  }
};

// Those of a cell that dial strangers, and what was said of them.
struct Diallers {
  std::vector<Dialler> all;
  model::NumberKey lead;  // the busiest member when first said: the ring goes by its number
  detect::Said said;      // of the members
  detect::LatestRecords<16> records;

  Dialler* find(model::NumberKey number) {
    for (Dialler& d : all)
      if (d.number == number) return &d;
    return nullptr;
  }
  Dialler& make(model::NumberKey number) {
    Dialler* place = nullptr;
    if (all.size() < kDiallersMax) {
      detect::grow(all, 2, kDiallersMax);
      place = &all.emplace_back();
    } else {
      place = &*std::min_element(all.begin(), all.end(),
                                 [](const Dialler& a, const Dialler& b) { return a.last_s < b.last_s; });
      *place = {};
    }
    place->number = number;
    place->smallest.fill(0xffffffffU);
    return *place;
  }
};

struct Cell {
  std::vector<Caller> callers;
  std::unique_ptr<Diallers> diallers;

  // Null when the cell is full of busier callers.
  Caller* caller(model::NumberKey number, std::uint32_t now_s) {
    const auto hash = static_cast<std::uint32_t>(hash_of(model::key_of(number)) >> 16);
    Caller* least = nullptr;
    for (Caller& c : callers) {
      if (c.hash == hash) {
        if (c.age_min(now_s) > static_cast<std::int32_t>(kForgetS / 60)) c.calls = c.lost = 0;
        return &c;
      }
      if (c.calls > 2 && c.age_min(now_s) <= 60) continue;
      if (least == nullptr || c.age_min(now_s) > least->age_min(now_s)) least = &c;
    }
    if (callers.size() < kCallersMax) {
      if (callers.size() == callers.capacity()) callers.reserve(callers.size() + 4);
      least = &callers.emplace_back();
    }
    if (least == nullptr) return nullptr;
    *least = {hash, static_cast<std::uint16_t>(now_s / 60), 0, 0};
    return least;
  }
  void prefetch() const {
    for (std::size_t at = 0; at < callers.size(); at += 64 / sizeof(Caller)) detect::fetch_line(callers.data() + at);
  }
  std::uint64_t heap_bytes() const {
    const std::uint64_t few = callers.capacity() == 0 ? 0 : (callers.capacity() * sizeof(Caller) + 8 + 15) / 16 * 16;
    return diallers == nullptr ? few : few + sizeof(Diallers) + 16 + diallers->all.capacity() * sizeof(Dialler);
  }

  void save(detect::StateWriter& w) const;
  void load(detect::StateReader& r);
};

// Who belongs to whom: union by links.
class Groups {
 public:
  explicit Groups(std::size_t n) : parent_(n) {
    for (std::size_t i = 0; i < n; ++i) parent_[i] = i;
  }
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    a = root(a);
    b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace pandun::detectors::ring
