#include "sources/kit/record.h"

#include <cstring>

namespace pandun::sources {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80;
}

// Bytes of the character at the front, 0 if there is no whole one.
std::size_t character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if (!continuation(text[i])) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return size;
}

}  // namespace

std::string excerpt_of(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size() && out.size() < kExcerptBytes;) {
    std::size_t run = 0;
    while (at + run < text.size() && digit(text[at + run])) ++run;
    if (run > 0) {
      for (std::size_t i = 0; i < run && out.size() < kExcerptBytes; ++i)
        out += run >= 5 && i >= 3 ? '*' : text[at + i];
      at += run;
      continue;
    }
    const std::size_t size = character(text.substr(at));
    if (size == 0 || (size == 1 && (static_cast<unsigned char>(text[at]) < 0x20 || text[at] == 0x7f))) {
      out += text[at] == '\t' ? ' ' : '.';
      ++at;
    } else {
      if (out.size() + size > kExcerptBytes) break;
      out.append(text.substr(at, size));
      at += size;
    }
  }
  return out;
}

void reject(DecodeSink& sink, std::uint64_t record, model::RejectReason reason, std::string detail,
            std::string_view text) {
  ++sink.counts->rejected;
  sink.rejects->push_back({sink.source, record, reason, std::move(detail), excerpt_of(text)});
}

void unread(DecodeSink& sink, std::string_view log_name) {
  constexpr std::size_t kNamesMax = 200;  // names come from outside
  ++sink.counts->unread;
  auto& by = sink.counts->unread_by;
  const std::string name = excerpt_of(log_name.substr(0, 64));
  if (by.size() >= kNamesMax && !by.contains(name)) {
    ++by["(other)"];
  } else {
    ++by[name];
  }
}

bool valid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    if (at + 8 <= text.size()) {
      std::memcpy(&eight, text.data() + at, 8);
      if ((eight & 0x8080808080808080ULL) == 0) {
        at += 8;
        continue;
      }
    }
    const std::size_t size = character(text.substr(at));
    if (size == 0) return false;
    at += size;
  }
  return true;
}

void repair_utf8(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character(text.substr(at));
    if (size == 0) {
      out += "\xef\xbf\xbd";
      ++at;
    } else {
      out.append(text.substr(at, size));
      at += size;
    }
  }
}

std::string_view cut_utf8(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && continuation(text[bytes])) --bytes;
  return text.substr(0, bytes);
}

}  // namespace pandun::sources
