// Numbers in few bits: fixed widths, Exp-Golomb codes (small values short), and values with a known bound.
//
// Shape    the writer needs room for 8 bytes more than it writes; the reader may read up to 8 bytes past what it uses.
// Errors   a reader that ran past its end gives zeros and ok() is false.
// Threads  plain values.
// Source   Teuhola, "A compression method for clustered bit-vectors", Information Processing Letters 7, 1978 (Exp-Golomb).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pandun::detect {

class BitWriter {
 public:
  BitWriter(std::uint8_t* out, std::size_t room) : out_(out), room_(room) {}
  void bits(std::uint32_t value, unsigned count) {  // count <= 32
    acc_ |= std::uint64_t{value} << filled_;
    filled_ += count;
    if (filled_ >= 32) flush_word();
  }
  void bit(bool value) { bits(value ? 1U : 0U, 1); }
  // Exp-Golomb of order k; value < 2^31.
  void golomb(std::uint32_t value, unsigned k) {
    const std::uint32_t v = value + (1U << k);
    const auto length = static_cast<unsigned>(std::bit_width(v)) - 1;
    bits(1U << (length - k), length - k + 1);  // so many zeros, then a one
    bits(v & ((1U << length) - 1), length);
  }
  void bounded(std::uint32_t value, std::uint32_t most) { bits(value, static_cast<unsigned>(std::bit_width(most))); }
  // Bytes used; 0 when there was no room.
  std::size_t finish() {
    while (filled_ > 0) {
      if (at_ + 8 > room_) return 0;
      out_[at_++] = static_cast<std::uint8_t>(acc_);
      acc_ >>= 8;
      filled_ = filled_ < 8 ? 0 : filled_ - 8;
    }
    return full_ ? 0 : at_;
  }

 private:
  void flush_word() {
    if (at_ + 8 > room_) {
      full_ = true;
    } else {
      const auto word = static_cast<std::uint32_t>(acc_);
      std::memcpy(out_ + at_, &word, 4);
      at_ += 4;
    }
    acc_ >>= 32;
    filled_ -= 32;
  }
  std::uint8_t* out_;
  std::size_t room_, at_ = 0;
  std::uint64_t acc_ = 0;
  unsigned filled_ = 0;
  bool full_ = false;
};
static_assert(std::endian::native == std::endian::little, "words are stored as they stand");

class BitReader {
 public:
  BitReader(const std::uint8_t* in, std::size_t bytes) : in_(in), end_(bytes * 8) {}
  std::uint32_t bits(unsigned count) {  // count <= 32
    const std::uint64_t word = peek();
    at_ += count;
    return static_cast<std::uint32_t>(word & ((std::uint64_t{1} << count) - 1));
  }
  std::uint64_t wide(unsigned count) {  // count <= 56; what is above it is not cleared
    const std::uint64_t word = peek();
    at_ += count;
    return word;
  }
  bool bit() { return bits(1) != 0; }
  std::uint32_t look(unsigned count) { return static_cast<std::uint32_t>(peek() & ((std::uint64_t{1} << count) - 1)); }
  void skip(unsigned count) { at_ += count; }
  std::uint32_t golomb(unsigned k) {
    const std::uint64_t word = peek();
    const auto zeros = static_cast<unsigned>(std::countr_zero(word | std::uint64_t{1} << 31));
    at_ += zeros + 1;
    const unsigned length = zeros + k;
    if (length > 31) {
      at_ = end_ + 1;
      return 0;
    }
    return ((1U << length) | bits(length)) - (1U << k);
  }
  std::uint32_t bounded(std::uint32_t most) { return bits(static_cast<unsigned>(std::bit_width(most))); }
  bool ok() const { return at_ <= end_; }

 private:
  std::uint64_t peek() {
    if (at_ > end_) at_ = end_ + 1;  // bits past the end are never used for anything but this
    std::uint64_t word;
    std::memcpy(&word, in_ + at_ / 8, 8);
    return word >> (at_ % 8);
  }
  const std::uint8_t* in_;
  std::size_t at_ = 0, end_;
};

}  // namespace pandun::detect
