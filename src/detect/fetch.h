// Asks for a cache line ahead of its use.
#pragma once

namespace pandun::detect {

// GCC takes a function that only prefetches for one without effect and drops the calls to it; the empty asm keeps them.
inline void fetch_line(const void* line) {
  __builtin_prefetch(line);
  asm volatile("");
}

}  // namespace pandun::detect
