#include "model/arena.h"

#include <cstring>

namespace pandun::model {

char* Arena::allocate(std::size_t bytes) {
  if (bytes > left_) {
    const std::size_t size = bytes > chunk_bytes_ / 4 ? bytes : chunk_bytes_;
    // NOLINTNEXTLINE(modernize-avoid-c-arrays): uninitialised on purpose
    chunks_.push_back(std::unique_ptr<char[]>(new char[size]));
    bytes_ += size;
    if (size == bytes) return chunks_.back().get();  // a large block leaves the current chunk in use
    free_ = chunks_.back().get();
    left_ = size;
  }
  char* out = free_;
  free_ += bytes;
  left_ -= bytes;
  return out;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* out = allocate(text.size());
  std::memcpy(out, text.data(), text.size());
  return {out, text.size()};
}

}  // namespace pandun::model
