// Message text while it is compared with a business sender's templates: the only type that ever holds it.
//
// Safety   bytes are wiped when the object dies, moves or grows; there is no conversion to a string, no printing, no copying.
//          Only TextReader (text.cpp) and the codecs that fill it can look inside.
// Threads  plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace pandun::sms {

// Overwrites memory in a way that the compiler may not leave out.
void wipe(void* memory, std::size_t bytes);

template <typename T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <typename U>
  WipingAllocator(const WipingAllocator<U>&) {}  // NOLINT(google-explicit-constructor)
  T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
  void deallocate(T* memory, std::size_t n) {
    wipe(memory, n * sizeof(T));
    std::allocator<T>().deallocate(memory, n);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

// Characters of a text that nobody outside the comparison may see.
class SecretText {
 public:
  SecretText() = default;
  SecretText(SecretText&&) = default;
  SecretText& operator=(SecretText&&) = default;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  std::size_t size() const { return characters_.size(); }

 private:
  friend class TextReader;
  std::vector<char32_t, WipingAllocator<char32_t>> characters_;
};

enum class Alphabet : std::uint8_t { kGsm7, kGsm7Packed, kAscii, kLatin1, kUcs2, kGbk, kBinary, kOther };

struct Part {  // of a message that is sent in several pieces
  std::uint32_t reference = 0;
  std::uint8_t total = 1, number = 1;
};

// One message's text as it stood in its frame, undecoded.
class Body {
 public:
  Body() = default;
  Body(Body&&) = default;
  Body& operator=(Body&&) = default;
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  Alphabet alphabet = Alphabet::kGsm7;
  Part part;
  std::size_t size() const { return bytes_.size(); }

  // For codecs: the octets without any user data header.
  void fill(std::string_view octets) { bytes_.assign(octets.begin(), octets.end()); }

 private:
  friend class TextReader;
  std::vector<char, WipingAllocator<char>> bytes_;
};

}  // namespace pandun::sms
