// One peer: bytes in, requests out, answers back. Only server.cpp and connection.cpp see this file (it includes Asio).
//
// Threads  lives on its loop's thread; only the two posted entries (answer, wake) come from elsewhere, by post.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

#include "api/http/parser.h"
#include "api/http/server.h"
#include "api/http/tls.h"
#include "api/http/workers.h"

namespace pandun::api::http {

namespace asio = boost::asio;
using Nanoseconds = std::chrono::nanoseconds;

struct Counters {
  std::atomic<std::uint64_t> accepted{0}, refused{0}, connections{0}, requests{0}, bad_requests{0}, timeouts{0},
      overloaded{0}, tls_failures{0}, streams{0}, streams_dropped{0}, answers_2xx{0}, answers_3xx{0}, answers_4xx{0},
      answers_5xx{0};
};

// What all connections of a server share.
struct Shared {
  Shared(ServerOptions o, Handler& h, platform::Clock& c) : options(std::move(o)), handler(h), clock(c) {}
  ServerOptions options;
  Handler& handler;
  platform::Clock& clock;
  std::unique_ptr<TlsFiles> tls;
  std::unique_ptr<Workers> workers;
  Counters counters;
  std::atomic<std::uint64_t> next_request{1};
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> bodies_bytes{0};  // announced or held
  std::mutex addresses_mutex;
  std::map<std::string, std::size_t> addresses;  // live connections by peer
  std::condition_variable all_gone;              // with addresses_mutex
};

class Connection;

// One io thread's own things.
struct Loop {
  explicit Loop(Shared& s) : shared(s), io(1) {}
  Shared& shared;
  asio::io_context io;
  std::unordered_set<std::shared_ptr<Connection>> connections;
  Nanoseconds now{0};  // steady; refreshed by every tick and read
  std::string date;
  std::int64_t date_s = -1;
  void refresh();
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, Loop& loop, std::string peer, bool loopback);
  ~Connection();
  void start();
  bool due() const { return loop_.now > deadline_ || (phase_ == Phase::kStreaming && !writing_ && quiet_too_long()); }
  void tick();
  void drain();
  void close();

 private:
  enum class Phase : std::uint8_t { kIdle, kHead, kBody, kHandling, kWriting, kStreaming, kLingering, kClosed };

  void read();
  void on_read(std::size_t bytes);
  void process();
  void on_head();
  void dispatch();
  void answer(std::uint64_t request_id, Response response);
  void respond(Response response);
  void refuse(int status, std::string detail);
  void next_request();
  bool reserve_body();
  void release_body();
  void begin_stream(std::shared_ptr<ByteStream> stream);
  void pull();
  void linger();
  void queue(std::string_view clear);
  void pump();
  void on_written(std::size_t bytes);
  void on_flushed();
  void on_timeout();
  void deadline_in(std::chrono::milliseconds time) { deadline_ = loop_.now + time; }
  bool quiet_too_long() const { return loop_.now - last_sent_ > shared_.options.quiet_for; }
  Response handle(Request& request, std::uint64_t id);
  void count_answer(int status);

  asio::ip::tcp::socket socket_;
  Loop& loop_;
  Shared& shared_;
  std::string peer_;
  bool loopback_;
  std::unique_ptr<TlsSession> tls_;
  std::optional<RequestParser> parser_;
  Plan plan_;
  Phase phase_ = Phase::kIdle;
  bool reading_ = false, writing_ = false, keep_ = true, close_after_flush_ = false, was_established_ = false;
  Nanoseconds deadline_{0}, last_sent_{0};
  std::uint64_t request_id_ = 0;
  std::size_t lingered_ = 0, written_ = 0, body_bytes_ = 0;
  std::string in_, out_, wire_;  // clear bytes not yet parsed; bytes being written; bytes to write next
  std::shared_ptr<ByteStream> stream_;
  std::shared_ptr<std::atomic<bool>> wake_posted_;
  bool head_only_ = false;
  std::array<char, 8192> chunk_{};
};

}  // namespace pandun::api::http
