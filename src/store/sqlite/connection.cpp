#include "store/sqlite/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/check.h"

namespace pandun::store {
namespace {

constexpr std::size_t kPreparedMax = 256;

Errc code_of(int sqlite) {
  switch (sqlite & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
      return Errc::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::kCorrupt;
    case SQLITE_CONSTRAINT:
      return Errc::kConflict;
    case SQLITE_TOOBIG:
      return Errc::kTooLarge;
    default:
      return Errc::kIo;
  }
}

}  // namespace

std::string Row::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}
std::int64_t Row::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Row::number(int column) const {
  return sqlite3_column_double(statement_, column);
}
std::optional<WallMs> Row::maybe_wall(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return wall(column);
}

Result<std::unique_ptr<Connection>> Connection::connect(const std::string& path, Mode mode, int busy_ms) {
  sqlite3* db = nullptr;
  const int flags = (mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int opened = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(db, path));
  if (opened != SQLITE_OK) return connection->failure(opened, "open");
  sqlite3_busy_timeout(db, busy_ms);
  // Reading the header finds a file that is no database before anything is built upon it.
  TRY(
      connection->script("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                         "PRAGMA temp_store = MEMORY; SELECT count(*) FROM sqlite_master;"));
  return connection;
}

Connection::~Connection() {
  for (auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close_v2(db_);
}

Error Connection::failure(int code, std::string_view sql) const {
  const char* words = db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_);
  const Errc kind = code_of(code);
  return error(kind, path_, fmt::format("{} (SQLite {}) in: {}", words, code, sql.substr(0, 60)),
               kind == Errc::kUnavailable);
}

Result<> Connection::script(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code, sql);
  return {};
}

Result<sqlite3_stmt*> Connection::prepare(std::string_view sql) {
  const auto known = prepared_.find(sql);
  if (known != prepared_.end()) return known->second;
  if (prepared_.size() >= kPreparedMax) {
    for (auto& [text, statement] : prepared_) sqlite3_finalize(statement);
    prepared_.clear();
  }
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure(code, sql);
  prepared_.emplace(std::string(sql), statement);
  return statement;
}

Result<> Connection::bind(sqlite3_stmt* statement, std::span<const Bind> values) {
  CHECK(sqlite3_bind_parameter_count(statement) == static_cast<int>(values.size()));
  int index = 0;
  for (const Bind& value : values) {
    ++index;
    int code = SQLITE_OK;
    switch (value.kind) {
      case Bind::Kind::kNull:
        code = sqlite3_bind_null(statement, index);
        break;
      case Bind::Kind::kInteger:
        code = sqlite3_bind_int64(statement, index, value.integer);
        break;
      case Bind::Kind::kNumber:
        code = sqlite3_bind_double(statement, index, value.number);
        break;
      case Bind::Kind::kText:
        code = sqlite3_bind_text64(statement, index, value.text.empty() ? "" : value.text.data(), value.text.size(),
                                   SQLITE_STATIC, SQLITE_UTF8);
        break;
      case Bind::Kind::kBlob:
        code = sqlite3_bind_blob64(statement, index, value.text.empty() ? "" : value.text.data(), value.text.size(),
                                   SQLITE_STATIC);
        break;
    }
    if (code != SQLITE_OK) return failure(code, "bind");
  }
  return {};
}

Result<> Connection::query(std::string_view sql, std::span<const Bind> values,
                           const std::function<void(const Row&)>& each) {
  if (fault_ && fault_(++statements_)) {
    return error(Errc::kIo, path_, fmt::format("fault injected in: {}", sql.substr(0, 60)));
  }
  TRY_ASSIGN(sqlite3_stmt * statement, prepare(sql));
  Result<> bound = bind(statement, values);
  int code = SQLITE_DONE;
  if (bound.ok()) {
    const Row row(statement);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      if (each) each(row);
    }
  }
  Result<> out = std::move(bound);
  if (out.ok() && code != SQLITE_DONE) out = failure(code, sql);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return out;
}

Result<> Connection::run(std::string_view sql, std::span<const Bind> values) {
  return query(sql, values, nullptr);
}

Result<std::int64_t> Connection::integer(std::string_view sql, std::initializer_list<Bind> values,
                                         std::int64_t fallback) {
  std::int64_t out = fallback;
  TRY(query(sql, values, [&](const Row& row) { out = row.integer(0); }));
  return out;
}

std::int64_t Connection::last_id() const {
  return sqlite3_last_insert_rowid(db_);
}
std::int64_t Connection::changes() const {
  return sqlite3_changes64(db_);
}
bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

}  // namespace pandun::store
