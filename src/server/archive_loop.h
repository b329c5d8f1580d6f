// The archive loop: event log → Parquet with tokens. Its own consumer of the log, at its own pace.
//
// Errors   without libduckdb the loop waits and says so; nothing else is held up, and retention waits for it.
// Threads  run() on one thread; figures() and query() from any.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "api/platform_port.h"
#include "eventlog/archive/archive.h"
#include "eventlog/log.h"
#include "guard/number_tokens.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "server/ports.h"

namespace pandun::server {

struct ArchiveFigures {
  std::uint64_t position = 0, rows = 0, parts = 0, bytes = 0;
  std::string fault;
};

struct ArchiveLoopOptions {
  std::string directory;
  std::size_t rows_per_part = 200'000;
  std::chrono::hours retention{365 * 24};
};

class ArchiveLoop {
 public:
  ArchiveLoop(platform::FileSystem& files, platform::Clock& clock, eventlog::Log& log,
              const guard::NumberTokens& tokens, const registry::NumberingPlan& plan, ArchiveLoopOptions options);
  ~ArchiveLoop();

  void run(std::stop_token stop);
  ArchiveFigures figures() const;
  Result<api::ArchiveAnswer> query(const api::ArchiveQuery& query);

 private:
  class Tokens;
  Result<> follow(std::stop_token stop);
  Result<> settle(eventlog::ArchiveWriter& writer);

  platform::FileSystem& files_;
  platform::Clock& clock_;
  eventlog::Log& log_;
  ArchiveLoopOptions options_;
  std::unique_ptr<Tokens> tokens_;
  mutable std::mutex mutex_;  // figures
  ArchiveFigures figures_;
  std::mutex reader_mutex_;
  std::unique_ptr<eventlog::ArchiveReader> reader_;
};

}  // namespace pandun::server
