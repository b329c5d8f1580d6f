// The rule files of a directory: every *.toml in it, by name.
// Errors   what the file system says; faults inside the files are RuleSet::compile's to tell.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "detect/rules/rule_set.h"

namespace pandun::platform {
class FileSystem;
}

namespace pandun::detect {

Result<std::vector<RuleSource>> read_rule_files(platform::FileSystem& files, const std::string& directory);

}  // namespace pandun::detect
