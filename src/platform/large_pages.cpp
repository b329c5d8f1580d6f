#include "platform/large_pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace pandun::platform {

void prefer_large_pages(void* begin, std::size_t bytes) {
  constexpr std::uintptr_t kLarge = std::uintptr_t{2} << 20;
  constexpr int kCollapse = 25;  // MADV_COLLAPSE, which older headers do not name
  const auto at = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t first = (at + kLarge - 1) & ~(kLarge - 1), last = (at + bytes) & ~(kLarge - 1);
  if (first >= last) return;
  char* const from = static_cast<char*>(begin) + (first - at);
  madvise(from, last - first, MADV_HUGEPAGE);
  madvise(from, last - first, kCollapse);  // now, and not when the kernel comes by
}

}  // namespace pandun::platform
