#include "province/slice.h"

#include <algorithm>

#include "base/check.h"

namespace pandun::province {

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  std::size_t at = digits.size();
  do digits[--at] = static_cast<char>('0' + value % 10);
  while ((value /= 10) != 0);
  out.append(digits.data() + at, digits.size() - at);
}

void append_ip(std::string& out, std::uint32_t ip) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    append_number(out, (ip >> shift) & 0xff);
    if (shift != 0) out.push_back('.');
  }
}

void Slice::start(std::int64_t from_ms) {
  from_ms_ = from_ms;
  for (Lines& lines : feeds_) {
    lines.text.clear();
    lines.sorted.clear();
    lines.entries.clear();
    lines.taken = lines.taken_bytes = 0;
  }
  for (std::string& text : second_text_) text.clear();
}

std::string& Slice::begin(Feed feed, std::int64_t ms) {
  CHECK(ms >= from_ms_ && ms < to());
  Lines& lines = feeds_[static_cast<std::size_t>(feed)];
  lines.entries.push_back({ms, lines.text.size(), 0});
  return lines.text;
}

void Slice::end(Feed feed) {
  Lines& lines = feeds_[static_cast<std::size_t>(feed)];
  lines.text.push_back('\n');
  lines.entries.back().size = lines.text.size() - lines.entries.back().offset;
}

void Slice::append_time(std::string& out, std::int64_t ms) {
  const auto second = static_cast<std::size_t>((ms - from_ms_) / 1000);
  std::string& text = second_text_.at(second);
  if (text.empty()) {
    text = rfc3339(from_ms_ + static_cast<std::int64_t>(second) * 1000);
    text.pop_back();
  }
  out += text;
  if (const std::int64_t rest = (ms - from_ms_) % 1000; rest != 0) {
    out.push_back('.');
    for (const std::int64_t unit : {100, 10, 1}) out.push_back(static_cast<char>('0' + rest / unit % 10));
  }
  out.push_back('Z');
}

void Slice::sort() {
  for (Lines& lines : feeds_) {
    std::stable_sort(lines.entries.begin(), lines.entries.end(),
                     [](const Entry& a, const Entry& b) { return a.ms < b.ms; });
    lines.sorted.reserve(lines.text.size());
    for (const Entry& entry : lines.entries) lines.sorted.append(lines.text, entry.offset, entry.size);
  }
}

std::string_view Slice::take(Feed feed, std::int64_t until_ms) {
  Lines& lines = feeds_[static_cast<std::size_t>(feed)];
  const std::size_t first = lines.taken_bytes;
  while (lines.taken < lines.entries.size() && lines.entries[lines.taken].ms < until_ms)
    lines.taken_bytes += lines.entries[lines.taken++].size;
  return std::string_view(lines.sorted).substr(first, lines.taken_bytes - first);
}

}  // namespace pandun::province
