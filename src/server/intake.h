// Intake: live streams → ingest → event log, exactly once.
//
// Once     a batch and the progress of its streams are one record of the log. A stream's progress never passes an event that is
//          still held for ordering; after a restart such records are read again, and those that had already reached
//          the log (found by looking back in it) are dropped.
// Threads  run() on one thread; figures() from any.
// Errors   a stream that fails is set aside, shown and tried again; a failing log stops the intake until it takes appends again:
//          nothing is read meanwhile, so nothing is lost.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "eventlog/log.h"
#include "ingest/ingest.h"
#include "ingest/rejects.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "sources/kit/source.h"

namespace pandun::server {

struct StreamFigures {
  std::string name, kind, state, message;  // state: running, waiting, ended, failed
  std::uint64_t records = 0, rejected = 0;
  std::optional<EventMs> last_event;
};

struct IntakeFigures {
  std::vector<StreamFigures> streams;
  std::array<std::uint64_t, model::kEventKinds> by_kind{};
  std::uint64_t events = 0, rejected = 0, late = 0, held = 0, skipped_again = 0;
  std::string log_fault;  // why the log does not take appends; "" when it does
};

struct IntakeOptions {
  std::vector<sources::Input> inputs;
  std::string names_file;    // keeps the sources' ids over restarts
  std::string rejects_file;  // appended to
  std::chrono::milliseconds future_skew{300'000};
  std::size_t batch_events = 4096;
  // A stream that is fed from within: made once the names and its progress are known.
  std::function<Result<std::unique_ptr<sources::Stream>>(sources::SourceNames& names,
                                                         const sources::ProgressByName& progress)>
      pushed{};
  // Shown every event as it comes in, before it waits for its place in the order.
  std::function<void(std::span<const model::Event>)> watch{};
};

class Intake {
 public:
  Intake(platform::FileSystem& files, platform::Clock& clock, eventlog::Log& log, const ingest::Numbering& numbering,
         IntakeOptions options);
  ~Intake();

  // Before run(): restores the names and looks back in the log for what must not be taken twice.
  Result<> open();
  void run(std::stop_token stop);
  IntakeFigures figures() const;
  std::string source_name(std::uint32_t id) const;  // from any thread; "" for an id never given

 private:
  struct Chunk {
    std::uint64_t first_position = 0;  // in the log, of the first event of it that got there; 0 = none yet
    std::size_t waiting = 0;           // events still held
    std::string progress;
  };
  struct Lane {
    std::unique_ptr<sources::Stream> stream;
    sources::Input input;
    ingest::Orderer::Lane lane = 0;
    std::deque<std::uint64_t> chunks;  // ids, oldest first
    std::string progress;              // everything up to here is in the log
    std::string stored;                // as the log has it, with where to look back from
    std::uint64_t look_back_from = 0;  // where the log holds events of an earlier run that `progress` does not cover
    bool ended = false, idle = false;
    std::chrono::nanoseconds last_data{0}, retry_at{0};
    std::map<std::uint64_t, std::uint32_t> skip;  // events already in the log, by fingerprint
    StreamFigures figures;
  };

  Result<> restore_names();
  Result<> store_names();
  Result<> look_back();
  void open_inputs();
  Result<> open_new_files(const sources::Input& input);
  void add_lane(std::unique_ptr<sources::Stream> stream, const sources::Input& input);
  bool read(Lane& lane);
  bool drop_known(Lane& lane, model::EventBatch& batch);
  Result<> deliver(model::EventBatch& out, std::stop_token stop);
  void settle(const model::EventBatch& out);
  std::vector<eventlog::SourceProgress> changed_progress();
  void note_rejects(std::vector<model::Reject>& rejects);
  void publish();
  void publish_names();

  platform::FileSystem& files_;
  platform::Clock& clock_;
  eventlog::Log& log_;
  IntakeOptions options_;
  sources::SourceNames names_;
  std::size_t names_stored_ = 0;
  std::optional<ingest::Normaliser> normaliser_;
  const ingest::Numbering& numbering_;
  ingest::Orderer orderer_;
  ingest::Positions positions_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::set<std::string> open_paths_;
  std::unordered_map<std::uint64_t, Chunk> chunks_;
  std::uint64_t next_chunk_ = 1;
  model::EventBatch pending_;        // left the orderer, not yet in the log
  std::vector<std::uint64_t> tags_;  // chunk of each pending event
  sources::ProgressByName resume_;
  std::map<std::string, std::map<std::uint64_t, std::uint32_t>, std::less<>> in_log_;
  std::map<std::string, std::uint64_t, std::less<>> look_back_from_;
  std::unique_ptr<ingest::RejectLog> rejects_;
  IntakeFigures running_;
  mutable std::mutex mutex_;
  IntakeFigures published_;
  std::vector<std::string> published_names_;
};

}  // namespace pandun::server
