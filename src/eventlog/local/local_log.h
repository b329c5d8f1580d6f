// The embedded event log: segment files in one directory, sealed, checksummed, synced before they are acknowledged.
//
// Shape    DIR/segment-<sequence>-<first position>.log, DIR/consumers. Format, recovery, retention: docs/eventlog.md.
// Order    batches are placed by their positions: an append that comes ahead of its turn waits `gap_wait` for the
// batches
//          in front of it (so that many threads share one sync), one that comes behind is kConflict.
// Errors   append(): kIo retryable when nothing was kept (disk full); kIo not retryable once a sync failed, until the
// log is
//          opened again; kTooLarge over `record_bytes_max`; kConflict when its positions do not follow.
//          open: kCorrupt names segment and offset; kBadConfig for another key.
// Threads  as the port says. Readers may outlive the log: they then see its end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "eventlog/log.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/seal.h"

namespace pandun::eventlog {

enum class OnCorruption : std::uint8_t {
  kStop,          // kCorrupt, and nothing behind it is read
  kSkipAndCount,  // go on behind it; LocalLogStats says what was lost
};

enum class SyncPolicy : std::uint8_t {
  kEveryGroup,  // acknowledged = on the disk
  kNever,       // acknowledged = with the operating system; survives kill -9, not a power cut. For bulk imports.
};

struct LocalLogOptions {
  std::string directory;
  std::uint64_t segment_bytes = 64ULL << 20;    // open reads one segment, so this bounds its time
  std::uint64_t retention_bytes = 64ULL << 30;  // of all segments together; 0 = no bound
  std::chrono::milliseconds retention_age{0};   // since the newest record of a segment was written; 0 = no bound
  bool retention_forced = false;                // take segments that a consumer has not committed yet, and count them
  std::vector<std::string> consumers;  // count as committed at 0 until they commit, so retention waits for them
  SyncPolicy sync = SyncPolicy::kEveryGroup;
  OnCorruption on_corruption = OnCorruption::kStop;
  std::uint64_t record_bytes_max = 64ULL << 20;  // of one encoded batch
  std::uint64_t group_bytes_max = 16ULL << 20;   // written between two syncs
  std::chrono::milliseconds gap_wait{5000};
};

struct LostRange {
  std::string segment;  // file name
  std::uint64_t offset = 0, bytes = 0;
  std::uint64_t first_position = 0, events = 0;  // events 0: a progress record, or not known
};

struct LocalLogStats {
  std::uint64_t segments = 0, bytes = 0;
  std::uint64_t appended_records = 0, appended_events = 0, groups = 0;  // since open
  std::uint64_t repaired_bytes = 0;                                     // unacknowledged tail cut off at open
  std::vector<LostRange> lost;                                          // kSkipAndCount only
  std::uint64_t lost_events = 0;
  std::uint64_t retired_segments = 0, retired_events = 0;  // taken by retention since open
  std::uint64_t forced_events = 0;                         // of these, not yet committed by every consumer
  std::uint64_t held_segments = 0;                         // over the bounds, but a consumer still needs them
  bool refusing = false;                                   // a sync failed: open again
};

class LocalLog : public Log {
 public:
  virtual LocalLogStats stats() const = 0;
  // Retention also runs at open and at each new segment.
  virtual Result<> enforce_retention() = 0;
};

// `files` and `clock` must outlive the log and its readers.
Result<std::unique_ptr<LocalLog>> open_local_log(platform::FileSystem& files, platform::Clock& clock,
                                                 const platform::SealKey& key, LocalLogOptions options);

}  // namespace pandun::eventlog
