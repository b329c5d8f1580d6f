// The few functions of DuckDB's C API that the archive uses, found in libduckdb.so at run time.
//
// Errors   load: kUnavailable, with the places that were tried. run(): kIo or kCorrupt with DuckDB's words.
// Threads  the table of functions is immutable; a DuckConnection has one owner.
// Source   duckdb.org/docs/api/c (stable since 1.2), tried with 1.5.6.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pandun::eventlog {

// Layout as in the C API; the first five members are kept there for old programs.
struct DuckResult {
  std::uint64_t old[3];
  void* old_columns;
  char* old_error;
  void* internal;
};
enum class DuckType : int { kBoolean = 1, kInteger = 4, kBigint = 5, kTimestamp = 12, kVarchar = 17 };

// Strings of up to 12 bytes stand in place; of longer ones four bytes and a pointer.
struct DuckString {
  std::uint32_t length;
  char rest[12];

  std::string_view view() const {
    if (length <= sizeof rest) return {rest, length};
    const char* data = nullptr;
    std::memcpy(&data, rest + 4, sizeof data);
    return {data, length};
  }
};
static_assert(sizeof(DuckString) == 16);

struct DuckApi {
  using Handle = void*;
  const char* (*library_version)();
  int (*create_config)(Handle* out);
  int (*set_config)(Handle config, const char* name, const char* value);
  void (*destroy_config)(Handle* config);
  int (*open_ext)(const char* path, Handle* out, Handle config, char** error);
  void (*close)(Handle* database);
  int (*connect)(Handle database, Handle* out);
  void (*disconnect)(Handle* connection);
  void (*free)(void* memory);
  int (*query)(Handle connection, const char* sql, DuckResult* out);
  const char* (*result_error)(DuckResult* result);
  void (*destroy_result)(DuckResult* result);
  std::uint64_t (*column_count)(DuckResult* result);
  Handle (*fetch_chunk)(DuckResult result);
  Handle (*create_logical_type)(int type);
  void (*destroy_logical_type)(Handle* type);
  Handle (*create_data_chunk)(Handle* types, std::uint64_t columns);
  void (*destroy_data_chunk)(Handle* chunk);
  void (*data_chunk_reset)(Handle chunk);
  void (*data_chunk_set_size)(Handle chunk, std::uint64_t rows);
  std::uint64_t (*data_chunk_get_size)(Handle chunk);
  Handle (*data_chunk_get_vector)(Handle chunk, std::uint64_t column);
  void* (*vector_get_data)(Handle vector);
  std::uint64_t* (*vector_get_validity)(Handle vector);
  void (*vector_ensure_validity_writable)(Handle vector);
  void (*unsafe_vector_assign_string_element_len)(Handle vector, std::uint64_t row, const char* text,
                                                  std::uint64_t bytes);
  std::uint64_t (*vector_size)();
  int (*appender_create)(Handle connection, const char* schema, const char* table, Handle* out);
  const char* (*appender_error)(Handle appender);
  int (*append_data_chunk)(Handle appender, Handle chunk);
  int (*appender_destroy)(Handle* appender);
};

// `configured` wins and must exist; else the places named in docs/eventlog.md.
Result<std::shared_ptr<const DuckApi>> load_duckdb(const std::string& configured);

// One in-memory database that may touch files below `directory` and nothing else: no network, no extensions.
class DuckConnection {
 public:
  static Result<std::unique_ptr<DuckConnection>> open(std::shared_ptr<const DuckApi> api, const std::string& directory,
                                                      std::uint32_t memory_mb);
  DuckConnection(const DuckConnection&) = delete;
  DuckConnection& operator=(const DuckConnection&) = delete;
  ~DuckConnection();

  Result<> run(const std::string& sql);
  const DuckApi& api() const { return *api_; }
  DuckApi::Handle get() const { return connection_; }

 private:
  explicit DuckConnection(std::shared_ptr<const DuckApi> api) : api_(std::move(api)) {}
  std::shared_ptr<const DuckApi> api_;
  DuckApi::Handle database_ = nullptr, connection_ = nullptr;
};

// DuckDB's words as our error: damage and refusals of the disk have codes of their own.
Error duck_error(const std::string& where, const char* words);
std::string sql_text(const std::string& text);  // 'quoted'

}  // namespace pandun::eventlog
