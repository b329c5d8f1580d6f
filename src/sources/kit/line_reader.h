// Lines of one input file, in big blocks, whatever the file holds.
//
// Shape    a line is given without its end ("\n" or "\r\n") and has 64 readable bytes behind it; views die at the next call.
//          A UTF-8 byte order mark is passed over; UTF-16 is only recognised.
// Bounds   memory is at most line_max + one block; a longer line is given as kTooLong with its first bytes, and reading
//          goes on behind its end.
// Errors   those of InputFile::read.
// Threads  one owner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/input_file.h"

namespace pandun::sources {

inline constexpr std::size_t kLineBytesMax = 1024 * 1024;
inline constexpr std::size_t kLinePadding = 64;  // simdjson reads so far behind a document
inline constexpr std::size_t kHeadBytes = 1024;  // what tells one file from another

struct Line {
  std::string_view text;
  bool maybe_nul = false, maybe_not_ascii = false;  // of the block it came in: if false, surely not
};

class LineReader {
 public:
  enum class Got { kLine, kTooLong, kNothing };

  explicit LineReader(std::size_t line_max = kLineBytesMax, std::size_t block = 256 * 1024);

  // Starts on `file` at its present offset; `head` is what stood before (at most kHeadBytes of the file's first bytes).
  void attach(std::unique_ptr<platform::InputFile> file, std::string head = {});
  // kNothing: no whole line at present.
  Result<Got> next(Line& line);
  // After kNothing: what stands behind the last line end, if anything. Only when no more will come.
  Got rest(Line& line);

  bool attached() const { return file_ != nullptr; }
  const platform::InputFile& file() const { return *file_; }
  std::uint64_t line_offset() const { return line_offset_; }  // of the line given last
  std::uint64_t next_offset() const { return next_offset_; }  // of the first byte not yet given as a line
  bool utf16() const { return utf16_; }
  std::size_t buffer_bytes() const { return buffer_.size(); }
  const std::string& head() const { return head_; }
  std::uint64_t raw_bytes() const;  // over all files attached

 private:
  Result<bool> fill();
  void look_at(std::size_t from);
  void start_of_file();
  Got too_long(Line& line);

  std::size_t line_max_, block_;
  std::unique_ptr<platform::InputFile> file_;
  std::vector<char> buffer_;
  std::size_t at_ = 0, searched_ = 0, end_ = 0;  // unread part, how far no line end was found
  std::uint64_t next_offset_ = 0, line_offset_ = 0, raw_before_ = 0;
  bool nul_ = false, not_ascii_ = false, utf16_ = false, discarding_ = false;
  std::string head_, discarded_;
  std::uint64_t discarded_bytes_ = 0;
};

}  // namespace pandun::sources
