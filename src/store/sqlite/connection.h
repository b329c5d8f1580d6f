// One SQLite connection: statements kept prepared, every failure a Result. Inside store/sqlite only.
//
// Errors   busy or locked: kUnavailable, retryable. Full, read-only, I/O: kIo. Damaged: kCorrupt. Constraint: kConflict.
// Threads  one owner at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace pandun::store {

// A value to bind. Texts are borrowed until the statement ends.
struct Bind {
  enum class Kind : std::uint8_t { kNull, kInteger, kNumber, kText, kBlob };
  Kind kind = Kind::kNull;
  std::int64_t integer = 0;
  double number = 0;
  std::string_view text;

  Bind() = default;
  Bind(std::int64_t value) : kind(Kind::kInteger), integer(value) {}  // NOLINT(google-explicit-constructor)
  Bind(int value) : kind(Kind::kInteger), integer(value) {}           // NOLINT(google-explicit-constructor)
  Bind(bool value) : kind(Kind::kInteger), integer(value ? 1 : 0) {}  // NOLINT(google-explicit-constructor)
  Bind(double value) : kind(Kind::kNumber), number(value) {}          // NOLINT(google-explicit-constructor)
  Bind(std::string_view value) : kind(Kind::kText), text(value) {}    // NOLINT(google-explicit-constructor)
  Bind(const std::string& value) : kind(Kind::kText), text(value) {}  // NOLINT(google-explicit-constructor)
  Bind(const char* value) : kind(Kind::kText), text(value) {}         // NOLINT(google-explicit-constructor)
  Bind(WallMs value) : Bind(value.ms) {}                              // NOLINT(google-explicit-constructor)
  Bind(EventMs value) : Bind(value.ms) {}                             // NOLINT(google-explicit-constructor)
  Bind(std::optional<WallMs> value) {                                 // NOLINT(google-explicit-constructor)
    if (value) *this = Bind(value->ms);
  }
  static Bind blob(std::string_view bytes) {
    Bind out(bytes);
    out.kind = Kind::kBlob;
    return out;
  }
};

class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  std::string text(int column) const;  // also a blob's bytes
  std::int64_t integer(int column) const;
  double number(int column) const;
  bool boolean(int column) const { return integer(column) != 0; }
  WallMs wall(int column) const { return {integer(column)}; }
  EventMs event(int column) const { return {integer(column)}; }
  std::optional<WallMs> maybe_wall(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class Connection {
 public:
  enum class Mode : std::uint8_t { kReadOnly, kReadWrite };
  static Result<std::unique_ptr<Connection>> connect(const std::string& path, Mode mode, int busy_ms);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<> script(const std::string& sql);
  Result<> run(std::string_view sql, std::span<const Bind> values);
  Result<> run(std::string_view sql, std::initializer_list<Bind> values) {
    return run(sql, std::span<const Bind>(values.begin(), values.size()));
  }
  Result<> query(std::string_view sql, std::span<const Bind> values, const std::function<void(const Row&)>& each);
  Result<> query(std::string_view sql, std::initializer_list<Bind> values,
                 const std::function<void(const Row&)>& each) {
    return query(sql, std::span<const Bind>(values.begin(), values.size()), each);
  }
  // The first column of the first row, or `fallback`.
  Result<std::int64_t> integer(std::string_view sql, std::initializer_list<Bind> values, std::int64_t fallback = 0);

  std::int64_t last_id() const;
  std::int64_t changes() const;
  bool in_transaction() const;
  sqlite3* handle() { return db_; }
  void set_fault(std::function<bool(std::uint64_t)> fault) { fault_ = std::move(fault); }

 private:
  explicit Connection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  Result<> bind(sqlite3_stmt* statement, std::span<const Bind> values);
  Error failure(int code, std::string_view sql) const;

  sqlite3* db_;
  std::string path_;
  std::map<std::string, sqlite3_stmt*, std::less<>> prepared_;
  std::function<bool(std::uint64_t)> fault_;
  std::uint64_t statements_ = 0;
};

}  // namespace pandun::store
