// Walks the frames of one segment file in large reads, and finds its footing again behind damage.
//
// Errors   next(): kIo only; damage is a Step. Nothing past `limit` is read.
// Threads  one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "eventlog/local/frame.h"
#include "platform/file_system.h"

namespace pandun::eventlog {

struct Frame {
  FrameHeader header;
  std::uint64_t offset = 0;
  std::string_view sealed;  // valid until the next call
  std::uint64_t end() const { return offset + header.frame_bytes(); }
};

class SegmentScan {
 public:
  enum class Step : std::uint8_t { kFrame, kEnd, kDamaged };

  SegmentScan(const platform::ReadableFile& file, std::uint64_t offset) : file_(&file), offset_(offset) {}

  // The frame at offset(), checksummed, and steps over it. kDamaged stays where it is.
  Result<Step> next(std::uint64_t limit, Frame& out);
  // Behind damage: to the next place where a frame's header is whole, or to `limit`.
  Result<> resync(std::uint64_t limit);

  std::uint64_t offset() const { return offset_; }

 private:
  // At least `bytes` from `offset`, less at `limit`.
  Result<std::string_view> view(std::uint64_t offset, std::uint64_t bytes, std::uint64_t limit);

  const platform::ReadableFile* file_;
  std::uint64_t offset_;
  std::string buffer_;
  std::uint64_t buffer_offset_ = 0;
};

}  // namespace pandun::eventlog
