// The lines of one slice of time, per feed, and what writes their fields.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "province/province.h"

namespace pandun::province {

inline constexpr std::int64_t kSliceMs = 60'000;

void append_number(std::string& out, std::uint64_t value);
void append_ip(std::string& out, std::uint32_t ip);

class Slice {
 public:
  void start(std::int64_t from_ms);  // forgets the lines of the slice before
  std::int64_t from() const { return from_ms_; }
  std::int64_t to() const { return from_ms_ + kSliceMs; }

  // The text to append one line of this feed to; end() closes it.
  std::string& begin(Feed feed, std::int64_t ms);
  void end(Feed feed);
  void append_time(std::string& out, std::int64_t ms);  // RFC 3339

  // Everything in event-time order, made once; equal times keep the order in which they were written.
  void sort();
  // The sorted lines of a feed with time < until that were not taken before.
  std::string_view take(Feed feed, std::int64_t until_ms);

 private:
  struct Entry {
    std::int64_t ms = 0;
    std::size_t offset = 0, size = 0;
  };
  struct Lines {
    std::string text, sorted;
    std::vector<Entry> entries;
    std::size_t taken = 0, taken_bytes = 0;
  };
  std::array<Lines, kFeeds> feeds_;
  std::array<std::string, 60> second_text_;
  std::int64_t from_ms_ = 0;
};

}  // namespace pandun::province
