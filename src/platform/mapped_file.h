// A file mapped for reading, for tables too big to read at the start. The file must only ever be replaced whole: whoever
// truncates it in place takes the pages away from under its readers.
//
// Errors   open(): kNotFound, kIo. An empty file maps to nothing.
// Threads  immutable; any number of readers.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace pandun::platform {

class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  // The system is asked to bring the pages in ahead.
  static Result<MappedFile> map(const std::string& path);
  std::string_view bytes() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pandun::platform
