// A UDP socket that reads and writes in batches.
//
// Shape    receive() fills up to kBatch datagrams in one call and blocks until there is one; answers are written into the
//          socket's own room and leave together with flush(), or when the room is full.
// Sharing  several sockets on one port (reuse_port): the kernel spreads senders over them, and one sender always reaches
//          the same one.
// Errors   open(): kUnavailable when the address is taken, kIo with the system's words. receive(): 0 after wake() or a stop.
//          An answer that the kernel refuses is counted, and not tried again, but for one that is too long for one packet.
// Threads  one owner; wake() from any thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pandun::platform {

// IPv4 as ::ffff:a.b.c.d, in the order of the wire.
struct SocketAddress {
  std::array<unsigned char, 16> bytes{};
  std::uint16_t port = 0;
};

struct DatagramOptions {
  std::string address = "127.0.0.1";  // textual; IPv6 without brackets
  std::uint16_t port = 0;             // 0 takes a free one
  bool reuse_port = false;
  std::size_t receive_buffer_bytes = 16U << 20;  // what the kernel grants stands in receive_buffer()
  bool drop_acks = false;                        // a kernel filter that never lets "ACK " through
  // While datagrams come closer together than this, receive() looks for the next one instead of sleeping: a sleeper is woken
  // some 10 microseconds late. It takes a whole processor for as long as they do.
  std::chrono::microseconds poll{0};
};

class DatagramSocket {
 public:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kDatagramMax = 65536;

  struct Datagram {
    std::string_view bytes;
    SocketAddress from;
    std::chrono::nanoseconds age;  // since the kernel had it
  };

  static Result<std::unique_ptr<DatagramSocket>> open(const DatagramOptions& options);
  ~DatagramSocket();
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;

  std::size_t receive();      // how many; at(i) until the next call
  std::size_t try_receive();  // the same without waiting: 0 when there are none
  Datagram at(std::size_t i) const;

  // Room for an answer of at least `bytes`; then send() what was written into it.
  std::span<char> room(std::size_t bytes);
  void send(std::size_t bytes, const SocketAddress& to);
  void flush();

  void wake();  // receive() returns 0 from now on
  std::uint16_t port() const { return port_; }
  std::size_t receive_buffer() const { return receive_buffer_; }
  std::uint64_t refused() const { return refused_; }

 private:
  struct Buffers;
  DatagramSocket(int fd, bool v6);
  void make_ready();
  std::size_t took(int count);
  int poll_for_some();
  bool send_in_fragments(std::size_t index);
  int fd_;
  bool v6_;
  bool busy_ = false;  // the last wait was shorter than poll_
  std::chrono::nanoseconds poll_{0};
  std::uint16_t port_ = 0;
  std::size_t receive_buffer_ = 0;
  std::uint64_t refused_ = 0;
  std::atomic<bool> woken_{false};
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace pandun::platform
