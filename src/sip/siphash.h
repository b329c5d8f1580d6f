// SipHash-2-4 of several spans under one secret: what outsiders see or could aim at must not be predictable.
//
// Shape    a zero byte is hashed between spans, so that "ab","c" and "a","bc" differ.
// Source   Aumasson & Bernstein 2012, "SipHash: a fast short-input PRF".
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pandun::sip {

struct HashKey {
  std::uint64_t k0 = 0, k1 = 0;
};

class SipHash {
 public:
  explicit SipHash(const HashKey& key)
      : v0_(key.k0 ^ 0x736f6d6570736575ULL),
        v1_(key.k1 ^ 0x646f72616e646f6dULL),
        v2_(key.k0 ^ 0x6c7967656e657261ULL),
        v3_(key.k1 ^ 0x7465646279746573ULL) {}

  SipHash& add(std::string_view bytes) {
    for (const char c : bytes.substr(0, bytes.size() % 8)) byte(static_cast<unsigned char>(c));
    for (std::size_t i = bytes.size() % 8; i < bytes.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, 8);
      eight(word);
    }
    byte(0);
    return *this;
  }
  SipHash& add(std::uint64_t value) {
    eight(value);
    byte(0);
    return *this;
  }
  std::uint64_t value() {
    const std::uint64_t length = length_;
    while (used_ != 7) byte(0);
    word(tail_ | (length & 0xff) << 56);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void byte(unsigned char c) {
    tail_ |= static_cast<std::uint64_t>(c) << (8 * used_);
    ++length_;
    if (++used_ == 8) {
      word(tail_);
      tail_ = 0;
      used_ = 0;
    }
  }
  void eight(std::uint64_t value) {
    length_ += 8;
    if (used_ == 0) return word(value);
    word(tail_ | value << (8 * used_));
    tail_ = value >> (64 - 8 * used_);
  }
  void word(std::uint64_t m) {
    v3_ ^= m;
    round();
    round();
    v0_ ^= m;
  }
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }
  std::uint64_t v0_, v1_, v2_, v3_, tail_ = 0;
  unsigned used_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace pandun::sip
