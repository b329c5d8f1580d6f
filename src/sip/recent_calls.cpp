#include "sip/recent_calls.h"

#include <algorithm>
#include <bit>

#include "platform/large_pages.h"

namespace pandun::sip {

RecentCalls::RecentCalls(std::size_t calls_max)
    : slots_(std::bit_ceil(std::clamp<std::size_t>(calls_max, 1024, std::size_t{1} << 28))),
      mask_(slots_.size() / kWays - 1) {
  platform::prefer_large_pages(slots_.data(), memory_bytes());
}

const Recalled* RecentCalls::find(std::uint64_t key, std::uint32_t caller, std::uint32_t second) const {
  key |= 1ULL << 63;  // never the empty mark
  const Slot* const slots = &slots_[bucket(key)];
  for (std::size_t i = 0; i < kWays; ++i)
    if (slots[i].key == key && (caller == kAnyCaller || slots[i].caller == caller) && alive(slots[i], second))
      return &slots[i].answer;
  return nullptr;
}

void RecentCalls::add(std::uint64_t key, std::uint32_t caller, std::uint32_t second, Recalled answer) {
  key |= 1ULL << 63;
  Slot* const slots = &slots_[bucket(key)];
  Slot* place = &slots[0];
  std::uint32_t oldest = 0;
  for (std::size_t i = 0; i < kWays; ++i) {
    Slot& slot = slots[i];
    if (!alive(slot, second)) {
      place = &slot;
      oldest = UINT32_MAX;
      break;
    }
    const std::uint32_t age = static_cast<std::uint16_t>(second - slot.second);
    if (age >= oldest) {
      oldest = age;
      place = &slot;
    }
  }
  if (oldest != UINT32_MAX) ++forgotten_;
  *place = {key, caller, static_cast<std::uint16_t>(second), answer};
}

}  // namespace pandun::sip
