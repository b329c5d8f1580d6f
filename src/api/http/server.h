// The HTTP/1.1 server: a few io threads, a small worker pool, no thread per connection.
//
// Shape    one acceptor deals sockets to the io threads in turn; a connection stays on its thread. One request of a
//          connection is handled at a time, so pipelined answers keep their order. Streams cost no thread.
// Errors   start(): kUsage (address), kUnavailable (port taken), kBadConfig or kIo (TLS files).
// Threads  start() and the destructor from one thread; stats() and drain() from any. The handler is called from io threads
//          (plan(), and handle() where the plan says so) and from workers.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "api/http/message.h"
#include "base/result.h"
#include "platform/clock.h"
#include "platform/file_system.h"

namespace pandun::api::http {

struct ServerOptions {
  std::string address = "127.0.0.1";  // an IP address
  std::uint16_t port = 8480;          // 0: any free one; see Server::port()
  unsigned io_threads = 2, workers = 4;
  std::size_t worker_queue_max = 256;  // more are answered 503
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t bodies_bytes_max = 64 << 20;  // of all connections together; more are answered 503
  std::size_t connections_max = 4096;
  std::size_t connections_per_address_max = 512;  // not for loopback, where a reverse proxy stands
  std::chrono::milliseconds head_within{10'000};  // from a request's first byte, or from the accept, to the empty line
  std::chrono::milliseconds body_within{60'000};
  std::chrono::milliseconds idle_for{75'000};       // between requests of one connection
  std::chrono::milliseconds answer_within{30'000};  // what the handler may take
  std::chrono::milliseconds write_within{30'000};   // without the peer taking a byte
  std::chrono::milliseconds quiet_for{15'000};      // a stream says a sign of life after so long
  std::chrono::milliseconds drain_within{5'000};
  std::string certificate_file, key_file;  // both: TLS
};

struct ServerStats {
  std::uint64_t accepted = 0, refused = 0, connections = 0, requests = 0;
  std::uint64_t bad_requests = 0, timeouts = 0, overloaded = 0, tls_failures = 0;
  std::uint64_t streams = 0, streams_dropped = 0;
  std::uint64_t answers_2xx = 0, answers_3xx = 0, answers_4xx = 0, answers_5xx = 0;
  std::string tls_fault;  // why the newest certificate files are not in force; empty if they are
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler& handler, platform::Clock& clock,
                                               platform::FileSystem& files);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  bool tls() const;
  ServerStats stats() const;
  // Takes no new connection, lets running requests end, ends streams; returns when done or after drain_within.
  void drain();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pandun::api::http
