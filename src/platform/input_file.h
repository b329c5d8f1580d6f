// The bytes of one input as they would stand uncompressed: a plain file, a .gz (members joined), or standard input.
//
// Shape    read in order; gzip is known by its first two bytes, not by the name, so both lies are survived.
// Errors   read(): kIo. A gzip stream that is cut or corrupt is no error: what stood before the damage is given, then
//          read() gives 0 and damage() says what is wrong and where.
// Threads  one owner.
// Source   RFC 1952 (members, section 2.2).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "platform/file_system.h"

namespace pandun::platform {

class InputFile {
 public:
  static Result<std::unique_ptr<InputFile>> open(FileSystem& files, const std::string& path);
  static std::unique_ptr<InputFile> standard_input();
  ~InputFile();

  // 0: nothing more at present (a growing file may give more later; gzip and standard input will not).
  Result<std::size_t> read(char* out, std::size_t room);
  // Moves to an uncompressed offset; gzip is inflated up to there. False: the input ends before it.
  Result<bool> skip_to(std::uint64_t offset);

  bool compressed() const;
  const std::string& damage() const;  // empty if sound
  std::uint64_t offset() const;       // uncompressed, of the next byte read() gives
  std::uint64_t raw_bytes() const;    // taken from the disk so far
  Result<FileInfo> info() const;      // of the open file, also after a rename; standard input: zeros

 private:
  struct State;
  explicit InputFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pandun::platform
