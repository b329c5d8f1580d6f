// What the files of NumberActivities share; for them alone.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "detect/block_pool.h"
#include "detect/features/contact.h"
#include "detect/state_io.h"

namespace pandun::detect {

inline constexpr std::size_t kSpare = 8;  // bytes that bits are read with behind their end

inline void insert_sorted(Contact* contacts, std::size_t size, const Contact& contact) {
  std::size_t at = size;
  for (; at > 0 && contacts[at - 1].time_s > contact.time_s; --at) contacts[at] = contacts[at - 1];
  contacts[at] = contact;
}

// An upper bound in 8 bits, at most a sixteenth too high.
inline std::uint8_t coded(std::uint32_t n) {
  if (n < 16) return static_cast<std::uint8_t>(n);
  auto e = static_cast<std::uint32_t>(std::bit_width(n)) - 4;  // n >> (e - 1) is 16 to 31
  std::uint32_t m = (n + (1U << (e - 1)) - 1) >> (e - 1);
  if (m == 32) {
    ++e;
    m = 16;
  }
  return e > 15 ? std::uint8_t{255} : static_cast<std::uint8_t>(e << 4 | (m - 16));
}
inline std::uint32_t decoded(std::uint8_t code) {
  if (code == 255) return 0xffffffff;
  const std::uint32_t e = code >> 4, m = code & 15U;
  return e == 0 ? m : (16 + m) << (e - 1);
}

inline void save_bytes(StateWriter& out, std::span<const std::uint8_t> bytes) {
  out.text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
inline std::vector<std::uint8_t> load_bytes(StateReader& in) {
  const std::string text = in.text(BlockPool::kLargest);
  return {text.begin(), text.end()};
}

}  // namespace pandun::detect
