#include "detect/rules/rule_files.h"

#include "platform/file_system.h"

namespace pandun::detect {

Result<std::vector<RuleSource>> read_rule_files(platform::FileSystem& files, const std::string& directory) {
  TRY_ASSIGN(const std::vector<std::string> names, files.list(directory));
  std::vector<RuleSource> out;
  for (const std::string& name : names) {
    if (!name.ends_with(".toml")) continue;
    const std::string path = platform::join(directory, name);
    TRY_ASSIGN(std::string text, platform::read_file(files, path, 1 << 24));
    out.push_back({path, std::move(text)});
  }
  return out;
}

}  // namespace pandun::detect
