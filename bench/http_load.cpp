// Load for POST /api/v1/decisions/call over loopback, keep-alive; and a server that answers as much and decides nothing.
//
//   http_load --to 127.0.0.1:PORT [--rate 60000 | --rate 0] [--connections 16] [--seconds 3]     token in PANDUN_TOKEN
//   http_load --floor PORT                                                                        one thread, Asio, no parsing
//
// Open loop: calls are due at `rate` and counted from the moment they were due; each goes out by a connection that has none
// waiting. Rate 0: closed loop, each connection asks again at once. One thread, which never sleeps. Prints one JSON object.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000, kWarm = kSecond / 4;

std::uint64_t now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * kSecond + static_cast<std::uint64_t>(t.tv_nsec);
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// The end of a message whose length its head states; 0: not whole yet.
std::size_t whole(std::string_view bytes) {
  const std::size_t head = bytes.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  std::size_t length = 0;
  if (const std::size_t at = bytes.substr(0, head).find("Content-Length: "); at != std::string_view::npos)
    length = std::strtoull(bytes.data() + at + 16, nullptr, 10);
  return bytes.size() >= head + 4 + length ? head + 4 + length : 0;
}

struct Connection {
  int fd = -1;
  bool waiting = false;
  std::uint64_t due = 0;
  std::string in{};
};

Connection connect_to(std::uint16_t port) {
  Connection out;
  out.fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(out.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  const int one = 1;
  setsockopt(out.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return out;
}

int run(std::uint16_t port, double rate, std::size_t connections, double seconds) {
  const char* const token = std::getenv("PANDUN_TOKEN");
  std::vector<Connection> all;
  for (std::size_t i = 0; i < connections; ++i) all.push_back(connect_to(port));
  const std::string head = "POST /api/v1/decisions/call HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                           "\r\nAuthorization: Bearer " + (token == nullptr ? "" : token) +
                           "\r\nContent-Type: application/json\r\nContent-Length: ";
  std::vector<std::uint32_t> latencies;
  latencies.reserve(static_cast<std::size_t>(seconds * 400'000));
  std::uint64_t sent = 0, answered = 0, refused = 0;
  const std::uint64_t start = now(), end = start + static_cast<std::uint64_t>(seconds * 1e9);
  char body[160], request[1024], chunk[16384];
  std::size_t turn = 0;
  for (std::uint64_t t = start; t < end; t = now()) {
    for (std::size_t i = 0; i < connections; ++i) {
      Connection& one = all[(turn + i) % connections];
      if (one.waiting) {
        const ssize_t got = recv(one.fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) fail("the server closed a connection");
        if (got < 0) continue;
        one.in.append(chunk, static_cast<std::size_t>(got));
        if (whole(one.in) == 0) continue;
        if (!one.in.starts_with("HTTP/1.1 200")) ++refused;
        one.in.clear();
        one.waiting = false;
        ++answered;
        t = now();
        if (t - start > kWarm)
          latencies.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(t - one.due, ~0U)));
      }
      const std::uint64_t due =
          rate > 0 ? start + static_cast<std::uint64_t>(static_cast<double>(sent) / rate * 1e9) : now();
      if (due > t && rate > 0) continue;
      const int length = std::snprintf(
          body, sizeof body, "{\"caller\":\"+86138%08llu\",\"callee\":\"+86139%08llu\",\"route\":\"intra-1\"}",
          static_cast<unsigned long long>(sent * 7919 % 100'000),
          static_cast<unsigned long long>(sent * 104'729 % 100'000'000));
      const int size = std::snprintf(request, sizeof request, "%s%d\r\n\r\n%s", head.c_str(), length, body);
      if (send(one.fd, request, static_cast<std::size_t>(size), 0) != size) fail("send");
      one.due = due;
      one.waiting = true;
      ++sent;
    }
    ++turn;
  }
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double part) {
    return latencies.empty()
               ? 0.0
               : latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))] / 1e3;
  };
  std::printf(
      "{\"per_s\":%.0f,\"answered\":%llu,\"refused\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%"
      ".1f}\n",
      static_cast<double>(answered) / seconds, static_cast<unsigned long long>(answered),
      static_cast<unsigned long long>(refused), at(0.5), at(0.99), at(0.999), at(1));
  return 0;
}

namespace asio = boost::asio;

// What the interface's own server is built on, and nothing above it.
struct Echo : std::enable_shared_from_this<Echo> {
  explicit Echo(asio::ip::tcp::socket s) : socket(std::move(s)) {}
  void read() {
    socket.async_read_some(asio::buffer(chunk),
                           [self = shared_from_this()](boost::system::error_code bad, std::size_t n) {
                             if (bad) return;
                             self->in.append(self->chunk.data(), n);
                             const std::size_t end = whole(self->in);
                             if (end == 0) return self->read();
                             self->in.erase(0, end);
                             self->write();
                           });
  }
  void write() {
    static const std::string answer = [] {
      const std::string text(240, 'x');
      return "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: application/json\r\n"
             "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: " +
             std::to_string(text.size()) + "\r\nConnection: keep-alive\r\n\r\n" + text;
    }();
    socket.async_write_some(asio::buffer(answer),
                            [self = shared_from_this()](boost::system::error_code bad, std::size_t) {
                              if (!bad) self->read();
                            });
  }
  asio::ip::tcp::socket socket;
  std::array<char, 16384> chunk{};
  std::string in{};
};

int floor(std::uint16_t port) {
  asio::io_context io(1);
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), port});
  const auto accept = [&](const auto& again) -> void {
    acceptor.async_accept([&, again](boost::system::error_code bad, asio::ip::tcp::socket socket) {
      if (bad) return;
      socket.set_option(asio::ip::tcp::no_delay(true));
      std::make_shared<Echo>(std::move(socket))->read();
      again(again);
    });
  };
  accept(accept);
  std::puts("ready");
  std::fflush(stdout);
  io.run();
  return 0;
}

}  // namespace

int main(int count, char** words) {
  std::uint16_t port = 0;
  double rate = 60'000, seconds = 3;
  std::size_t connections = 16;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view word = words[i], value = words[i + 1];
    if (word == "--floor") return floor(static_cast<std::uint16_t>(std::atoi(words[i + 1])));
    if (word == "--to" && value.starts_with("127.0.0.1:"))
      port = static_cast<std::uint16_t>(std::atoi(words[i + 1] + 10));
    if (word == "--rate") rate = std::atof(words[i + 1]);
    if (word == "--connections") connections = static_cast<std::size_t>(std::clamp(std::atoi(words[i + 1]), 1, 1000));
    if (word == "--seconds") seconds = std::clamp(std::atof(words[i + 1]), 0.3, 600.0);
  }
  if (port == 0) {
    std::fputs("http_load --to 127.0.0.1:PORT [--rate N] [--connections N] [--seconds S] | --floor PORT\n", stderr);
    return 2;
  }
  return run(port, rate, connections, seconds);
}
