// Which of many ranges is the smallest that holds a key: sorted, disjoint pieces and a binary search.
//
// Shape    one start and one 4-byte value per piece; n ranges make at most 2n + 1 pieces, abutting equal ones are joined.
// Threads  immutable once built.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

namespace pandun::intel {

// `Key` has <=>, ==; Next(key) gives the one behind it (never called on the last key of the space).
template <typename Key, typename Next>
class RangeMap {
 public:
  struct Range {
    Key first, last;
    std::uint32_t value = 0;  // 1 or more; a smaller range wins, at equal size the smaller value
  };
  // `width(first, last)` orders ranges by size.
  template <typename Width>
  static RangeMap build(std::span<const Range> ranges, Key last_key, Width&& width) {
    struct Edge {
      Key at;
      std::uint32_t range;
      bool open;
    };
    std::vector<Edge> edges;
    edges.reserve(ranges.size() * 2);
    for (std::uint32_t i = 0; i < ranges.size(); ++i) {
      edges.push_back({ranges[i].first, i, true});
      if (!(ranges[i].last == last_key)) edges.push_back({Next{}(ranges[i].last), i, false});
    }
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.at < b.at; });
    const auto smaller = [&](std::uint32_t a, std::uint32_t b) {
      const auto wa = width(ranges[a].first, ranges[a].last), wb = width(ranges[b].first, ranges[b].last);
      if (wa != wb) return wa < wb;
      return ranges[a].value != ranges[b].value ? ranges[a].value < ranges[b].value : a < b;
    };
    std::set<std::uint32_t, decltype(smaller)> open(smaller);
    RangeMap map;
    for (std::size_t i = 0; i < edges.size();) {
      const Key at = edges[i].at;
      for (; i < edges.size() && edges[i].at == at; ++i) {
        if (edges[i].open)
          open.insert(edges[i].range);
        else
          open.erase(edges[i].range);
      }
      const std::uint32_t value = open.empty() ? 0 : ranges[*open.begin()].value;
      if (value == (map.values_.empty() ? 0 : map.values_.back())) continue;
      map.starts_.push_back(at);
      map.values_.push_back(value);
    }
    map.starts_.shrink_to_fit();
    map.values_.shrink_to_fit();
    return map;
  }

  std::uint32_t find(Key key) const {  // 0 = none
    const auto at = std::upper_bound(starts_.begin(), starts_.end(), key);
    return at == starts_.begin() ? 0 : values_[static_cast<std::size_t>(at - starts_.begin()) - 1];
  }
  std::size_t bytes() const { return starts_.capacity() * sizeof(Key) + values_.capacity() * sizeof(std::uint32_t); }

 private:
  std::vector<Key> starts_;
  std::vector<std::uint32_t> values_;
};

}  // namespace pandun::intel
