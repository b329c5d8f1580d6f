// An append-only file of sealed frames: each bound to its file and place, so none can be changed, moved or exchanged unseen.
//
// Shape    32-byte head in the clear (size, two numbers of the owner's, count, sequence, check), then the sealed payload.
// Errors   FrameWriter::open(): what a crash left torn at the end is cut off; kCorrupt when a frame is damaged and whole ones
//          follow it. append(): after an error the file must be opened anew. payload(): kCorrupt when key, place or bytes do not fit.
// Threads  one owner each; readers of a growing file see whole frames only.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/file_system.h"
#include "platform/seal.h"

namespace pandun::decide {

struct FrameHead {
  std::uint32_t magic = 0, bytes = 0;  // sealed bytes that follow
  std::uint32_t first = 0, last = 0;   // the owner's: the seconds a frame spans
  std::uint32_t count = 0, sequence = 0;
  std::uint64_t check = 0;
};
static_assert(sizeof(FrameHead) == 32);
inline constexpr std::uint32_t kFrameBytesMax = 1U << 26;

class FrameReader {
 public:
  static Result<FrameReader> open(platform::FileSystem& files, const std::string& path, const platform::SealKey& key,
                                  std::string name);
  // The next head, or nothing at the end or before a torn frame. kCorrupt for a head that does not fit.
  Result<std::optional<FrameHead>> next();
  Result<std::string> payload() const;                                     // of the frame whose head came last
  std::uint64_t begin() const { return payload_at_ - sizeof(FrameHead); }  // of that frame
  std::uint64_t end() const { return end_; }                               // behind the last whole frame seen
  // After kCorrupt: does a whole frame stand anywhere behind the damage?
  Result<bool> frames_follow() const;
  std::uint32_t sequence() const { return sequence_; }

 private:
  FrameReader(const platform::SealKey& key, std::string name) : key_(key), name_(std::move(name)) {}
  std::unique_ptr<platform::ReadableFile> file_;
  platform::SealKey key_;
  std::string name_;
  std::uint64_t size_ = 0, end_ = 0, payload_at_ = 0;
  std::uint32_t sequence_ = 0;
  FrameHead head_{};
};

class FrameWriter {
 public:
  static Result<FrameWriter> open(platform::FileSystem& files, const std::string& path, const platform::SealKey& key,
                                  std::string name);
  Result<> append(std::string_view payload, std::uint32_t first, std::uint32_t last, std::uint32_t count);
  Result<> sync() { return file_->sync(); }
  std::uint64_t size() const { return file_->size(); }

 private:
  FrameWriter(const platform::SealKey& key, std::string name) : key_(key), name_(std::move(name)) {}
  std::unique_ptr<platform::WritableFile> file_;
  platform::SealKey key_;
  std::string name_;
  std::uint32_t sequence_ = 0;
};

// Numbers and texts one after another, for payloads.
class FrameText {
 public:
  void number(std::uint64_t value) {
    char* at = room(kNumberMax);
    for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
    *at++ = static_cast<char>(value);
    used_ = static_cast<std::size_t>(at - bytes_.data());
  }
  void text(std::string_view value) {
    number(value.size());
    if (!value.empty()) std::memcpy(room(value.size()), value.data(), value.size());
    used_ += value.size();
  }
  std::string_view bytes() const { return {bytes_.data(), used_}; }
  void clear() { used_ = 0; }  // keeps its memory

 private:
  static constexpr std::size_t kNumberMax = 10;
  char* room(std::size_t bytes) {
    if (bytes_.size() - used_ < bytes) bytes_.resize(2 * (bytes_.size() + bytes));
    return bytes_.data() + used_;
  }
  std::string bytes_;  // longer than what is used
  std::size_t used_ = 0;
};
class FrameParse {
 public:
  explicit FrameParse(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number();
  std::string_view text();
  bool failed() const { return failed_; }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace pandun::decide
