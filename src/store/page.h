// Pages over a strictly increasing sequence: a cursor is the `seq` of the last row seen, never an offset.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace pandun::store {

struct PageRequest {
  std::int64_t cursor = 0;  // 0 = from the start (or from the newest)
  int limit = 50;           // clamped to 1..kPageMax
  bool newest = true;       // newest first, or oldest first
};
inline constexpr int kPageMax = 500;

template <typename T>
struct Page {
  std::vector<T> items;
  std::optional<std::int64_t> next;  // absent: there is no more
};

}  // namespace pandun::store
