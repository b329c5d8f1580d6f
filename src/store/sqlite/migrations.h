// The schema's steps, as built into the program from sqlite/migrations/NNNN_name.sql.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace pandun::store {

class Connection;

struct Migration {
  std::string_view name;  // "0001_records.sql"; the number is the schema version
  std::string_view sql;
};
std::span<const Migration> migrations();

// Brings the file up to the newest step. kUnsupported for a newer file; kCorrupt when a step already applied differs.
Result<int> migrate(Connection& connection, std::int64_t now_ms);
Result<int> schema_version(Connection& connection);

}  // namespace pandun::store
