// Segment files: their names, and writing one.
//
// Birth    a segment is written aside with its header, its snapshot of all progress and any records carried over from an
//          unclean tail; synced; and only then given its name. So a named segment always has a whole beginning.
// Errors   kIo. create(): retryable when nothing was changed. append_group(): `kept_nothing` says whether the file stands as
//          before. After any other failure the directory has to be opened anew.
// Threads  one owner.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "eventlog/local/frame.h"
#include "platform/clock.h"
#include "platform/file_system.h"

namespace pandun::eventlog {

// What is known of one segment without reading its records.
struct Segment {
  SegmentHeader header;
  std::string header_bytes;  // as sealed into its frames
  std::string path;
  std::uint64_t limit = 0;  // bytes that count
};

std::string segment_name(std::uint64_t sequence, std::uint64_t first_position);
// False: not a number of decimal digits alone.
bool parse_number(std::string_view text, std::uint64_t& out);
// False: the name is no segment's.
bool parse_segment_name(std::string_view name, std::uint64_t& sequence, std::uint64_t& first_position);
Result<Segment> read_segment_header(platform::FileSystem& files, const std::string& path);

// One record as it goes into a segment; `clear` is progress and batch.
struct Outgoing {
  std::string_view clear;
  std::uint64_t first_position = 0;
  std::uint32_t events = 0;
  std::int64_t watermark = 0;
};

class SegmentWriter {
 public:
  struct Birth {
    std::uint64_t sequence, first_position, previous_bytes;
    std::int64_t watermark;
    const std::vector<SourceProgress>& progress;
    std::span<const Outgoing> carried;
  };
  static Result<std::unique_ptr<SegmentWriter>> create(platform::FileSystem& files, platform::Clock& clock,
                                                       const platform::SealKey& key, const std::string& directory,
                                                       const Birth& birth);
  // Goes on with a segment that has stood untouched since its birth. (Behind appended frames nothing is ever written by
  // another process: what the disk really holds of them is not known well enough.)
  static Result<std::unique_ptr<SegmentWriter>> resume(platform::FileSystem& files, const platform::SealKey& key,
                                                       Segment segment);

  struct Failure {
    Error error;
    bool kept_nothing = false;
  };
  // All records in one write and, if asked, one sync. Nothing: done.
  std::unique_ptr<Failure> append_group(std::span<const Outgoing> records, bool sync);
  Result<> sync();
  // Says that all in front of it is durable, so that damage there can never pass for a torn tail.
  void close_cleanly();

  const Segment& segment() const { return segment_; }  // limit: its bytes so far
  bool untouched() const { return segment_.limit == segment_.header.born_bytes; }

 private:
  SegmentWriter(const platform::SealKey& key, Segment segment) : key_(key), segment_(std::move(segment)) {}
  void frame(FrameKind kind, const Outgoing& record);
  std::unique_ptr<Failure> undo(Error why);

  platform::SealKey key_;
  Segment segment_;
  std::unique_ptr<platform::WritableFile> file_;
  std::string buffer_;
  std::uint64_t synced_ = 0;
};

}  // namespace pandun::eventlog
