#include "sources/kit/line_reader.h"

#include <algorithm>
#include <cstring>

namespace pandun::sources {
namespace {

constexpr std::size_t kShownBytes = 256;  // kept of a line that is too long

bool any_high_bit(const char* bytes, std::size_t size) {
  std::uint64_t seen = 0;
  std::size_t at = 0;
  for (; at + 32 <= size; at += 32) {
    std::uint64_t words[4];
    std::memcpy(words, bytes + at, 32);
    seen |= words[0] | words[1] | words[2] | words[3];
  }
  for (; at < size; ++at) seen |= static_cast<unsigned char>(bytes[at]);
  return (seen & 0x8080808080808080ULL) != 0;
}

}  // namespace

LineReader::LineReader(std::size_t line_max, std::size_t block) : line_max_(line_max), block_(block) {}

void LineReader::attach(std::unique_ptr<platform::InputFile> file, std::string head) {
  raw_before_ = raw_bytes();
  file_ = std::move(file);
  head_ = std::move(head);
  at_ = searched_ = end_ = 0;
  next_offset_ = line_offset_ = file_->offset();
  nul_ = not_ascii_ = utf16_ = discarding_ = false;
  discarded_bytes_ = 0;
}

std::uint64_t LineReader::raw_bytes() const {
  return raw_before_ + (file_ ? file_->raw_bytes() : 0);
}

void LineReader::start_of_file() {
  const std::string_view start(buffer_.data() + at_, end_ - at_);
  if (start.starts_with("\xef\xbb\xbf")) {
    at_ += 3;
    searched_ = std::max(searched_, at_);
    next_offset_ = 3;
  }
  utf16_ = start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff");
}

void LineReader::look_at(std::size_t from) {
  const char* fresh = buffer_.data() + from;
  nul_ = nul_ || std::memchr(fresh, 0, end_ - from) != nullptr;
  not_ascii_ = not_ascii_ || any_high_bit(fresh, end_ - from);
}

// Reads one more block behind what is left; false if there is nothing more at present.
Result<bool> LineReader::fill() {
  const std::size_t left = end_ - at_;
  if (left == 0) nul_ = not_ascii_ = false;
  if (buffer_.size() < left + block_ + kLinePadding) {
    std::vector<char> larger(left + block_ + kLinePadding);
    if (left > 0) std::memcpy(larger.data(), buffer_.data() + at_, left);
    buffer_.swap(larger);
  } else {
    if (left > 0) std::memmove(buffer_.data(), buffer_.data() + at_, left);
  }
  searched_ -= at_;
  at_ = 0;
  end_ = left;
  const std::uint64_t offset = file_->offset();
  TRY_ASSIGN(const std::size_t got, file_->read(buffer_.data() + end_, block_));
  if (got == 0) return false;
  if (offset < kHeadBytes && head_.size() == offset)
    head_.append(buffer_.data() + end_, std::min<std::size_t>(got, kHeadBytes - head_.size()));
  end_ += got;
  look_at(left);
  std::memset(buffer_.data() + end_, 0, kLinePadding);
  // Three bytes show a byte order mark; a growing file may give them one by one.
  if (next_offset_ == 0 && offset < 3) start_of_file();
  return true;
}

LineReader::Got LineReader::too_long(Line& line) {
  line = {discarded_, nul_, not_ascii_};
  line_offset_ = next_offset_;
  next_offset_ += discarded_bytes_;
  discarding_ = false;
  return Got::kTooLong;
}

Result<LineReader::Got> LineReader::next(Line& line) {
  for (;;) {
    const void* found = searched_ < end_ ? std::memchr(buffer_.data() + searched_, '\n', end_ - searched_) : nullptr;
    if (found != nullptr) {
      const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
      std::size_t size = newline - at_;
      if (discarding_ || size > line_max_) {
        if (!discarding_) discarded_.assign(buffer_.data() + at_, std::min(size, kShownBytes));
        discarded_bytes_ = (discarding_ ? discarded_bytes_ : 0) + size + 1;
        at_ = searched_ = newline + 1;
        return too_long(line);
      }
      line_offset_ = next_offset_;
      next_offset_ += size + 1;
      if (size > 0 && buffer_[newline - 1] == '\r') --size;
      line = {{buffer_.data() + at_, size}, nul_, not_ascii_};
      at_ = searched_ = newline + 1;
      return Got::kLine;
    }
    searched_ = end_;
    if (end_ - at_ > line_max_ || discarding_) {
      if (!discarding_) {
        discarded_.assign(buffer_.data() + at_, std::min(end_ - at_, kShownBytes));
        discarded_bytes_ = 0;
        discarding_ = true;
      }
      discarded_bytes_ += end_ - at_;
      at_ = end_;
    }
    TRY_ASSIGN(const bool more, fill());
    if (!more) return Got::kNothing;
  }
}

LineReader::Got LineReader::rest(Line& line) {
  if (discarding_) return too_long(line);
  if (at_ == end_) return Got::kNothing;
  line_offset_ = next_offset_;
  std::size_t size = end_ - at_;
  next_offset_ += size;
  if (buffer_[end_ - 1] == '\r') --size;
  line = {{buffer_.data() + at_, size}, nul_, not_ascii_};
  at_ = searched_ = end_;
  return Got::kLine;
}

}  // namespace pandun::sources
