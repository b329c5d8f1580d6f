// The TCP side, on the same port as UDP (RFC 3261 section 18.2.1): one thread for all connections.
//
// Passes   what is passed on goes to the next hop by a connection of its own, made when first needed and kept while it is used;
//          answers go back on the connection that the call came by. A next hop that cannot be reached is counted; the
//          caller's own timers tell it.
// Bounds   strangers are closed at once; connections, message size, waiting answers, idle time and the time a message may take to
//          come whole are limited. A stream in which no message can be found is closed.
// Errors   start(): kUnavailable when the port is taken.
// Threads  start() and stop() from one thread.
#pragma once

#include <memory>

#include "sip/udp_door.h"

namespace pandun::sip {

struct TcpOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 5060;
  std::size_t connections_max = 1024;
  std::chrono::seconds idle{180}, message{10};
  std::size_t unsent_bytes_max = 1U << 20;
  ResponderOptions responder{};
};

class TcpDoor {
 public:
  static Result<std::unique_ptr<TcpDoor>> start(const TcpOptions& options, const DoorParts& parts,
                                                std::shared_ptr<const Trunks> trunks, Figures& figures);
  ~TcpDoor();
  void drain();
  void stop();
  std::uint16_t port() const;

 private:
  struct Rooms;
  explicit TcpDoor(std::unique_ptr<Rooms> rooms);
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace pandun::sip
