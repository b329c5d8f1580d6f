// Arena: bytes that live as long as their batch. Strings are copied in once and never move.
//
// Threads  filled by one thread; read by any once shared as shared_ptr<const Arena>.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace pandun::model {

class Arena {
 public:
  explicit Arena(std::size_t chunk_bytes = 64 * 1024) : chunk_bytes_(chunk_bytes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::string_view copy(std::string_view text);  // empty in, empty out
  char* allocate(std::size_t bytes);             // uninitialised, valid until the arena dies
  std::size_t bytes() const { return bytes_; }

 private:
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* free_ = nullptr;
  std::size_t left_ = 0, bytes_ = 0, chunk_bytes_;
};

}  // namespace pandun::model
