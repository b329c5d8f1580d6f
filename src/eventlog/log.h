// The stream that must not be lost: append, read, commit. `local/` is the embedded adapter; Kafka is the grown one.
//
// Promise  append() returns only when the batch is durable (group commit: many callers, one sync). What was acknowledged is
//          read back once, in order, after any crash. What was not acknowledged is either whole or not there.
// Partition every event has one home partition = hash(entity) % partitions at the grown adapter; the local log has one.
// Safety   stored sealed (platform/seal.h): no clear number stands on the disk.
// Errors   kIo (disk full, failed sync: the log then refuses appends until reopened, because the state of unsynced pages is
//          unknown), kCorrupt (a sealed record in the middle fails: named with segment and offset), kTooOld (retention took it).
// Threads  append() from any thread; a Reader has one owner; both may run at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/event.h"

namespace pandun::eventlog {

// Where each source stood when the batch was taken: stored in the same record, so both are durable or neither.
struct SourceProgress {
  std::string source, progress;
};

struct Record {
  std::uint64_t first_position = 0, last_position = 0;  // of its events; positions are 1, 2, 3 … without gaps
  model::EventBatch batch;
  std::vector<SourceProgress> progress;
};

class Reader {
 public:
  virtual ~Reader() = default;
  // The next record, waiting up to `wait` for one. False: nothing new in that time.
  virtual Result<bool> next(Record& out, std::chrono::milliseconds wait) = 0;
};

class Log {
 public:
  virtual ~Log() = default;
  // Events must already carry positions last_position()+1 … in order. Returns when durable.
  virtual Result<> append(const model::EventBatch& batch, const std::vector<SourceProgress>& progress) = 0;
  virtual std::uint64_t first_position() const = 0;          // oldest still kept; 0 if empty
  virtual std::uint64_t last_position() const = 0;           // newest durable
  virtual EventMs watermark() const = 0;                     // of the newest durable event
  virtual std::vector<SourceProgress> progress() const = 0;  // latest per source
  virtual Result<std::unique_ptr<Reader>> read_from(std::uint64_t position) = 0;
  // A consumer's durable position: what retention may not take. Names: "detect", "archive".
  virtual Result<> commit(const std::string& consumer, std::uint64_t position) = 0;
  virtual std::uint64_t committed(const std::string& consumer) const = 0;
};

}  // namespace pandun::eventlog
