// A FileSystem for tests: a real directory underneath, with faults by count and a model of what a power cut loses.
//
// Faults   fail_at(op, n): the n-th call (from 1) of that operation fails with kIo; `forever` keeps failing.
//          short_write_at(n, bytes): the n-th append writes only that many bytes, then fails.
//          disk_bytes(limit): appends past the limit fail as a full disk does.
//          power_cut(): every byte not yet synced, every rename or creation whose directory was not synced, is undone;
//          files open at that moment are dead. Directories themselves count as durable at once.
//          power_cut_keeping(seed): as above, but of the unsynced bytes a random part reached the disk, page by page.
//          power_cut_at(n): after the n-th changing operation nothing works any more, until power_cut().
//          After a failed sync the bytes it was to write are lost even if a later sync succeeds (as on Linux).
// Threads  thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "platform/file_system.h"

namespace pandun::platform {

enum class FileOp { kAppend, kSync, kCreate, kRename, kSyncDirectory, kRead, kTruncate, kRemove };

class FaultFiles final : public FileSystem {
 public:
  explicit FaultFiles(FileSystem& real);
  ~FaultFiles() override;

  void fail_at(FileOp op, std::uint64_t n, bool forever = false);
  void short_write_at(std::uint64_t n, std::size_t bytes);
  void disk_bytes(std::uint64_t limit);
  void heal();  // no more faults; counts go on
  std::uint64_t count(FileOp op) const;
  std::uint64_t changes() const;  // calls so far of all operations but kRead
  void power_cut_at(std::uint64_t n);
  Result<> power_cut();
  Result<> power_cut_keeping(std::uint64_t seed);

  Result<std::unique_ptr<WritableFile>> open_append(const std::string& path, unsigned mode) override;
  Result<std::unique_ptr<WritableFile>> create(const std::string& path, unsigned mode) override;
  Result<std::unique_ptr<ReadableFile>> open_read(const std::string& path) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<> make_directories(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> sync_directory(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace pandun::platform
