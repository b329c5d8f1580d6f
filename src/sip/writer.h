// Writes an answer into bytes that the transport owns.
// Errors   what does not fit is not written, and whole() says so; an answer that is not whole is not sent.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace pandun::sip {

class Writer {
 public:
  explicit Writer(std::span<char> room) : begin_(room.data()), at_(begin_), end_(begin_ + room.size()) {}

  Writer& put(std::string_view text) {
    if (text.size() > static_cast<std::size_t>(end_ - at_)) {
      whole_ = false;
    } else if (!text.empty()) {
      std::memcpy(at_, text.data(), text.size());
      at_ += text.size();
    }
    return *this;
  }
  Writer& put(std::uint64_t number) {
    const auto [to, code] = std::to_chars(at_, end_, number);
    if (code == std::errc())
      at_ = to;
    else
      whole_ = false;
    return *this;
  }
  Writer& hex(std::uint64_t value) {
    char digits[16];
    for (int i = 15; i >= 0; --i, value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
    return put(std::string_view(digits, 16));
  }
  bool whole() const { return whole_; }
  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  std::string_view text() const { return {begin_, size()}; }

 private:
  char* begin_;
  char* at_;
  char* end_;
  bool whole_ = true;
};

}  // namespace pandun::sip
