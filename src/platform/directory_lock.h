// One process at a time for a data directory: two would write one log.
//
// Errors   kUnavailable when another process holds it (its number is in the message); kIo.
// Life     held until the object dies or the process ends, however it ends.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace pandun::platform {

class DirectoryLock {
 public:
  static Result<std::unique_ptr<DirectoryLock>> take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace pandun::platform
