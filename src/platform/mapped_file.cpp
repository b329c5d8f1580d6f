#include "platform/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace pandun::platform {
namespace {

constexpr std::size_t kPiece = 1U << 20;

Error failed(const std::string& path, const char* what) {
  const int code = errno;
  return error(code == ENOENT ? Errc::kNotFound : Errc::kIo, path, std::string(what) + ": " + std::strerror(code));
}

}  // namespace

MappedFile::MappedFile(MappedFile&& other) noexcept {
  *this = std::move(other);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

Result<MappedFile> MappedFile::map(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed(path, "open");
  struct stat info {};
  if (::fstat(file, &info) != 0) {
    Error bad = failed(path, "stat");
    ::close(file);
    return bad;
  }
  MappedFile out;
  if (info.st_size > 0) {
    void* mapped = ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
      Error bad = failed(path, "mmap");
      ::close(file);
      return bad;
    }
    out.data_ = static_cast<const char*>(mapped);
    out.size_ = static_cast<std::size_t>(info.st_size);
    // In pieces: the kernel looks at every page before anybody else on the processor has a turn.
    for (std::size_t at = 0; at < out.size_; at += kPiece)
      ::madvise(static_cast<char*>(mapped) + at, std::min(kPiece, out.size_ - at), MADV_WILLNEED);
  }
  ::close(file);
  return out;
}

}  // namespace pandun::platform
