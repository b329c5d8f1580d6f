// The consumers file: who has taken what. One line each and a checksum line; small, replaced as a whole.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/file_system.h"

namespace pandun::eventlog {

using Consumers = std::map<std::string, std::uint64_t>;

bool consumer_name_ok(std::string_view name);                                            // a-z 0-9 _ -, at most 64
Result<Consumers> read_consumers(platform::FileSystem& files, const std::string& path);  // absent: none
Result<> write_consumers(platform::FileSystem& files, const std::string& path, const Consumers& consumers);

}  // namespace pandun::eventlog
