// Which file is which: a tailed file is known by how it begins, so that it is found again after a rename, a
// copy-and-truncate or a compression, and a new file under the old name is told from the old one.
//
// Siblings of "conn.log": names in the same folder that put a rotation's mark into it, as "conn.log.1", "conn.log-20240419",
//          "conn.2024-04-19-01-00.log", each with or without ".gz".
// Threads  free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/file_system.h"
#include "platform/input_file.h"

namespace pandun::sources {

// The first bytes of a file, uncompressed.
struct HeadMark {
  std::uint64_t bytes = 0, hash = 0;
  friend bool operator==(const HeadMark&, const HeadMark&) = default;
};
HeadMark mark_of(std::string_view head);

// The first `bytes` of the file at `path`; shorter if it holds less.
Result<std::string> read_head(platform::FileSystem& files, const std::string& path, std::uint64_t bytes);
// kNotFound counts as no match.
Result<bool> begins_with(platform::FileSystem& files, const std::string& path, const HeadMark& mark);

struct Sibling {
  std::string path;
  std::int64_t modified_ms = 0;
  std::uint64_t inode = 0;
};
bool is_rotated_name(std::string_view live, std::string_view candidate);  // names without folder
// Oldest first.
Result<std::vector<Sibling>> siblings(platform::FileSystem& files, const std::string& live_path);

}  // namespace pandun::sources
