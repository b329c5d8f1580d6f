// A file that stands in memory: what a request brought, what an answer takes away.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "platform/file_system.h"

namespace pandun::exchange {

class MemoryInput final : public platform::ReadableFile {
 public:
  explicit MemoryInput(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const std::size_t count = std::min(bytes, bytes_.size() - static_cast<std::size_t>(offset));
    std::memcpy(out, bytes_.data() + offset, count);
    return count;
  }
  Result<platform::FileInfo> info() const override {
    platform::FileInfo out;
    out.size = bytes_.size();
    return out;
  }

 private:
  const std::string bytes_;
};

// kTooLarge beyond `bytes_max`.
class MemoryOutput final : public platform::WritableFile {
 public:
  explicit MemoryOutput(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  Result<> append(std::string_view bytes) override {
    if (bytes.size() > bytes_max_ - bytes_.size())
      return error(Errc::kTooLarge, "export", "too much for one answer; use the command line, which writes a file");
    bytes_.append(bytes);
    return {};
  }
  Result<> sync() override { return {}; }
  Result<> truncate(std::uint64_t size) override {
    bytes_.resize(static_cast<std::size_t>(size));
    return {};
  }
  std::uint64_t size() const override { return bytes_.size(); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  std::size_t bytes_max_;
};

}  // namespace pandun::exchange
