// One HTTP/1.x request out of bytes, without a socket. Beast does the grammar; this adds what a server must refuse.
//
// Shape    feed() with all bytes not yet consumed, until kDone; what is left belongs to the next request.
// Errors   kError with status() 400, 413, 414, 417, 431, 501 or 505 and detail(); the connection must then close.
// Threads  one owner.
// Source   RFC 9112 2.2, 3, 6 (both Content-Length and Transfer-Encoding: refused, 6.1), RFC 9110 7.2 (Host).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/http/message.h"

namespace pandun::api::http {

class RequestParser {
 public:
  enum class Status : std::uint8_t { kNeedMore, kHead, kDone, kError };

  explicit RequestParser(std::size_t header_bytes_max);
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  // kHead is said once, before any of the body is read: set body_bytes_max(), then go on.
  Status feed(std::string_view bytes, std::size_t& consumed);
  void body_bytes_max(std::size_t bytes);

  Request& request();     // head from kHead on, body at kDone; peer, tls and id are the connection's to fill
  bool started() const;   // a byte of it has come
  bool has_body() const;  // it announces one (from kHead on)
  // What the body may come to: its stated length, or `most` when it is chunked; never more than `most`.
  std::size_t body_bytes_at_most(std::size_t most) const;
  bool wants_continue() const;
  bool keep_alive() const;

  int status() const;
  const std::string& detail() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pandun::api::http
