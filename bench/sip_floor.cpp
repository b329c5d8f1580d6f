// The floor: what a redirect costs when nothing is decided. Copies the fields that an answer needs, and sends it back; no reading of what they
// mean, no memory, no rules.
//
//   sip_floor PORT [--keep-acks] [--single] [--poll US]
//
// ACK is dropped by the kernel's filter unless kept, as the SIP door does. In batches, as the SIP door; --single takes and sends one datagram
// at a time, as most hand-written servers do. --poll looks for the next datagram before it sleeps, as decide.sip.poll_us does.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "platform/datagram_socket.h"

namespace {

using pandun::platform::DatagramOptions;
using pandun::platform::DatagramSocket;

class Out {
 public:
  explicit Out(std::span<char> room) : room_(room) {}
  void put(std::string_view text) {
    std::memcpy(room_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }
  std::size_t used() const { return used_; }

 private:
  std::span<char> room_;
  std::size_t used_ = 0;
};

std::size_t redirect(std::string_view in, std::span<char> room) {
  if (!in.starts_with("INVITE ")) return 0;
  Out out(room);
  out.put("SIP/2.0 302 Moved Temporarily\r\n");
  for (std::size_t at = in.find('\n') + 1; at < in.size();) {
    const std::size_t end = in.find('\n', at);
    if (end == std::string_view::npos || in[at] == '\r') break;
    const std::string_view line = in.substr(at, end + 1 - at);
    if (line.starts_with("Via:") || line.starts_with("From:") || line.starts_with("Call-ID:") ||
        line.starts_with("CSeq:")) {
      out.put(line);
    } else if (line.starts_with("To:")) {
      out.put(line.substr(0, line.size() - 2));
      out.put(";tag=floor\r\n");
    }
    at = end + 1;
  }
  out.put("Contact: <sip:next@127.0.0.1:5090>\r\nContent-Length: 0\r\n\r\n");
  return out.used();
}

int one_by_one(const DatagramOptions& options) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const int bytes = 16 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("bind");
    return 1;
  }
  std::string in(65536, '\0'), out(65536 + 2048, '\0');
  for (;;) {
    socklen_t length = sizeof address;
    const ssize_t got = recvfrom(fd, in.data(), in.size(), 0, reinterpret_cast<sockaddr*>(&address), &length);
    if (got <= 0) continue;
    const std::size_t size = redirect({in.data(), static_cast<std::size_t>(got)}, out);
    if (size != 0) sendto(fd, out.data(), size, 0, reinterpret_cast<const sockaddr*>(&address), length);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return 2;
  DatagramOptions options;
  options.port = static_cast<std::uint16_t>(std::atoi(words[1]));
  options.drop_acks = true;
  bool single = false;
  for (int i = 2; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--keep-acks") options.drop_acks = false;
    if (word == "--single") single = true;
    if (word == "--poll" && i + 1 < count) options.poll = std::chrono::microseconds(std::atoi(words[++i]));
  }
  if (single) return one_by_one(options);
  auto socket = DatagramSocket::open(options);
  if (!socket.ok()) {
    std::fprintf(stderr, "%s\n", socket.error().text().c_str());
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  while (const std::size_t datagrams = (*socket)->receive()) {
    for (std::size_t i = 0; i < datagrams; ++i) {
      const auto in = (*socket)->at(i);
      const std::size_t bytes = redirect(in.bytes, (*socket)->room(in.bytes.size() + 2048));
      if (bytes != 0) (*socket)->send(bytes, in.from);
    }
    (*socket)->flush();
  }
  return 0;
}
