#include <fmt/format.h>

#include <charconv>
#include <string>

#include "base/hash.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/migrations.h"

namespace pandun::store {
namespace {

int number_of(const Migration& migration) {
  int number = 0;
  std::from_chars(migration.name.data(), migration.name.data() + migration.name.size(), number);
  return number;
}

std::string checksum(const Migration& migration) {
  return fmt::format("{:016x}", hash64(migration.sql));
}

Result<> check_applied(int version, const std::string& sum) {
  for (const Migration& migration : migrations()) {
    if (number_of(migration) != version) continue;
    if (checksum(migration) == sum) return {};
    return error(Errc::kCorrupt, std::string(migration.name),
                 "this step was applied to the file in another form; restore a backup made by this program");
  }
  return error(Errc::kUnsupported, fmt::format("schema {}", version),
               "the file was made by a newer Pandun; use that version or restore an older backup");
}

}  // namespace

Result<int> schema_version(Connection& connection) {
  std::int64_t version = 0;
  TRY(connection.query("SELECT coalesce(max(version), 0) FROM schema_migrations", {},
                       [&](const Row& row) { version = row.integer(0); }));
  return static_cast<int>(version);
}

Result<int> migrate(Connection& connection, std::int64_t now_ms) {
  TRY(
      connection.script("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
                        " checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"));
  Result<> applied;
  TRY(connection.query("SELECT version, checksum FROM schema_migrations ORDER BY version", {}, [&](const Row& row) {
    if (applied.ok()) applied = check_applied(static_cast<int>(row.integer(0)), row.text(1));
  }));
  TRY(std::move(applied));
  TRY_ASSIGN(int version, schema_version(connection));
  for (const Migration& migration : migrations()) {
    const int number = number_of(migration);
    if (number <= version) continue;
    TRY(connection.script("BEGIN IMMEDIATE"));
    Result<> step = connection.script(std::string(migration.sql));
    if (step.ok()) {
      step = connection.run("INSERT INTO schema_migrations(version, name, checksum, applied_at) VALUES (?,?,?,?)",
                            {number, migration.name, checksum(migration), now_ms});
    }
    if (step.ok()) step = connection.script("COMMIT");
    if (!step.ok()) {
      (void)connection.script("ROLLBACK");
      return std::move(step).error();
    }
    version = number;
  }
  return version;
}

}  // namespace pandun::store
