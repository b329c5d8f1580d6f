// Big-endian fields of a PDU, read with every length checked.
//
// Errors   a Reader that was asked for more than there is says so for good: ok() stays false and every further read is empty.
// Threads  plain values; views point into the caller's bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pandun::sms {

constexpr std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i]));
  };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

inline void put_u32(char* out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(value >> (24 - 8 * i));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes, std::size_t at = 0) : bytes_(bytes), at_(at), ok_(at <= bytes.size()) {}

  std::uint8_t u8() {
    const std::string_view one = take(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
  }
  std::uint16_t u16() {
    const std::string_view two = take(2);
    if (two.empty()) return 0;
    return static_cast<std::uint16_t>(static_cast<unsigned char>(two[0]) << 8 | static_cast<unsigned char>(two[1]));
  }
  std::string_view take(std::size_t size) {
    if (!ok_ || size > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    const std::string_view out = bytes_.substr(at_, size);
    at_ += size;
    return out;
  }
  // A C-octet string of at most `size_max` bytes with its closing zero, which is consumed and left out.
  std::string_view text(std::size_t size_max) {
    if (!ok_) return {};
    const std::size_t zero = bytes_.substr(at_, size_max).find('\0');
    if (zero == std::string_view::npos) {
      ok_ = false;
      return {};
    }
    const std::string_view out = bytes_.substr(at_, zero);
    at_ += zero + 1;
    return out;
  }
  // A field of fixed size, filled up with zeros.
  std::string_view padded(std::size_t size) {
    const std::string_view out = take(size);
    return out.substr(0, std::min(out.find('\0'), out.size()));
  }
  bool ok() const { return ok_; }
  bool done() const { return at_ == bytes_.size(); }
  std::size_t at() const { return at_; }

 private:
  std::string_view bytes_;
  std::size_t at_;
  bool ok_;
};

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  Writer& u8(std::uint8_t value) {
    out_.push_back(static_cast<char>(value));
    return *this;
  }
  Writer& u16(std::uint16_t value) {
    return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value & 0xff));
  }
  Writer& u32(std::uint32_t value) {
    char bytes[4];
    put_u32(bytes, value);
    out_.append(bytes, 4);
    return *this;
  }
  Writer& text(std::string_view value) {
    out_.append(value);
    return u8(0);
  }
  Writer& bytes(std::string_view value) {
    out_.append(value);
    return *this;
  }
  Writer& padded(std::string_view value, std::size_t size) {
    const std::string_view kept = value.substr(0, size);
    out_.append(kept).append(size - kept.size(), '\0');
    return *this;
  }

 private:
  std::string& out_;
};

}  // namespace pandun::sms
