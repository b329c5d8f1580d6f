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
    std::size_t i = 0;
    for (; bytes.size() - i >= 8; i += 8) {
      std::uint64_t whole = 0;
      std::memcpy(&whole, bytes.data() + i, 8);
      some(whole, 8);
    }
    std::uint64_t rest = 0;
    for (std::size_t k = 0; i + k < bytes.size(); ++k)
      rest |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i + k])) << (8 * k);
    return some(rest, static_cast<unsigned>(bytes.size() - i) + 1);  // with the zero byte
  }
  SipHash& add(std::uint64_t value) { return some(value, 8).some(0, 1); }
  std::uint64_t value() {
    word(tail_ | (length_ & 0xff) << 56);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  // 1 to 8 bytes, the first lowest; zeros above them.
  SipHash& some(std::uint64_t bytes, unsigned count) {
    length_ += count;
    tail_ |= bytes << (8 * used_);
    used_ += count;
    if (used_ < 8) return *this;
    word(tail_);
    used_ -= 8;
    tail_ = used_ == 0 ? 0 : bytes >> (8 * (count - used_));
    return *this;
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
