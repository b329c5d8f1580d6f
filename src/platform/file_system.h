// The one seam for files. Everything that must survive a crash goes through a FileSystem&, so that tests can fail the
// n-th write, sync, rename or read, fill the disk, tear a tail and cut the power.
//
// Errors   kNotFound, kIo (with the system's words; retryable for EINTR-like faults), kTooLarge.
// Threads  a FileSystem is thread-safe; a file object has one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pandun::platform {

struct FileInfo {
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
  std::uint64_t inode = 0, device = 0;
  unsigned mode = 0;  // permission bits
  bool directory = false;
};

class WritableFile {
 public:
  virtual ~WritableFile() = default;                    // closes; never syncs
  virtual Result<> append(std::string_view bytes) = 0;  // all of it or an error; a short write may leave a torn tail
  virtual Result<> sync() = 0;                          // fdatasync; after a failure the file must not be trusted
  virtual Result<> truncate(std::uint64_t size) = 0;
  virtual std::uint64_t size() const = 0;
};

class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  virtual Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const = 0;  // 0 = end
  virtual Result<FileInfo> info() const = 0;  // of the open file, also after a rename
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<WritableFile>> open_append(const std::string& path,
                                                            unsigned mode = 0640) = 0;                      // creates
  virtual Result<std::unique_ptr<WritableFile>> create(const std::string& path, unsigned mode = 0640) = 0;  // truncates
  virtual Result<std::unique_ptr<ReadableFile>> open_read(const std::string& path) = 0;
  virtual Result<FileInfo> info(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;  // names, sorted, without . and ..
  virtual Result<> make_directories(const std::string& path) = 0;
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<> remove(const std::string& path) = 0;
  virtual Result<> sync_directory(const std::string& path) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
};

FileSystem& posix_files();

// The whole file, at most `bytes_max`.
Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t bytes_max = 1ULL << 30);
// Write aside, sync, rename, sync the directory: readers see the old content or the new, never a part.
Result<> replace_file(FileSystem& files, const std::string& path, std::string_view content, unsigned mode = 0640);

std::string directory_of(const std::string& path);
std::string name_of(const std::string& path);
std::string join(const std::string& directory, const std::string& name);

}  // namespace pandun::platform
