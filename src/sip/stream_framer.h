// Finds messages in a stream: by Content-Length, which a stream must have (RFC 3261 section 18.3).
//
// Shape    feed() bytes as they come; next() until kNeedMore. A message's span is good until the next feed() or next().
// Errors   kBroken: nobody can say where the next message begins; the connection must be closed. Nothing follows it.
// Threads  one owner.
// Source   RFC 5626 section 4.4.1 (CRLF CRLF is a ping, CRLF its answer).
#pragma once

#include <string>
#include <string_view>

#include "sip/message.h"

namespace pandun::sip {

class StreamFramer {
 public:
  enum class Found { kNeedMore, kMessage, kPing, kBroken };

  explicit StreamFramer(std::size_t message_bytes_max = 65535) : max_(message_bytes_max) {}

  void feed(std::string_view bytes);
  Found next();
  std::string_view message() const { return message_; }
  bool midway() const { return used_ != buffer_.size(); }  // part of a message has come
  std::size_t memory_bytes() const { return buffer_.capacity(); }

 private:
  Found head(std::string_view rest);
  Found body(std::string_view rest);

  std::size_t max_;
  std::string buffer_;
  std::size_t used_ = 0, looked_at_ = 0, whole_ = 0;  // whole_: bytes of the message whose head has come; 0: not yet
  bool broken_ = false;
  std::string_view message_;
  Message head_;
};

}  // namespace pandun::sip
