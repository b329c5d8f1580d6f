// SMPP load: an SMSC and an ESME in one program, with or without a gate between them.
//
//   sms_load smsc                              prints its port, answers everything at once, ends with its standard input
//   sms_load esme PORT COUNT WINDOW [RATE]     binds, sends COUNT messages with at most WINDOW unanswered (RATE a second, open
//                                              loop), prints {"messages","seconds","per_s","errors","p50_us","p99_us","p999_us"}
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "sms/bytes.h"
#include "sms/smpp_codec.h"

namespace {

using namespace pandun::sms;
using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(6);
}

sockaddr_in local(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

void no_delay(int socket) {
  const int one = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Calls take(frame) for each whole frame that a read gives.
class Stream {
 public:
  explicit Stream(int socket) : socket_(socket), chunk_(1 << 17) {}
  template <typename Take>
  bool read(Take&& take) {
    const ssize_t got = recv(socket_, chunk_.data(), chunk_.size(), 0);
    if (got <= 0) return false;
    in_.append(chunk_.data(), static_cast<std::size_t>(got));
    std::size_t used = 0;
    for (;;) {
      const std::string_view rest = std::string_view(in_).substr(used);
      const Framing framing = codec_.framing(rest);
      if (framing.bad) return false;
      if (framing.size == 0 || framing.size > rest.size()) break;
      take(codec_.read(rest.substr(0, framing.size)));
      used += framing.size;
    }
    in_.erase(0, used);
    return true;
  }

 private:
  int socket_;
  SmppCodec codec_;
  std::vector<char> chunk_;
  std::string in_;
};

void answer_all(int socket) {
  no_delay(socket);
  Stream stream(socket);
  std::string out;
  std::uint32_t next = 1;
  const auto answer = [&](const Frame& frame) {
    if (frame.kind == Kind::kAnswer || frame.kind == Kind::kRefused) return;
    char id[12];
    const int size = std::snprintf(id, sizeof id, "%08x", next++) + 1;
    const bool body = frame.kind != Kind::kLinkTest && frame.kind != Kind::kUnbind;
    write_smpp_header(out, body ? static_cast<std::uint32_t>(size) : 0, frame.command | smpp::kAnswerBit, 0,
                      frame.sequence);
    if (body) out.append(id, static_cast<std::size_t>(size));
  };
  while (stream.read(answer)) {
    if (!send_all(socket, out)) break;
    out.clear();
  }
  close(socket);
}

int serve() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = local(0);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 64) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    fail("listen");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  std::vector<std::jthread> threads;
  for (;;) {
    pollfd waits[] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    poll(waits, 2, -1);
    if (waits[1].revents != 0) std::_Exit(0);
    const int taken = accept(listener, nullptr, nullptr);
    if (taken >= 0) threads.emplace_back([taken] { answer_all(taken); });
  }
}

std::string submit(std::uint32_t sequence) {
  std::string body, out;
  Writer w(body);
  w.text("").u8(0).u8(1).text("10690001").u8(1).u8(1).text("86138" + std::to_string(10000000 + sequence % 1000000));
  w.u8(0).u8(0).u8(0).text("").text("").u8(1).u8(0).u8(0).u8(0);
  const std::string text =
      "Your code is " + std::to_string(100000 + sequence % 900000) + ", valid for 5 minutes. Do not tell anybody.";
  w.u8(static_cast<std::uint8_t>(text.size())).bytes(text);
  write_smpp_header(out, static_cast<std::uint32_t>(body.size()), smpp::kSubmit, 0, sequence);
  return out.append(body);
}

double at(const std::vector<float>& sorted, double share) {
  return sorted.empty()
             ? 0
             : static_cast<double>(sorted[std::min(
                   sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))]);
}

int drive(std::uint16_t port, std::uint32_t count, std::uint32_t window, double rate) {
  const int esme = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = local(port);
  if (connect(esme, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  no_delay(esme);
  Stream stream(esme);
  std::string bind, body;
  Writer(body).text("bank1").text("secret").text("").u8(0x34).u8(0).u8(0).text("");
  write_smpp_header(bind, static_cast<std::uint32_t>(body.size()), smpp::kBindTransceiver, 0, 1);
  if (!send_all(esme, bind + body)) fail("bind");
  bool bound = false;
  while (!bound)
    if (!stream.read([&](const Frame& frame) { bound = frame.status == 0; })) fail("bind");

  std::vector<Clock::time_point> sent(count);
  std::vector<float> took;
  took.reserve(count);
  std::uint32_t next = 0, open = 0, errors = 0;
  const auto start = Clock::now();
  const auto answered = [&](const Frame& frame) {
    if (frame.kind != Kind::kAnswer || frame.sequence < 2 || frame.sequence - 2 >= count) return;
    took.push_back(std::chrono::duration<float, std::micro>(Clock::now() - sent[frame.sequence - 2]).count());
    if (frame.status != 0) ++errors;
    --open;
  };
  std::string out;
  while (took.size() < count) {
    out.clear();
    const auto now = Clock::now();
    std::uint32_t due = count;
    if (rate > 0)
      due = static_cast<std::uint32_t>(
          std::min<double>(count, std::chrono::duration<double>(now - start).count() * rate + 1));
    while (next < due && open < window && out.size() < 60'000) {
      sent[next] = now;
      out += submit(next + 2);
      ++next;
      ++open;
    }
    if (!send_all(esme, out)) fail("send");
    if (rate > 0 && next < count && open < window) {
      pollfd wait{esme, POLLIN, 0};
      if (poll(&wait, 1, open == 0 ? 1 : 0) <= 0) continue;
    }
    if (open > 0 && !stream.read(answered)) fail("the far side closed");
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::sort(took.begin(), took.end());
  std::printf(
      "{\"messages\":%u,\"seconds\":%.3f,\"per_s\":%.0f,\"errors\":%u,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f}"
      "\n",
      count, seconds, count / seconds, errors, at(took, 0.5), at(took, 0.99), at(took, 0.999));
  close(esme);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "smsc") return serve();
  if (what == "esme" && argc >= 5)
    return drive(static_cast<std::uint16_t>(std::atoi(argv[2])), static_cast<std::uint32_t>(std::atoi(argv[3])),
                 static_cast<std::uint32_t>(std::atoi(argv[4])), argc > 5 ? std::atof(argv[5]) : 0);
  std::fprintf(stderr, "usage: sms_load smsc | sms_load esme PORT COUNT WINDOW [RATE]\n");
  return 2;
}
