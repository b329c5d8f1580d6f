#include "learn/csv.h"

#include <cstring>

namespace pandun::learn {

CsvReader::CsvReader(std::unique_ptr<platform::InputFile> file, std::string text, std::string path)
    : file_(std::move(file)), path_(std::move(path)), buffer_(std::move(text)) {
  if (file_ == nullptr && buffer_.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

Result<CsvReader> CsvReader::open(platform::FileSystem& files, const std::string& path) {
  TRY_ASSIGN(auto file, platform::InputFile::open(files, path));
  return CsvReader(std::move(file), {}, path);
}

CsvReader CsvReader::over(std::string text, std::string path) {
  return CsvReader(nullptr, std::move(text), std::move(path));
}

std::string CsvReader::place(const Cell& cell) const {
  return path_ + ":" + std::to_string(record_line_) + ":" + std::to_string(cell.column);
}

Error CsvReader::fault(std::uint32_t column, std::string message) const {
  return error(Errc::kBadInput, path_ + ":" + std::to_string(line_) + ":" + std::to_string(column), std::move(message));
}

Result<bool> CsvReader::read_line() {
  constexpr std::size_t kChunk = 1U << 16;
  for (;;) {
    const char* begin = buffer_.data() + at_;
    const std::size_t room = buffer_.size() - at_;
    const void* end = room > 0 ? std::memchr(begin, '\n', room) : nullptr;
    const std::size_t length = end != nullptr ? static_cast<std::size_t>(static_cast<const char*>(end) - begin) : room;
    if (record_.size() + length > kRecordBytesMax) {
      ++line_;
      return fault(1, "the record is longer than 1 MiB; is a quote left open?");
    }
    if (end != nullptr) {
      ++line_;
      record_.append(begin, length);
      at_ += length + 1;
      return true;
    }
    record_.append(begin, length);
    const bool had = length > 0;
    buffer_.clear();
    at_ = 0;
    if (file_ == nullptr) {
      if (had) ++line_;
      return had;
    }
    buffer_.resize(kChunk);
    TRY_ASSIGN(const std::size_t got, file_->read(buffer_.data(), kChunk));
    buffer_.resize(got);
    if (line_ == 0 && record_.empty() && buffer_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    if (got == 0) {
      if (!file_->damage().empty()) return error(Errc::kCorrupt, path_, file_->damage());
      file_.reset();
      if (!record_.empty()) ++line_;
      return !record_.empty();
    }
  }
}

Result<bool> CsvReader::split(std::vector<Span>& spans) {
  spans.clear();
  cells_.clear();
  const std::string_view text = record_;
  std::size_t at = 0;
  const std::size_t line_start = text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1;
  const auto column = [&](std::size_t offset) {
    return static_cast<std::uint32_t>(offset >= line_start ? offset - line_start + 1 : 1);
  };
  for (;;) {
    Span span{cells_.size(), cells_.size(), column(at)};
    if (at < text.size() && text[at] == '"') {
      ++at;
      for (;;) {
        const std::size_t quote = text.find('"', at);
        if (quote == std::string_view::npos) return false;
        cells_.append(text.substr(at, quote - at));
        at = quote + 1;
        if (at >= text.size() || text[at] != '"') break;
        cells_.push_back('"');
        ++at;
      }
      if (at < text.size() && text[at] != ',')
        return fault(column(at), "text after the closing quote; a quote inside a cell is written twice");
    } else {
      std::size_t end = text.find(',', at);
      if (end == std::string_view::npos) end = text.size();
      const std::string_view bare = text.substr(at, end - at);
      if (const std::size_t quote = bare.find('"'); quote != std::string_view::npos)
        return fault(column(at + quote), "a quote inside a cell that is not quoted");
      cells_.append(bare);
      at = end;
    }
    span.end = cells_.size();
    spans.push_back(span);
    if (spans.size() > kCellsMax) return fault(column(at), "more than 4,096 columns");
    if (at >= text.size()) return true;
    ++at;  // the comma
  }
}

Result<bool> CsvReader::next(std::vector<Cell>& cells) {
  cells.clear();
  std::vector<Span> spans;
  do {
    record_.clear();
    TRY_ASSIGN(const bool more, read_line());
    if (!more) return false;
    record_line_ = line_;
    if (record_.ends_with('\r')) record_.pop_back();
  } while (record_.empty());
  for (;;) {
    if (const std::size_t nul = record_.find('\0'); nul != std::string::npos)
      return fault(static_cast<std::uint32_t>(nul + 1), "a NUL byte: this is not a text table");
    TRY_ASSIGN(const bool whole, split(spans));
    if (whole) break;
    record_.push_back('\n');
    TRY_ASSIGN(const bool more, read_line());
    if (!more)
      return error(Errc::kBadInput, path_ + ":" + std::to_string(record_line_), "a quoted cell that never ends");
    if (record_.ends_with('\r')) record_.pop_back();
  }
  for (const Span& span : spans)
    cells.push_back({std::string_view(cells_).substr(span.begin, span.end - span.begin), span.column});
  return true;
}

}  // namespace pandun::learn
