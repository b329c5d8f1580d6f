// The UDP side: one thread with a socket and a responder of its own for each core.
//
// Errors   start(): kUnavailable when the port is taken, kNotAllowed when the system refuses the urgency that was asked for.
// Stop     drain() tells switches to turn away; stop() ends the threads, and what is still in the sockets is repeated by its
//          senders to whoever they turned to.
// Threads  start() and stop() from one thread.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "platform/clock.h"
#include "platform/datagram_socket.h"
#include "platform/thread.h"
#include "platform/urgency.h"
#include "sip/responder.h"

namespace pandun::sip {

struct DoorOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 5060;
  unsigned threads = 1;
  std::size_t receive_buffer_bytes = 16U << 20;
  bool drop_acks = true;              // unless a trunk is proxied for
  std::chrono::microseconds poll{0};  // platform/datagram_socket.h
  platform::Urgency urgency{};        // of the threads
  ResponderOptions responder{};
};

// What all threads of the door share; it must outlive them.
struct DoorParts {
  const decide::Decider& decider;
  const Numbering& numbering;
  platform::Clock& clock;
};

class UdpDoor {
 public:
  static Result<std::unique_ptr<UdpDoor>> start(const DoorOptions& options, const DoorParts& parts,
                                                std::shared_ptr<const Trunks> trunks, Figures& figures);
  ~UdpDoor();
  UdpDoor(const UdpDoor&) = delete;
  UdpDoor& operator=(const UdpDoor&) = delete;

  void drain() { draining_.store(true, std::memory_order_relaxed); }
  void stop();
  std::uint16_t port() const { return lanes_.front()->socket->port(); }
  std::size_t receive_buffer() const { return lanes_.front()->socket->receive_buffer(); }

 private:
  struct Lane {
    std::unique_ptr<platform::DatagramSocket> socket;
    std::unique_ptr<Responder> responder;
    platform::Thread thread{};
  };
  explicit UdpDoor(const DoorParts& parts) : decider_(parts.decider), clock_(parts.clock) {}
  void run(Lane& lane);

  const decide::Decider& decider_;
  platform::Clock& clock_;
  std::atomic<bool> draining_{false};
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace pandun::sip
