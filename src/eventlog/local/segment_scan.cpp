#include "eventlog/local/segment_scan.h"

#include <algorithm>

#include "base/hash.h"

namespace pandun::eventlog {
namespace {

constexpr std::uint64_t kChunk = 256 * 1024;

}  // namespace

Result<std::string_view> SegmentScan::view(std::uint64_t offset, std::uint64_t bytes, std::uint64_t limit) {
  bytes = std::min(bytes, limit > offset ? limit - offset : 0);
  if (offset < buffer_offset_ || offset + bytes > buffer_offset_ + buffer_.size()) {
    const std::uint64_t want = std::min(std::max(bytes, kChunk), limit - offset);
    buffer_.resize(want);
    buffer_offset_ = offset;
    auto got = file_->read_at(offset, buffer_.data(), want);
    if (!got.ok()) {
      buffer_.clear();
      return std::move(got).error();
    }
    buffer_.resize(*got);
  }
  const std::string_view all = buffer_;
  return all.substr(offset - buffer_offset_, bytes);
}

Result<SegmentScan::Step> SegmentScan::next(std::uint64_t limit, Frame& out) {
  if (offset_ >= limit) return Step::kEnd;
  TRY_ASSIGN(const std::string_view head, view(offset_, FrameHeader::kBytes, limit));
  auto header = FrameHeader::parse(head);
  if (!header.ok() || limit - offset_ < header->frame_bytes()) return Step::kDamaged;
  TRY_ASSIGN(const std::string_view whole, view(offset_, header->frame_bytes(), limit));
  if (whole.size() < header->frame_bytes()) return Step::kDamaged;
  out.header = *header;
  out.offset = offset_;
  out.sealed = whole.substr(FrameHeader::kBytes);
  if (crc32c(out.sealed) != header->payload_crc) return Step::kDamaged;
  offset_ = out.end();
  return Step::kFrame;
}

Result<> SegmentScan::resync(std::uint64_t limit) {
  // A whole header in front of damaged content still says where the next frame is.
  TRY_ASSIGN(const std::string_view head, view(offset_, FrameHeader::kBytes, limit));
  if (auto header = FrameHeader::parse(head); header.ok() && header->frame_bytes() <= limit - offset_) {
    offset_ += header->frame_bytes();
    return {};
  }
  ++offset_;
  while (offset_ < limit) {
    TRY_ASSIGN(const std::string_view text, view(offset_, kChunk, limit));
    for (std::size_t at = text.find("PLF"); at != std::string_view::npos; at = text.find("PLF", at + 1)) {
      if (text.size() - at < FrameHeader::kBytes) break;
      if (FrameHeader::parse(text.substr(at)).ok()) {
        offset_ += at;
        return {};
      }
    }
    if (text.size() <= FrameHeader::kBytes) break;
    offset_ += text.size() - FrameHeader::kBytes + 1;
  }
  offset_ = limit;
  return {};
}

}  // namespace pandun::eventlog
