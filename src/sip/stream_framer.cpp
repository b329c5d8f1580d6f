#include "sip/stream_framer.h"

#include <algorithm>

#include "sip/text.h"

namespace pandun::sip {

void StreamFramer::feed(std::string_view bytes) {
  if (broken_) return;
  buffer_.erase(0, used_);
  looked_at_ -= std::min(looked_at_, used_);
  used_ = 0;
  buffer_.append(bytes);
}

StreamFramer::Found StreamFramer::next() {
  message_ = {};
  if (broken_) return Found::kBroken;
  std::string_view rest = std::string_view(buffer_).substr(used_);
  if (whole_ == 0) {
    if (rest.starts_with("\r\n\r\n")) {
      used_ += 4;
      return Found::kPing;
    }
    if (rest == "\r\n" || rest == "\r" || rest == "\r\n\r") return Found::kNeedMore;  // half a ping, maybe
    while (rest.starts_with("\r\n")) {
      used_ += 2;
      rest.remove_prefix(2);
    }
    const Found found = head(rest);
    if (found != Found::kMessage) {
      broken_ = found == Found::kBroken;
      return found;
    }
  }
  return body(rest);
}

StreamFramer::Found StreamFramer::head(std::string_view rest) {
  const std::size_t from = looked_at_ > used_ + 3 ? looked_at_ - used_ - 3 : 0;
  const std::size_t end = rest.find("\r\n\r\n", from);
  looked_at_ = used_ + rest.size();
  if (end == std::string_view::npos) return rest.size() > max_ ? Found::kBroken : Found::kNeedMore;
  const Limits limits{};
  const Fault fault = parse(rest.substr(0, end + 4), limits, head_);
  if (fault.silent) return Found::kBroken;
  // Two lengths are two places where the next message could begin.
  const Field* const length = head_.find(Name::kContentLength);
  std::uint64_t bytes = 0;
  if (length == nullptr || !read_decimal(length->value, max_, bytes)) return Found::kBroken;
  for (std::size_t i = 0, lengths = 0; i < head_.field_count; ++i)
    if (head_.fields[i].name == Name::kContentLength && ++lengths > 1) return Found::kBroken;
  whole_ = end + 4 + bytes;
  return whole_ > max_ ? Found::kBroken : Found::kMessage;
}

StreamFramer::Found StreamFramer::body(std::string_view rest) {
  if (rest.size() < whole_) return Found::kNeedMore;
  message_ = rest.substr(0, whole_);
  used_ += whole_;
  looked_at_ = used_;
  whole_ = 0;
  return Found::kMessage;
}

}  // namespace pandun::sip
