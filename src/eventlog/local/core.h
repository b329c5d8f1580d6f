// What appenders, readers and the log's face share. Inside this folder only.
//
// Threads  `mutex` guards everything below it and is never held over I/O. One thread at a time is the leader (`leading`): it
//          alone touches `writer`, adds or removes segment files.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "eventlog/local/consumers.h"
#include "eventlog/local/local_log.h"
#include "eventlog/local/segment.h"

namespace pandun::eventlog {

// One append() in the queue; lives on its caller's stack.
struct Pending {
  Outgoing record;
  const std::vector<SourceProgress>* progress = nullptr;
  bool done = false;
  Result<> result;
};

struct Core {
  Core(platform::FileSystem& f, platform::Clock& c, const platform::SealKey& k, LocalLogOptions o)
      : files(f), clock(c), key(k.derive("eventlog")), options(std::move(o)) {}

  platform::FileSystem& files;
  platform::Clock& clock;
  const platform::SealKey key;
  const LocalLogOptions options;

  mutable std::mutex mutex;
  std::condition_variable
      turned;  // for appenders and whoever wants to lead: the queue, the leader or a commit moved on
  std::condition_variable published;  // for readers: more is durable, or the log was closed
  std::deque<Segment> segments;       // oldest first; the last is the writer's, its limit what readers may see
  std::unique_ptr<SegmentWriter> writer;
  std::deque<Pending*> queue;
  bool leading = false, committing = false, closed = false;
  std::optional<Error> refusal;     // set once a sync failed: the answer to every later append
  std::uint64_t staged_next = 1;    // the next append's first position
  std::uint64_t last_position = 0;  // durable
  std::int64_t watermark = 0;
  std::map<std::string, std::string> progress;
  Consumers consumers;
  LocalLogStats stats;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> lost_at;  // (sequence, offset) → index in stats.lost

  bool skipping() const { return options.on_corruption == OnCorruption::kSkipAndCount; }
  std::string consumers_path() const { return platform::join(options.directory, "consumers"); }
  std::vector<SourceProgress> progress_list() const;
  // Counts damage once, whoever meets it; a later word on the same place may add its events. Call without the mutex.
  void count_lost(std::uint64_t sequence, LostRange range);

  Result<> append(const model::EventBatch& batch, const std::vector<SourceProgress>& sources);
  Result<> commit(const std::string& consumer, std::uint64_t position);
  Result<> enforce_retention();
  void close();

 private:
  void lead(std::unique_lock<std::mutex>& lock);
  std::optional<Error> write(const std::vector<Pending*>& group);  // by the leader, without the mutex
  Result<> rotate();                                               // likewise
  Result<> retire(std::unique_lock<std::mutex>& lock);             // by the leader
  Result<> sync_as_leader(std::unique_lock<std::mutex>& lock);
  std::size_t over_bounds() const;
};

// Fills `core` from its directory: segments, positions, progress, consumers, a writer.
Result<> recover(Core& core);
Result<std::unique_ptr<Reader>> make_reader(std::shared_ptr<Core> core, std::uint64_t position);

}  // namespace pandun::eventlog
