// A directory of a target's own, gone when the process ends as it should; in memory where there is such a place, for every write is
// synced.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/check.h"
#include "platform/file_system.h"

namespace pandun {

class FuzzDirectory {
 public:
  FuzzDirectory() {
    std::error_code none;
    const std::filesystem::path memory = "/dev/shm";
    const auto home = std::filesystem::is_directory(memory, none) ? memory : std::filesystem::temp_directory_path();
    std::string pattern = (home / "pandun-fuzz-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~FuzzDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FuzzDirectory(const FuzzDirectory&) = delete;
  FuzzDirectory& operator=(const FuzzDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, std::string_view text) const {
    CHECK(platform::replace_file(platform::posix_files(), file(name), text, 0600).ok());
    return file(name);
  }

 private:
  std::string path_;
};

}  // namespace pandun
