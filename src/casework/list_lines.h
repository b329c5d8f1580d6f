// Lines of a list of tokens, of any length, in constant memory. Inside casework only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/file_system.h"

namespace pandun::casework {

inline constexpr std::size_t kListLineMax = 200;

// Lines of a file, one after the other; what is longer than a line may be is cut and said so.
class ListLines {
 public:
  explicit ListLines(const platform::ReadableFile& file, std::uint64_t offset = 0) : file_(file), start_(offset) {
    buffer_.resize(kReadBytes);
  }

  // False at the end. `line` is good until the next call.
  Result<bool> next(std::string& line, bool& too_long) {
    line.clear();
    too_long = false;
    bool any = false;
    while (true) {
      if (at_ == end_) {
        start_ += end_;
        at_ = 0;
        TRY_ASSIGN(end_, file_.read_at(start_, buffer_.data(), buffer_.size()));
        if (end_ == 0) return any;
      }
      any = true;
      const std::string_view rest(buffer_.data() + at_, end_ - at_);
      const std::size_t stop = rest.find('\n');
      const std::string_view part = rest.substr(0, stop);
      const std::size_t room = kListLineMax - line.size();
      too_long = too_long || part.size() > room;
      line.append(part.substr(0, room));
      at_ += part.size();
      if (stop == std::string_view::npos) continue;
      ++at_;
      return true;
    }
  }

  std::uint64_t offset() const { return start_ + at_; }  // behind the line last given

 private:
  static constexpr std::size_t kReadBytes = 1U << 18;
  const platform::ReadableFile& file_;
  std::vector<char> buffer_;
  std::size_t at_ = 0, end_ = 0;
  std::uint64_t start_;  // of the buffer in the file
};

}  // namespace pandun::casework
