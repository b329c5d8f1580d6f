// Comma-separated records as RFC 4180 writes them: quoted cells, doubled quotes, line breaks inside quotes, LF or CRLF, a byte order mark.
//
// Errors   next(): kBadInput with "path:line:column" for a quote that never ends or stands inside a bare cell, a NUL, a
//          record over kRecordBytesMax or kCellsMax; kIo; kCorrupt for a damaged gzip stream. After an error nothing more can be read.
// Threads  one owner. The cells of a record live until the next call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/input_file.h"

namespace pandun::learn {

inline constexpr std::size_t kRecordBytesMax = 1U << 20;
inline constexpr std::size_t kCellsMax = 4096;

struct Cell {
  std::string_view text;
  std::uint32_t column = 1;  // of its first byte in its line, from 1
};

class CsvReader {
 public:
  static Result<CsvReader> open(platform::FileSystem& files, const std::string& path);
  static CsvReader over(std::string text, std::string path);  // the whole content is at hand

  // False: the end. Empty lines are skipped.
  Result<bool> next(std::vector<Cell>& cells);
  std::uint64_t line() const { return record_line_; }  // of the record that next() gave
  const std::string& path() const { return path_; }
  std::string place(const Cell& cell) const;  // "users.csv:17:4"

 private:
  struct Span {
    std::size_t begin = 0, end = 0;
    std::uint32_t column = 1;
  };
  CsvReader(std::unique_ptr<platform::InputFile> file, std::string text, std::string path);
  Result<bool> read_line();  // appends one line to record_, without its end
  Error fault(std::uint32_t column, std::string message) const;
  Result<bool> split(std::vector<Span>& spans);  // false: a quoted cell goes on in the next line

  std::unique_ptr<platform::InputFile> file_;
  std::string path_, buffer_, record_, cells_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 0, record_line_ = 0;
};

}  // namespace pandun::learn
