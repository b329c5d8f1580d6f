// HTTP as handlers see it: plain requests and responses, no sockets.
//
// Threads  plain values. A ByteStream is pulled by one connection and fed by anybody.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pandun::api::http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
std::string_view name(Method method);

struct Header {
  std::string name, value;
};

struct QueryItem {
  std::string name, value;  // percent-decoded, + is a space
};

struct Request {
  Method method = Method::kGet;
  std::string path;  // percent-decoded; no ".", "..", empty or encoded-slash segment can stand in it
  std::vector<QueryItem> query;
  std::vector<Header> headers;  // names in lower case, in the order sent
  std::string body;
  std::string peer;  // address without port
  bool peer_is_loopback = false;
  bool tls = false;
  std::uint64_t id = 0;  // of the request, unique in this process; shown as X-Request-Id

  std::string_view header(std::string_view lower_name) const;  // the first; "" if absent
  std::string_view cookie(std::string_view name) const;        // of a well-formed Cookie header; "" if absent
};

// An endless body, such as server-sent events. It costs no thread: the connection pulls when woken.
class ByteStream {
 public:
  enum class State : std::uint8_t { kOpen, kEnded };
  virtual ~ByteStream() = default;
  // `wake` may be called from any thread whenever there may be something to take or the stream ended.
  virtual void attach(std::function<void()> wake) = 0;
  virtual void detach() = 0;                 // afterwards `wake` is never called again
  virtual State take(std::string& out) = 0;  // appends what there is; kEnded: send `out`, then close
  virtual bool overflowed() const = 0;       // the consumer was too slow: close at once
  virtual void quiet(std::string& out) = 0;  // nothing was sent for a while: append a sign of life
};

struct Response {
  int status = 200;
  std::vector<Header> headers;
  std::string body;
  std::shared_ptr<const std::string> shared_body;  // instead of `body`
  std::shared_ptr<ByteStream> stream;              // after `body`; no Content-Length, the connection closes at its end
  bool close = false;

  Response& with(std::string header_name, std::string value) {
    headers.push_back({std::move(header_name), std::move(value)});
    return *this;
  }
};

std::string_view reason_phrase(int status);

// What to do with a request whose head is known and whose body is not yet read.
struct Plan {
  std::size_t body_bytes_max = 0;
  bool on_io_thread = false;       // handle() returns within microseconds and never blocks
  std::optional<Response> refuse;  // answer now; the body is not read
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual Plan plan(const Request& head) = 0;  // on an io thread: must not block
  virtual Response handle(Request& request) = 0;
  // For faults found before a handler could run: 400, 408, 413, 431, 501, 503, 505…
  virtual Response problem(int status, std::string detail, std::uint64_t request_id) = 0;
};

}  // namespace pandun::api::http
