// The archive's folders and part names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/event.h"
#include "platform/file_system.h"

namespace pandun::eventlog {

inline constexpr std::int64_t kDayMs = 86'400'000;
std::int64_t day_of(EventMs time);  // since 1970-01-01; years outside 1..9999 count as the nearest

struct Part {
  std::uint64_t first = 0, last = 0;  // positions
  std::string path;
};

std::string partition_directory(const std::string& archive, model::EventKind kind, std::int64_t day);
std::string part_name(std::uint64_t first, std::uint64_t last);
// In the order of positions. Parts within a larger one were merged into it and do not count. `tidy` removes those and what
// a crash left half-written.
Result<std::vector<Part>> list_parts(platform::FileSystem& files, const std::string& directory, bool tidy);
// read_parquet(...) over these.
std::string sql_parts(const std::vector<Part>& parts);
// Days that have a folder, ascending.
Result<std::vector<std::int64_t>> list_days(platform::FileSystem& files, const std::string& archive,
                                            model::EventKind kind);

}  // namespace pandun::eventlog
