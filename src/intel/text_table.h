// Texts -> a 4-byte value, compact: 8 bytes a slot before one arena of texts, and a small filter for what is not there.
//
// Shape    slots at most 3/4 full; a record in the arena is value (4 B), length (2 B), space and flags (1 B), text. Up to 4 GiB of arena.
// Threads  immutable once built; add() has one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pandun::intel {

class TextTable {
 public:
  struct Record {
    std::uint32_t at = 0;  // where it stands in the arena
    std::uint32_t value = 0;
    std::uint8_t space = 0, flags = 0;
    std::string_view text;
  };

  // `space` (0-15) keeps texts of different meaning apart: a domain, a URL. `flags` 0-15 are the caller's.
  void reserve(std::size_t texts, std::size_t text_bytes);
  // false: there already; the record stands as it was. texts past `reserve` or past 4 GiB are a bug of the caller.
  bool add(std::uint8_t space, std::string_view text, std::uint32_t value, std::uint8_t flags);
  std::optional<Record> find(std::uint8_t space, std::string_view text) const;
  void set_value(std::uint32_t at, std::uint32_t value);
  Record at(std::uint32_t at) const;

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return slots_.capacity() * sizeof(Slot) + filter_.capacity() * 8 + arena_.capacity(); }

 private:
  struct Slot {
    std::uint32_t mark = 0;  // upper half of the hash; never 0 in a used slot
    std::uint32_t at = 0;
  };
  std::size_t home(std::uint64_t hash) const;
  bool is(std::uint32_t at_offset, std::uint8_t space, std::string_view text) const;
  std::vector<Slot> slots_;
  std::vector<std::uint64_t> filter_;
  std::string arena_;
  std::size_t size_ = 0;
};

}  // namespace pandun::intel
