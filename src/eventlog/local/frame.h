// Bytes of a segment file: one header, then frames. Layout tables: docs/eventlog.md.
//
// Safety   a frame's clear fields (positions, times, sizes) and its place are authenticated with its sealed payload: a frame
//          cannot be changed, moved within its segment or carried to another one.
// Errors   parse: kCorrupt, without a place; the caller knows segment and offset.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "eventlog/log.h"
#include "platform/seal.h"

namespace pandun::eventlog {

using SegmentId = std::array<char, 16>;  // random; part of every seal

struct SegmentHeader {
  static constexpr std::size_t kBytes = 96;
  std::uint64_t sequence = 0;        // 1, 2, 3 … without gaps
  std::uint64_t first_position = 0;  // of its first event
  std::uint64_t previous_bytes = 0;  // how much of the segment before counts; what follows there was never acknowledged
  std::uint64_t born_bytes = 0;      // how much of this one was synced before it got its name
  std::int64_t watermark = 0;        // before its first event
  std::int64_t created_ms = 0;       // wall time
  SegmentId id{};
  std::array<char, 8> key_check{};  // tells another key from damaged bytes

  std::string bytes() const;
  static Result<SegmentHeader> parse(std::string_view bytes);
};
std::array<char, 8> key_check(const platform::SealKey& key, const SegmentId& id);

enum class FrameKind : std::uint8_t {
  kRecord = 'R',    // progress and a batch (the batch may be empty)
  kSnapshot = 'S',  // progress of all sources; the first frame of a segment
  kEnd = 'E',       // clean close: everything in front of it is on the disk
};

struct FrameHeader {
  static constexpr std::size_t kBytes = 44;
  FrameKind kind = FrameKind::kRecord;
  std::uint32_t sealed_bytes = 0;
  std::uint64_t first_position = 0;  // without events: the next event's
  std::int64_t watermark = 0;
  std::uint64_t synced = 0;  // how much of this segment was on the disk when the frame was written
  std::uint32_t events = 0;
  std::uint32_t payload_crc = 0;

  std::uint64_t frame_bytes() const { return kBytes + sealed_bytes; }
  std::uint64_t next_position() const { return first_position + events; }
  static Result<FrameHeader> parse(std::string_view bytes);  // checks its own checksum and magic
};

// Appends a whole frame that will stand at `offset` of the segment whose header bytes are `segment`.
// sealed_bytes and payload_crc are filled in.
void append_frame(std::string& out, FrameHeader header, std::string_view clear, const platform::SealKey& key,
                  std::string_view segment, std::uint64_t offset);
Result<std::string> open_frame(const FrameHeader& header, std::string_view sealed, const platform::SealKey& key,
                               std::string_view segment, std::uint64_t offset);

// The clear payload: progress, then (records only) the batch as model/event_codec.h writes it.
void append_progress(std::string& out, const std::vector<SourceProgress>& progress);
// Takes the progress off the front; `clear` is left at the batch.
Result<std::vector<SourceProgress>> take_progress(std::string_view& clear);

}  // namespace pandun::eventlog
