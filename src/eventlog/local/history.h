// Reads a local log's past from its directory without owning it, also while another process appends and retires segments.
//
// Moment   what stood whole in the files when it was opened; what is appended later is not seen. Nothing is written.
// Errors   open(): kNotFound without segments, kBadConfig for another key, kCorrupt when a segment is missing in the middle.
//          Readers: kTooOld when retention took a segment first; damaged records are left out and counted in lost().
// Threads  const methods from any; a Reader has one owner and keeps what it needs.
#pragma once

#include <memory>
#include <string>

#include "eventlog/log.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/seal.h"

namespace pandun::eventlog {

struct Core;

class LogHistory {
 public:
  // All three must outlive the history and its readers.
  static Result<std::unique_ptr<LogHistory>> open(platform::FileSystem& files, platform::Clock& clock,
                                                  const platform::SealKey& key, const std::string& directory);

  std::uint64_t first_position() const;  // oldest still kept
  std::uint64_t last_position() const;   // one less than the first: no event
  EventMs watermark() const;             // of the last event
  // The first position of the newest segment in front of which no event was as new as `time`: reading from there misses
  // nothing from `time` on but what came late by more than a segment.
  std::uint64_t position_before(EventMs time) const;
  std::uint64_t lost_events() const;  // damaged, and left out by readers so far
  Result<std::unique_ptr<Reader>> read_from(std::uint64_t position) const;

 private:
  explicit LogHistory(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  std::shared_ptr<Core> core_;
};

}  // namespace pandun::eventlog
