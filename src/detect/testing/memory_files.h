// A FileSystem in memory, for tests that restart an engine thousands of times. No faults: platform/fault_files.h has those.
// Threads  thread-safe, as every FileSystem.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "platform/file_system.h"

namespace pandun::detect::testing {

class MemoryFiles final : public platform::FileSystem {
 public:
  Result<std::unique_ptr<platform::WritableFile>> open_append(const std::string& path, unsigned mode) override;
  Result<std::unique_ptr<platform::WritableFile>> create(const std::string& path, unsigned mode) override;
  Result<std::unique_ptr<platform::ReadableFile>> open_read(const std::string& path) override;
  Result<platform::FileInfo> info(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<> make_directories(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> sync_directory(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

  // For tests that damage what is stored.
  std::string content(const std::string& path) const;
  void set_content(const std::string& path, std::string content);

 private:
  using Bytes = std::shared_ptr<std::string>;
  Bytes find(const std::string& path) const;
  class Writer;
  class Reader;
  mutable std::mutex mutex_;
  std::map<std::string, Bytes> files_;
};

}  // namespace pandun::detect::testing
