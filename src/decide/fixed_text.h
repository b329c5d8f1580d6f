// A short text inside its owner, for answers and records that must not allocate.
// Errors   what does not fit is cut at the last whole UTF-8 character.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pandun::decide {

template <std::size_t kCapacity>
class FixedText {
  static_assert(kCapacity < 256);

 public:
  FixedText() { bytes_[0] = '\0'; }
  FixedText(std::string_view text) { *this = text; }  // NOLINT(google-explicit-constructor)
  FixedText(const FixedText& other) { *this = other.view(); }
  FixedText& operator=(const FixedText& other) {
    if (this != &other) *this = other.view();
    return *this;
  }
  FixedText& operator=(std::string_view text) {
    size_ = 0;
    append(text);
    return *this;
  }
  void append(std::string_view text) {
    std::size_t fits = text.size() <= kCapacity - size_ ? text.size() : kCapacity - size_;
    if (fits < text.size()) {
      while (fits > 0 && (static_cast<unsigned char>(text[fits]) & 0xC0U) == 0x80U) --fits;
    }
    if (fits > 0) std::memcpy(bytes_ + size_, text.data(), fits);
    size_ = static_cast<std::uint8_t>(size_ + fits);
  }

  std::string_view view() const { return {bytes_, size_}; }
  operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)
  std::string str() const { return std::string(view()); }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  friend bool operator==(const FixedText& a, std::string_view b) { return a.view() == b; }

 private:
  std::uint8_t size_ = 0;
  char bytes_[kCapacity];
};

}  // namespace pandun::decide
