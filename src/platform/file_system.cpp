#include "platform/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pandun::platform {
namespace {

Error system_error(const std::string& where, const char* action) {
  const int code = errno;
  std::string message = std::string(action) + ": " + std::strerror(code);
  if (code == ENOENT || code == ENOTDIR) return error(Errc::kNotFound, where, std::move(message));
  const bool retryable =
      code == ENOSPC || code == EDQUOT || code == EFBIG || code == EAGAIN || code == EMFILE || code == ENFILE;
  return error(Errc::kIo, where, std::move(message), retryable);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd_); }
  int get() const { return fd_; }

 private:
  int fd_;
};

FileInfo to_info(const struct stat& s) {
  FileInfo info;
  info.size = static_cast<std::uint64_t>(s.st_size);
  info.modified_ms = static_cast<std::int64_t>(s.st_mtim.tv_sec) * 1000 + s.st_mtim.tv_nsec / 1'000'000;
  info.inode = s.st_ino;
  info.device = s.st_dev;
  info.mode = s.st_mode & 07777U;
  info.directory = S_ISDIR(s.st_mode);
  return info;
}

class PosixWritable final : public WritableFile {
 public:
  PosixWritable(int fd, std::string path, std::uint64_t size) : fd_(fd), path_(std::move(path)), size_(size) {}

  Result<> append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return system_error(path_, "write");
      }
      size_ += static_cast<std::uint64_t>(written);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  Result<> sync() override {
    if (::fdatasync(fd_.get()) != 0) return system_error(path_, "sync");
    return {};
  }
  Result<> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return system_error(path_, "truncate");
    size_ = size;
    return {};
  }
  std::uint64_t size() const override { return size_; }

 private:
  Descriptor fd_;
  std::string path_;
  std::uint64_t size_;
};

class PosixReadable final : public ReadableFile {
 public:
  PosixReadable(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const override {
    std::size_t done = 0;
    while (done < bytes) {
      const ssize_t got = ::pread(fd_.get(), out + done, bytes - done, static_cast<off_t>(offset + done));
      if (got < 0) {
        if (errno == EINTR) continue;
        return system_error(path_, "read");
      }
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }
  Result<FileInfo> info() const override {
    struct stat s {};
    if (::fstat(fd_.get(), &s) != 0) return system_error(path_, "stat");
    return to_info(s);
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class PosixFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> open_append(const std::string& path, unsigned mode) override {
    return open_writable(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode);
  }
  Result<std::unique_ptr<WritableFile>> create(const std::string& path, unsigned mode) override {
    return open_writable(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, mode);
  }
  Result<std::unique_ptr<ReadableFile>> open_read(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return system_error(path, "open");
    return std::unique_ptr<ReadableFile>(std::make_unique<PosixReadable>(fd, path));
  }
  Result<FileInfo> info(const std::string& path) override {
    struct stat s {};
    if (::stat(path.c_str(), &s) != 0) return system_error(path, "stat");
    return to_info(s);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    DIR* dir = ::opendir(directory.c_str());
    if (dir == nullptr) return system_error(directory, "list");
    std::vector<std::string> names;
    for (const dirent* entry = ::readdir(dir); entry != nullptr; entry = ::readdir(dir)) {
      const std::string_view name = static_cast<const char*>(entry->d_name);
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(dir);
    std::sort(names.begin(), names.end());
    return names;
  }
  Result<> make_directories(const std::string& path) override {
    for (std::size_t at = 1; at <= path.size(); ++at) {
      if (at != path.size() && path[at] != '/') continue;
      const std::string part = path.substr(0, at);
      if (::mkdir(part.c_str(), 0750) != 0 && errno != EEXIST) return system_error(part, "make directory");
    }
    return {};
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error(from, "rename");
    return {};
  }
  Result<> remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0) return {};
    if (errno == EISDIR && ::rmdir(path.c_str()) == 0) return {};
    return system_error(path, "remove");
  }
  Result<> sync_directory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_error(path, "open directory");
    const Descriptor closer(fd);
    if (::fsync(fd) != 0) return system_error(path, "sync directory");
    return {};
  }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs s {};
    if (::statvfs(path.c_str(), &s) != 0) return system_error(path, "statvfs");
    return static_cast<std::uint64_t>(s.f_bavail) * s.f_frsize;
  }

 private:
  static Result<std::unique_ptr<WritableFile>> open_writable(const std::string& path, int flags, unsigned mode) {
    const int fd = ::open(path.c_str(), flags, mode);
    if (fd < 0) return system_error(path, "open");
    struct stat s {};
    if (::fstat(fd, &s) != 0) {
      const Error failed = system_error(path, "stat");
      ::close(fd);
      return failed;
    }
    return std::unique_ptr<WritableFile>(
        std::make_unique<PosixWritable>(fd, path, static_cast<std::uint64_t>(s.st_size)));
  }
};

}  // namespace

FileSystem& posix_files() {
  static PosixFiles files;
  return files;
}

Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t bytes_max) {
  TRY_ASSIGN(const auto file, files.open_read(path));
  TRY_ASSIGN(const FileInfo info, file->info());
  if (info.directory) return error(Errc::kIo, path, "is a directory");
  if (info.size > bytes_max)
    return error(Errc::kTooLarge, path, "is larger than " + std::to_string(bytes_max) + " bytes");
  std::string content(info.size, '\0');
  TRY_ASSIGN(const std::size_t got, file->read_at(0, content.data(), content.size()));
  content.resize(got);
  return content;
}

Result<> replace_file(FileSystem& files, const std::string& path, std::string_view content, unsigned mode) {
  const std::string aside = path + ".new";
  {
    TRY_ASSIGN(const auto file, files.create(aside, mode));
    TRY(file->append(content));
    TRY(file->sync());
  }
  TRY(files.rename(aside, path));
  return files.sync_directory(directory_of(path));
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string join(const std::string& directory, const std::string& name) {
  if (directory.empty() || directory.back() == '/') return directory + name;
  return directory + "/" + name;
}

}  // namespace pandun::platform
