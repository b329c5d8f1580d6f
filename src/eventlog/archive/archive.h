// The archive: every event as one row of a Parquet file, with tokens instead of numbers, for years of questions.
//
// Shape    DIR/<kind>/day=YYYY-MM-DD/part-<first>-<last>.parquet (zstd); the day is of the event time, UTC; first and last
//          are log positions. Columns: docs/eventlog.md. DuckDB, Spark, Trino and ClickHouse read it as it is.
// Once     a part has its name only when it is whole and on the disk. Rows of positions that a part of their partition
//          covers are left out, so a writer may be fed again from any earlier position. One directory serves one log.
// Needs    libduckdb.so, loaded when asked for; absent: kUnavailable with what to install.
// Safety   numbers and devices pass through the Tokenizer; IP addresses and names are clear.
// Threads  one owner each; a reader may run beside a writer, also in another process.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "eventlog/log.h"
#include "model/entity.h"
#include "platform/file_system.h"

namespace pandun::eventlog {

// Turns identities into what may leave the engine. Plugged by server.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual std::string number_token(model::NumberKey number) = 0;
  virtual std::string number_note(model::NumberKey number) = 0;  // region and carrier kind: nothing that singles it out
  virtual std::string device_token(std::string_view device) = 0;
};

struct ArchiveOptions {
  std::string directory;
  std::string duckdb_library;           // empty: beside the executable, tools/node, then the system's search path
  std::size_t rows_per_part = 300'000;  // staged in memory, about 250 bytes each
  std::uint32_t memory_mb = 1024;       // DuckDB's own bound
};

struct ArchiveStats {
  std::uint64_t rows = 0, parts = 0, bytes = 0;  // written since open
  std::uint64_t rows_already_there = 0;
};

class ArchiveWriter {
 public:
  virtual ~ArchiveWriter() = default;
  // Stages the record's events; writes parts when enough are staged. After an error nothing is lost: call again.
  virtual Result<> write(const Record& record) = 0;
  virtual Result<> flush() = 0;
  // One part a kind for each whole day before `before`: many small ones are slow to ask. Returns how many days were merged.
  virtual Result<std::uint64_t> merge_days(EventMs before) = 0;
  // All events up to here are in parts on the disk: what to commit to the log. 0: none since open.
  virtual std::uint64_t durable_position() const = 0;
  virtual ArchiveStats stats() const = 0;
};

// `files` and `tokenizer` must outlive the writer.
Result<std::unique_ptr<ArchiveWriter>> open_archive_writer(platform::FileSystem& files, Tokenizer& tokenizer,
                                                           ArchiveOptions options);

enum class ArchiveEntity : std::uint8_t { kAny, kToken, kIp, kDomain };

struct ArchiveQuery {
  std::optional<model::EventKind> kind;  // none: every kind that can hold the entity
  ArchiveEntity entity_kind = ArchiveEntity::kAny;
  std::string entity;      // token of a number or device; address; name or registrable name
  EventMs from{0}, to{0};  // from <= time < to
  std::size_t limit = 1000;
};

struct ArchiveField {
  std::string name, text;  // text is empty and null where the event did not say
  bool null = true, quoted = false;
};

struct ArchiveRow {
  model::EventKind kind{};
  EventMs time;
  std::uint64_t position = 0;
  std::vector<ArchiveField> fields;  // in column order, position and time among them
  std::string json() const;          // one line, with "kind"
};

struct ArchiveAnswer {
  std::vector<ArchiveRow> rows;  // by time, then position
  bool more = false;             // there are rows beyond the limit
  std::uint64_t parts = 0;       // opened
};

class ArchiveReader {
 public:
  virtual ~ArchiveReader() = default;
  virtual Result<ArchiveAnswer> query(const ArchiveQuery& query) = 0;
};

Result<std::unique_ptr<ArchiveReader>> open_archive_reader(platform::FileSystem& files, ArchiveOptions options);

// Removes the day directories whose whole day lies before `before`. Returns how many.
Result<std::uint64_t> retire_archive_days(platform::FileSystem& files, const std::string& directory, EventMs before);

}  // namespace pandun::eventlog
