#include "api/http/server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <mutex>

#include "api/testing/raw_client.h"
#include "platform/thread.h"

namespace pandun::api::http {
namespace {

using namespace std::chrono_literals;
using testing::RawAnswer;
using testing::RawClient;

// Feeds whatever the test pushes; overflows at 1 KiB.
class TestStream final : public ByteStream {
 public:
  void attach(std::function<void()> wake) override {
    const std::scoped_lock lock(mutex_);
    wake_ = std::move(wake);
    attached = true;
  }
  void detach() override {
    const std::scoped_lock lock(mutex_);
    wake_ = nullptr;
    attached = false;
  }
  State take(std::string& out) override {
    const std::scoped_lock lock(mutex_);
    out += waiting_;
    waiting_.clear();
    return ended_ ? State::kEnded : State::kOpen;
  }
  bool overflowed() const override { return overflowed_; }
  void quiet(std::string& out) override { out += "ping\n"; }

  void push(std::string_view bytes, std::size_t most = 1024) {
    const std::scoped_lock lock(mutex_);
    waiting_ += bytes;
    if (waiting_.size() > most) overflowed_ = true;
    if (wake_) wake_();
  }
  void end() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    if (wake_) wake_();
  }
  std::atomic<bool> attached{false};

 private:
  std::mutex mutex_;
  std::function<void()> wake_;
  std::string waiting_;
  bool ended_ = false;
  std::atomic<bool> overflowed_{false};
};

class TestHandler final : public Handler {
 public:
  Plan plan(const Request& head) override {
    Plan plan;
    plan.body_bytes_max = head.path == "/hello" ? 0 : 1024;
    plan.on_io_thread = head.path == "/hello";
    if (head.path == "/refuse") plan.refuse = problem(403, "refused before the body", head.id);
    return plan;
  }
  Response handle(Request& request) override {
    Response out;
    if (request.path == "/hello") {
      out.body = "hello " + std::string(name(request.method));
    } else if (request.path == "/echo") {
      out.body = request.body;
    } else if (request.path == "/slow") {
      while (!release) platform::pause({}, 1ms);
      out.body = "late";
    } else if (request.path == "/big") {
      out.body = std::string(8 << 20, 'x');
    } else if (request.path == "/throw") {
      throw std::bad_alloc();
    } else if (request.path == "/stream") {
      out.body = "first\n";
      out.stream = stream;
    } else {
      out = problem(404, "no such thing", request.id);
    }
    return out;
  }
  Response problem(int status, std::string detail, std::uint64_t) override {
    Response out;
    out.status = status;
    out.body = std::move(detail);
    return out;
  }
  std::atomic<bool> release{false};
  std::shared_ptr<TestStream> stream = std::make_shared<TestStream>();
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    options_.port = 0;
    options_.head_within = 300ms;
    options_.body_within = 300ms;
    options_.idle_for = 2000ms;
    options_.answer_within = 300ms;
    options_.write_within = 300ms;
    options_.quiet_for = 200ms;
  }
  ~ServerTest() override { handler_.release = true; }

  Server& start() {
    auto server = Server::start(options_, handler_, platform::system_clock(), platform::posix_files());
    EXPECT_TRUE(server.ok()) << server.error().text();
    server_ = std::move(*server);
    return *server_;
  }
  RawClient client() { return RawClient(server_->port()); }
  int status_of(std::string_view bytes) {
    RawClient c = client();
    c.send(bytes);
    return c.read_answer().status;
  }
  template <typename Condition>
  bool eventually(Condition condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) platform::pause({}, 1ms);
    return condition();
  }

  ServerOptions options_;
  TestHandler handler_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, KeepsAConnectionAndAnswersHead) {
  start();
  RawClient c = client();
  EXPECT_EQ(c.ask("GET", "/hello").body, "hello GET");
  const RawAnswer head = c.ask("HEAD", "/hello");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "10");
  EXPECT_EQ(c.ask("POST", "/echo", "", "body").body, "body");
  EXPECT_EQ(server_->stats().accepted, 1U);
  EXPECT_EQ(server_->stats().requests, 3U);
}

TEST_F(ServerTest, EveryAnswerCarriesTheSecurityHeaders) {
  start();
  for (const char* path : {"/hello", "/nothing"}) {
    RawClient c = client();
    const RawAnswer answer = c.ask("GET", path);
    EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
    const std::string csp = answer.headers.at("content-security-policy");
    EXPECT_NE(csp.find("default-src 'self'"), std::string::npos);
    EXPECT_NE(csp.find("frame-ancestors 'none'"), std::string::npos);
    EXPECT_EQ(csp.find("script-src"), std::string::npos);
    EXPECT_EQ(answer.headers.at("referrer-policy"), "no-referrer");
    EXPECT_EQ(answer.headers.at("cross-origin-opener-policy"), "same-origin");
    EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
    EXPECT_FALSE(answer.headers.contains("strict-transport-security"));
    EXPECT_EQ(answer.headers.at("date").size(), 29U);
  }
}

TEST_F(ServerTest, PipelinedAnswersKeepTheirOrder) {
  start();
  RawClient c = client();
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    const std::string body = std::to_string(i);
    requests += i % 2 == 0 ? "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"
                           : "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(body.size()) +
                                 "\r\n\r\n" + body;
  }
  c.send(requests);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(c.read_answer().body, i % 2 == 0 ? "hello GET" : std::to_string(i));
}

TEST_F(ServerTest, TakesARequestByteByByte) {
  start();
  RawClient c = client();
  for (const char byte : std::string("\r\nPOST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n")) {
    c.send({&byte, 1});
  }
  EXPECT_EQ(c.read_answer().body, "abcde");
  for (const char byte : std::string("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) {
    c.send({&byte, 1});
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // each in a read of its own
  }
  EXPECT_EQ(c.read_answer().body, "");
  EXPECT_EQ(c.ask("GET", "/hello").status, 200);
}

TEST_F(ServerTest, RefusesWhatIsMalformed) {
  start();
  const std::string host = "Host: t\r\n\r\n";
  EXPECT_EQ(status_of("rubbish\r\n\r\n"), 400);
  EXPECT_EQ(status_of(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15)),
            400);                                            // TLS at a plain port
  EXPECT_EQ(status_of("GET /hello HTTP/1.1\r\n\r\n"), 400);  // no Host
  EXPECT_EQ(status_of("GET /hello HTTP/1.1\r\nHost: a\r\n" + host), 400);
  EXPECT_EQ(status_of("GET /../etc/passwd HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("GET /%2e%2e/etc/passwd HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("GET /a%2fb HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("GET /a%00b HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("GET /%ff HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("GET hello HTTP/1.1\r\n" + host), 400);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n" + host), 400);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" + host), 400);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nContent-Length: -1\r\n" + host), 400);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n" + host), 400);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" + host), 501);
  EXPECT_EQ(status_of("BREW /hello HTTP/1.1\r\n" + host), 501);
  EXPECT_EQ(status_of("GET /hello HTTP/2.0\r\n" + host), 505);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nExpect: tea\r\nContent-Length: 1\r\n" + host), 417);
  EXPECT_EQ(status_of("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n" + host), 414);
  EXPECT_EQ(status_of("GET /hello HTTP/1.1\r\nX: " + std::string(17'000, 'a') + "\r\n" + host), 431);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nContent-Length: 1025\r\n" + host), 413);
  // Where none is taken no smaller one would do: 400 and what to do, not 413.
  EXPECT_EQ(status_of("GET /hello HTTP/1.1\r\nContent-Length: 1\r\n" + host), 400);
  EXPECT_EQ(status_of("GET /hello HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: t\r\n\r\n1\r\nx\r\n"), 400);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: t\r\n\r\n500\r\n" +
                      std::string(0x500, 'a')),
            413);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: t\r\n\r\nzz\r\n"), 400);
  EXPECT_GE(server_->stats().bad_requests, 20U);
}

TEST_F(ServerTest, ReadsAbsoluteTargetsAndHttp10) {
  start();
  RawClient c = client();
  EXPECT_EQ(c.ask("GET", "http://test:1/hello?x=1").body, "hello GET");
  RawClient old = client();
  old.send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read_answer().body, "hello GET");
  EXPECT_TRUE(old.at_end());
}

TEST_F(ServerTest, Says100OnlyWhenTheBodyIsWanted) {
  start();
  RawClient c = client();
  c.send("POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(c.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("ok");
  EXPECT_EQ(c.read_answer().body, "ok");
  c.send("POST /refuse HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  const RawAnswer refused = c.read_answer();
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.headers.at("connection"), "close");  // its body must not be taken for a request
  EXPECT_TRUE(c.at_end());
}

TEST_F(ServerTest, SlowPeersAreToldAndClosed) {
  start();
  RawClient head = client();
  head.send("GET /hello HT");
  RawClient body = client();
  body.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab");
  RawClient silent = client();
  EXPECT_EQ(head.read_answer().status, 408);
  EXPECT_EQ(body.read_answer().status, 408);
  EXPECT_TRUE(silent.at_end());
  EXPECT_EQ(server_->stats().timeouts, 2U);
}

TEST_F(ServerTest, AHandlerThatTakesTooLongIsAnswered503AndTheLateAnswerIsDropped) {
  start();
  RawClient c = client();
  EXPECT_EQ(c.ask("GET", "/slow").status, 503);
  handler_.release = true;
  EXPECT_TRUE(c.at_end());
  RawClient next = client();
  EXPECT_EQ(next.ask("GET", "/hello").status, 200);
}

TEST_F(ServerTest, AThrowingHandlerFailsOneRequestOnly) {
  start();
  RawClient c = client();
  EXPECT_EQ(c.ask("GET", "/throw").status, 500);
  EXPECT_EQ(c.ask("GET", "/hello").status, 200);
}

TEST_F(ServerTest, ShedsWhenTheWorkersAreBusy) {
  options_.workers = 1;
  options_.worker_queue_max = 1;
  options_.answer_within = 5000ms;
  start();
  std::vector<RawClient> clients;
  int busy = 0;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(client());
    clients.back().send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
  }
  EXPECT_TRUE(eventually([&] { return server_->stats().overloaded >= 2; }));
  RawClient quick = client();
  EXPECT_EQ(quick.ask("GET", "/hello").status, 200);  // io threads are not held up
  handler_.release = true;
  for (RawClient& c : clients) {
    const RawAnswer answer = c.read_answer();
    busy += answer.status == 503 && answer.headers.at("retry-after") == "1" ? 1 : 0;
  }
  EXPECT_GE(busy, 2);  // 3 when the third came before the worker took the first
  EXPECT_LE(busy, 3);
}

TEST_F(ServerTest, BodiesOnTheirWayShareOneBound) {
  options_.bodies_bytes_max = 1500;
  options_.body_within = 5000ms;
  start();
  RawClient first = client();
  first.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nab");
  EXPECT_TRUE(eventually([&] { return server_->stats().requests == 1; }));
  RawClient second = client();
  second.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nab");
  EXPECT_EQ(second.read_answer().status, 503);
  first.send(std::string(998, 'c'));
  EXPECT_EQ(first.read_answer().status, 200);
  RawClient third = client();
  EXPECT_EQ(third.ask("POST", "/echo", "", std::string(1000, 'd')).status, 200);
  third.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nab");
  third.reset();  // what it announced is given back
  EXPECT_TRUE(eventually([&] { return client().ask("POST", "/echo", "", std::string(1000, 'd')).status == 200; }));
}

TEST_F(ServerTest, APeerThatDoesNotReadIsClosed) {
  start();
  RawClient c = client();
  c.send("GET /big HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return server_->stats().timeouts == 1; }));
  EXPECT_TRUE(eventually([&] { return server_->stats().connections == 0; }));
}

TEST_F(ServerTest, LargeAnswersArriveWhole) {
  start();
  RawClient c = client();
  EXPECT_EQ(c.ask("GET", "/big").body.size(), 8U << 20);
}

TEST_F(ServerTest, AbruptPeersLeaveNothingBehind) {
  start();
  for (int i = 0; i < 50; ++i) {
    RawClient c = client();
    if (i % 3 == 1) c.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab");
    if (i % 3 == 2) c.send("GET /big HTTP/1.1\r\nHost: t\r\n\r\n");
    if (i % 2 == 0) c.reset();
  }
  EXPECT_TRUE(eventually([&] { return server_->stats().connections == 0; }));
  RawClient c = client();
  EXPECT_EQ(c.ask("GET", "/hello").status, 200);
}

TEST_F(ServerTest, HoldsAThousandConnections) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2200) GTEST_SKIP() << "needs 2200 file descriptors, this system gives " << files.rlim_cur;
  options_.idle_for = 20'000ms;
  options_.head_within = 20'000ms;
  start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(client());
  for (RawClient& c : clients) ASSERT_EQ(c.ask("GET", "/hello").status, 200);
  EXPECT_EQ(server_->stats().connections, 1000U);
  for (RawClient& c : clients) ASSERT_EQ(c.ask("GET", "/hello").status, 200);
}

TEST_F(ServerTest, RefusesConnectionsOverTheLimit) {
  options_.connections_max = 3;
  start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(client());
    EXPECT_EQ(clients.back().ask("GET", "/hello").status, 200);
  }
  RawClient fourth = client();
  EXPECT_TRUE(fourth.at_end());
  EXPECT_EQ(server_->stats().refused, 1U);
  clients.pop_back();
  EXPECT_TRUE(eventually([&] { return server_->stats().connections == 2; }));
  RawClient again = client();
  EXPECT_EQ(again.ask("GET", "/hello").status, 200);
}

TEST_F(ServerTest, StreamsWithoutAThreadAndPingsWhenQuiet) {
  options_.workers = 1;
  start();
  RawClient c = client();
  c.send("GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_NE(c.read_until("first\n").find("200 OK"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return handler_.stream->attached.load(); }));
  RawClient other = client();
  EXPECT_EQ(other.ask("POST", "/echo", "", "free").body, "free");  // the one worker is free
  handler_.stream->push("second\n");
  EXPECT_EQ(c.read_until("second\n"), "second\n");
  EXPECT_EQ(c.read_until("ping\n"), "ping\n");
  EXPECT_EQ(server_->stats().streams, 1U);
  handler_.stream->end();
  c.read_until("never");
  EXPECT_TRUE(eventually([&] { return server_->stats().streams == 0; }));
}

TEST_F(ServerTest, ASlowStreamConsumerIsDroppedAndCounted) {
  start();
  RawClient c = client();
  c.send("GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
  c.read_until("first\n");
  EXPECT_TRUE(eventually([&] { return handler_.stream->attached.load(); }));
  handler_.stream->push(std::string(2000, 'x'));
  EXPECT_TRUE(eventually([&] { return server_->stats().streams_dropped == 1; }));
  EXPECT_TRUE(eventually([&] { return !handler_.stream->attached; }));
}

TEST_F(ServerTest, AStreamWhosePeerLeavesIsDetached) {
  start();
  {
    RawClient c = client();
    c.send("GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
    c.read_until("first\n");
    EXPECT_TRUE(eventually([&] { return handler_.stream->attached.load(); }));
  }
  EXPECT_TRUE(eventually([&] { return !handler_.stream->attached; }));
  EXPECT_EQ(server_->stats().streams_dropped, 0U);
}

TEST_F(ServerTest, DrainFinishesWhatRunsAndEndsStreams) {
  options_.answer_within = 5000ms;
  start();
  RawClient idle = client();
  EXPECT_EQ(idle.ask("GET", "/hello").status, 200);
  RawClient busy = client();
  busy.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
  RawClient streaming = client();
  streaming.send("GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
  streaming.read_until("first\n");
  EXPECT_TRUE(eventually([&] { return server_->stats().requests == 3; }));
  auto release = platform::start_thread("release", [&](const std::stop_token& stop) {
    platform::pause(stop, 50ms);
    handler_.release = true;
  });
  server_->drain();
  const RawAnswer answer = busy.read_answer();
  EXPECT_EQ(answer.body, "late");
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(streaming.at_end());
  EXPECT_FALSE(client().connected());
}

TEST_F(ServerTest, SaysWhyItCannotListen) {
  Server& first = start();
  options_.port = first.port();
  auto second = Server::start(options_, handler_, platform::system_clock(), platform::posix_files());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Errc::kUnavailable);
  options_.address = "example.com";
  auto third = Server::start(options_, handler_, platform::system_clock(), platform::posix_files());
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().code, Errc::kUsage);
}

}  // namespace
}  // namespace pandun::api::http
