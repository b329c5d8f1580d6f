#include "platform/datagram_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace pandun::platform {
namespace {

constexpr std::size_t kRoomBytes = std::size_t{256} << 10;
// Buffers begin at different lines of their pages: at the same one they would push each other out of the processor's caches.
constexpr std::size_t kStride = DatagramSocket::kDatagramMax + 17 * 64;

std::chrono::nanoseconds now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

SocketAddress address_of(const sockaddr_storage& from) {
  SocketAddress out;
  if (from.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &from, sizeof v4);
    out.bytes[10] = out.bytes[11] = 0xff;
    std::memcpy(&out.bytes[12], &v4.sin_addr, 4);
    out.port = ntohs(v4.sin_port);
  } else {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    std::memcpy(out.bytes.data(), &v6.sin6_addr, 16);
    out.port = ntohs(v6.sin6_port);
  }
  return out;
}

socklen_t address_to(const SocketAddress& to, bool v6, sockaddr_storage& out) {
  out = {};
  if (v6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(to.port);
    std::memcpy(&address.sin6_addr, to.bytes.data(), 16);
    std::memcpy(&out, &address, sizeof address);
    return sizeof address;
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to.port);
  std::memcpy(&address.sin_addr, &to.bytes[12], 4);
  std::memcpy(&out, &address, sizeof address);
  return sizeof address;
}

bool v4_mapped(const SocketAddress& address) {
  static constexpr unsigned char kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address.bytes.data(), kPrefix, 12) == 0;
}

Error failure(const DatagramOptions& options, std::string_view what) {
  const int code = errno;
  return error(code == EADDRINUSE ? Errc::kUnavailable : Errc::kIo,
               fmt::format("udp {}:{}", options.address, options.port),
               fmt::format("{}: {}", what, std::strerror(code)));
}

bool option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// A socket filter of UDP sees the UDP header first: the payload begins at 8.
bool attach_ack_filter(int fd) {
  sock_filter code[] = {{0x20, 0, 0, 8}, {0x15, 0, 1, 0x41434b20}, {6, 0, 0, 0}, {6, 0, 0, 0xffffffff}};
  const sock_fprog program{4, code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

}  // namespace

struct DatagramSocket::Buffers {
  using Control = std::array<char, CMSG_SPACE(sizeof(timespec))>;
  std::unique_ptr<char[]> in{new char[kBatch * kStride]};  // not touched before a datagram comes
  std::array<mmsghdr, kBatch> in_heads{};
  std::array<iovec, kBatch> in_parts{};
  std::array<sockaddr_storage, kBatch> in_from{};
  alignas(cmsghdr) std::array<Control, kBatch> in_control{};
  timespec taken{};

  std::unique_ptr<char[]> out{new char[kRoomBytes]};
  std::size_t out_used = 0, out_count = 0;
  std::array<mmsghdr, kBatch> out_heads{};
  std::array<iovec, kBatch> out_parts{};
  std::array<sockaddr_storage, kBatch> out_to{};

  Buffers() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      in_parts[i] = {in.get() + i * kStride, kDatagramMax};
      msghdr& head = in_heads[i].msg_hdr;
      head.msg_iov = &in_parts[i];
      head.msg_iovlen = 1;
      head.msg_name = &in_from[i];
      head.msg_control = in_control[i].data();
      out_heads[i].msg_hdr.msg_iov = &out_parts[i];
      out_heads[i].msg_hdr.msg_iovlen = 1;
      out_heads[i].msg_hdr.msg_name = &out_to[i];
    }
  }
};

DatagramSocket::DatagramSocket(int fd, bool v6) : fd_(fd), v6_(v6), buffers_(std::make_unique<Buffers>()) {}

DatagramSocket::~DatagramSocket() {
  close(fd_);
}

Result<std::unique_ptr<DatagramSocket>> DatagramSocket::open(const DatagramOptions& options) {
  SocketAddress local;
  local.port = options.port;
  const bool v6 = options.address.find(':') != std::string::npos;
  if (inet_pton(v6 ? AF_INET6 : AF_INET, options.address.c_str(), v6 ? &local.bytes[0] : &local.bytes[12]) != 1)
    return error(Errc::kBadConfig, fmt::format("udp {}", options.address), "is not an address");
  const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure(options, "no socket");
  std::unique_ptr<DatagramSocket> out(new DatagramSocket(fd, v6));
  out->poll_ = options.poll;
  if (options.reuse_port && !option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return failure(options, "SO_REUSEPORT");
  if (v6) option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  const int wanted = static_cast<int>(options.receive_buffer_bytes);
  if (!option(fd, SOL_SOCKET, SO_RCVBUFFORCE, wanted)) option(fd, SOL_SOCKET, SO_RCVBUF, wanted);
  option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  // "Don't fragment" spares the kernel a number for each packet; flush() takes it back for an answer that needs two.
  if (!v6) option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
  if (options.drop_acks && !attach_ack_filter(fd)) return failure(options, "the ACK filter");
  // wake() is enough on Linux; the timeout is there should it ever not be.
  const timeval second{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);

  sockaddr_storage address{};
  const socklen_t length = address_to(local, v6, address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0) return failure(options, "cannot listen");
  socklen_t bound = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bound) != 0) return failure(options, "getsockname");
  out->port_ = address_of(address).port;
  int granted = 0;
  socklen_t granted_size = sizeof granted;
  getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &granted_size);
  out->receive_buffer_ = static_cast<std::size_t>(granted) / 2;  // the kernel doubles what it was told
  return out;
}

void DatagramSocket::make_ready() {
  for (mmsghdr& head : buffers_->in_heads) {
    head.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    head.msg_hdr.msg_controllen = sizeof(Buffers::Control);
  }
}

std::size_t DatagramSocket::took(int count) {
  clock_gettime(CLOCK_REALTIME, &buffers_->taken);  // the clock of the kernel's stamps
  return static_cast<std::size_t>(count);
}

std::size_t DatagramSocket::try_receive() {
  if (woken_.load(std::memory_order_acquire)) return 0;
  make_ready();
  const int count = recvmmsg(fd_, buffers_->in_heads.data(), kBatch, MSG_DONTWAIT, nullptr);
  return count > 0 ? took(count) : 0;
}

std::size_t DatagramSocket::receive() {
  Buffers& b = *buffers_;
  for (;;) {
    if (woken_.load(std::memory_order_acquire)) return 0;
    make_ready();
    int count = poll_for_some();
    if (count <= 0) {
      const auto from = poll_.count() == 0 ? std::chrono::nanoseconds(0) : now();
      count = recvmmsg(fd_, b.in_heads.data(), kBatch, MSG_WAITFORONE, nullptr);
      busy_ = poll_.count() != 0 && count > 0 && now() - from < poll_;
    }
    if (count > 0) return took(count);
    // A timeout, a signal, or the error of an earlier send: the next one may well come.
  }
}

// Only while it is worth it: after one vain look the next wait sleeps.
int DatagramSocket::poll_for_some() {
  if (!busy_) return 0;
  const auto end = now() + poll_;
  do {
    const int count = recvmmsg(fd_, buffers_->in_heads.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count > 0) return count;
  } while (now() < end && !woken_.load(std::memory_order_acquire));
  busy_ = false;
  return 0;
}

DatagramSocket::Datagram DatagramSocket::at(std::size_t i) const {
  Buffers& b = *buffers_;
  Datagram out{{static_cast<const char*>(b.in_parts[i].iov_base), b.in_heads[i].msg_len},
               address_of(b.in_from[i]),
               std::chrono::nanoseconds(0)};
  for (cmsghdr* c = CMSG_FIRSTHDR(&b.in_heads[i].msg_hdr); c != nullptr; c = CMSG_NXTHDR(&b.in_heads[i].msg_hdr, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamped{};
    std::memcpy(&stamped, CMSG_DATA(c), sizeof stamped);
    const std::int64_t age = (b.taken.tv_sec - stamped.tv_sec) * 1'000'000'000 + (b.taken.tv_nsec - stamped.tv_nsec);
    out.age = std::chrono::nanoseconds(age < 0 ? 0 : age);
  }
  return out;
}

std::span<char> DatagramSocket::room(std::size_t bytes) {
  Buffers& b = *buffers_;
  if (b.out_count == kBatch || kRoomBytes - b.out_used < bytes) flush();
  return {b.out.get() + b.out_used, kRoomBytes - b.out_used};
}

void DatagramSocket::send(std::size_t bytes, const SocketAddress& to) {
  Buffers& b = *buffers_;
  if (!v6_ && !v4_mapped(to)) {
    ++refused_;
    return;
  }
  b.out_parts[b.out_count] = {b.out.get() + b.out_used, bytes};
  b.out_heads[b.out_count].msg_hdr.msg_namelen = address_to(to, v6_, b.out_to[b.out_count]);
  b.out_used += bytes;
  ++b.out_count;
}

bool DatagramSocket::send_in_fragments(std::size_t index) {
  if (v6_) return false;
  option(fd_, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  const bool sent = sendmsg(fd_, &buffers_->out_heads[index].msg_hdr, 0) >= 0;
  option(fd_, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
  return sent;
}

void DatagramSocket::flush() {
  Buffers& b = *buffers_;
  std::size_t sent = 0;
  while (sent < b.out_count) {
    const int count = sendmmsg(fd_, b.out_heads.data() + sent, static_cast<unsigned>(b.out_count - sent), 0);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      if (errno != EMSGSIZE || !send_in_fragments(sent)) ++refused_;  // this one; the others may still go
      ++sent;
    }
  }
  b.out_count = 0;
  b.out_used = 0;
}

void DatagramSocket::wake() {
  woken_.store(true, std::memory_order_release);
  shutdown(fd_, SHUT_RDWR);  // "not connected", and still every waiting reader wakes
}

}  // namespace pandun::platform
