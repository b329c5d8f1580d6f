#include "platform/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace pandun::platform {

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::take(const std::string& directory) {
  const std::string path = directory + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return error(Errc::kIo, path, std::strerror(errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> owner{};
    const ssize_t got = ::read(fd, owner.data(), owner.size() - 1);
    ::close(fd);
    return error(Errc::kUnavailable, directory,
                 "is in use by process " + std::string(owner.data(), got > 0 ? static_cast<std::size_t>(got) : 0) +
                     "; stop it, or choose another data directory");
  }
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(fd));
  const std::string own = std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, own.data(), own.size(), 0) != static_cast<ssize_t>(own.size()))
    return error(Errc::kIo, path, std::strerror(errno));
  return lock;
}

DirectoryLock::~DirectoryLock() {
  ::close(fd_);
}

}  // namespace pandun::platform
