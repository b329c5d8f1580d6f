#include "intel/text_table.h"

#include <cstring>

#include "base/check.h"
#include "base/hash.h"

namespace pandun::intel {
namespace {

constexpr std::size_t kHead = 7;  // value 4, length 2, flags 1

std::size_t scale(std::uint64_t hash, std::size_t buckets) {
  // Multiply-shift (Lemire 2019) on 32 bits: no division, any size.
  return static_cast<std::size_t>(((hash & 0xffffffffULL) * static_cast<std::uint64_t>(buckets)) >> 32);
}
std::uint32_t mark_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 32) | 1U;
}
// Two bits of one 64-bit word: 8 bits a text keep about 5 % of the absent ones, all in one cache line.
std::uint64_t filter_bits(std::uint64_t hash) {
  return (1ULL << ((hash >> 40) & 63)) | (1ULL << ((hash >> 52) & 63));
}

}  // namespace

void TextTable::reserve(std::size_t texts, std::size_t text_bytes) {
  slots_.assign(texts * 4 / 3 + 8, {});
  filter_.assign(texts / 8 + 1, 0);
  arena_.clear();
  arena_.reserve(text_bytes + texts * kHead + 1);
  arena_.push_back('\0');  // offset 0 means "none"
}

std::size_t TextTable::home(std::uint64_t hash) const {
  return scale(hash, slots_.size());
}

bool TextTable::add(std::uint8_t space, std::string_view text, std::uint32_t value, std::uint8_t flags) {
  CHECK(space < 16 && flags < 16);
  CHECK(size_ + 8 <= slots_.size() && text.size() <= 0xffff && arena_.size() + text.size() + kHead < 0xffffffffULL);
  const std::uint64_t hash = hash64(text, space);
  const std::uint32_t mark = mark_of(hash);
  std::size_t i = home(hash);
  while (slots_[i].mark != 0) {
    if (slots_[i].mark == mark && is(slots_[i].at, space, text)) return false;
    i = i + 1 == slots_.size() ? 0 : i + 1;
  }
  slots_[i] = {mark, static_cast<std::uint32_t>(arena_.size())};
  filter_[scale(mix64(hash), filter_.size())] |= filter_bits(hash);
  char head[kHead];
  const auto length = static_cast<std::uint16_t>(text.size());
  std::memcpy(head, &value, 4);
  std::memcpy(head + 4, &length, 2);
  head[6] = static_cast<char>((space << 4) | flags);
  arena_.append(head, kHead).append(text);
  ++size_;
  return true;
}

std::optional<TextTable::Record> TextTable::find(std::uint8_t space, std::string_view text) const {
  if (size_ == 0) return std::nullopt;
  const std::uint64_t hash = hash64(text, space), bits = filter_bits(hash);
  if ((filter_[scale(mix64(hash), filter_.size())] & bits) != bits) return std::nullopt;
  const std::uint32_t mark = mark_of(hash);
  for (std::size_t i = home(hash); slots_[i].mark != 0; i = i + 1 == slots_.size() ? 0 : i + 1) {
    if (slots_[i].mark != mark) continue;
    if (is(slots_[i].at, space, text)) return at(slots_[i].at);
  }
  return std::nullopt;
}

bool TextTable::is(std::uint32_t at_offset, std::uint8_t space, std::string_view text) const {
  const Record record = at(at_offset);
  return record.space == space && record.text == text;
}

void TextTable::set_value(std::uint32_t at, std::uint32_t value) {
  std::memcpy(arena_.data() + at, &value, 4);
}

TextTable::Record TextTable::at(std::uint32_t at) const {
  Record record;
  std::uint16_t length = 0;
  record.at = at;
  std::memcpy(&record.value, arena_.data() + at, 4);
  std::memcpy(&length, arena_.data() + at + 4, 2);
  const auto head = static_cast<std::uint8_t>(arena_[at + 6]);
  record.space = head >> 4;
  record.flags = head & 15;
  record.text = std::string_view(arena_).substr(at + kHead, length);
  return record;
}

}  // namespace pandun::intel
