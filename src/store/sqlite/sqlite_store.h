// SQLite adapter of the store: one file, WAL, synchronous FULL, foreign keys on, STRICT tables.
//
// Schema   numbered migrations built into the program, checksummed, forward only; a file of a newer program is refused.
// Open     runs a quick integrity check; a damaged file is kCorrupt, never half-opened.
// Faults   Options::fault is asked before every statement of the writer and may fail it: for tests.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "platform/clock.h"
#include "store/store.h"

namespace pandun::store {

struct SqliteOptions {
  std::chrono::milliseconds busy_time{5000};
  bool read_only = false;
  bool quick_check = true;
  std::int64_t pages_max = 0;  // 0 = no bound of ours; more is "disk is full"
  std::function<bool(std::uint64_t statement)> fault;
};

// `path` is a file; its directory exists. Creates it (mode 0600) when absent.
Result<std::unique_ptr<Store>> open_sqlite(const std::string& path, const platform::Clock& clock,
                                           SqliteOptions options = {});

}  // namespace pandun::store
