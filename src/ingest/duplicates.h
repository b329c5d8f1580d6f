// Exact duplicates: the same record again within a window of event time. Off unless a window is set, because two equal
// lines can be two real events (a seconds-resolution feed of a busy machine number), and dropping one would be silent
// loss.
//
// Same     kind, time, source and every payload field are equal, by a 128-bit hash; `record` is not compared.
// Threads  one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <unordered_set>

#include "base/hash.h"
#include "base/time.h"
#include "model/event.h"

namespace pandun::ingest {

Hash128 record_hash(const model::Event& event);

class DuplicateWindow {
 public:
  explicit DuplicateWindow(std::chrono::milliseconds window) : window_ms_(window.count()) {}
  bool seen(const model::Event& event);  // and remembers it; always false when off

 private:
  struct HashOf {
    std::size_t operator()(const Hash128& h) const { return h.lo; }
  };
  struct Entry {
    std::int64_t ms;
    Hash128 hash;
  };
  std::int64_t window_ms_, newest_ms_ = INT64_MIN;
  std::deque<Entry> order_;
  std::unordered_set<Hash128, HashOf> known_;
};

}  // namespace pandun::ingest
