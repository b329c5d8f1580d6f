// Large pages for big tables that are read at random places: each look-up then misses the cache and not the page table too.
//
// Errors   none: where the system has no large pages to give the memory stays as it is.
// Threads  thread-safe. What was written there stays.
// Source   madvise(2), MADV_HUGEPAGE and MADV_COLLAPSE.
#pragma once

#include <cstddef>

namespace pandun::platform {

void prefer_large_pages(void* begin, std::size_t bytes);

}  // namespace pandun::platform
