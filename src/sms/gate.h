// The gate: listens where ESMEs connect, connects each to its SMSC, and lets a Session decide what passes.
//
// Shape    one thread for all links; a connection of an ESME has one connection to the SMSC, made when it binds.
// Errors   start(): kBadConfig (an address), kUnavailable (a port is taken). An SMSC that cannot be reached is told to the ESME
//          as a failed bind.
// Stop     begin_drain() lets what has been asked be answered, within SessionOptions::drain_within; drain() waits for it; the
//          destructor closes at once.
// Threads  start() and the destructor from one thread; the rest from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/clock.h"
#include "sms/session.h"

namespace pandun::sms {

struct LinkOptions {
  std::string name;  // shown in figures
  const Codec* codec = nullptr;
  std::string listen_address = "127.0.0.1";    // an IP address
  std::uint16_t listen_port = 0;               // 0: any free one
  std::string upstream_address = "127.0.0.1";  // of the SMSC
  std::uint16_t upstream_port = 0;
  std::size_t sessions_max = 256;
  std::chrono::milliseconds connect_within{5'000};
  std::chrono::milliseconds write_within{30'000};  // without the peer taking a byte
  SessionOptions session;
};

class Gate {
 public:
  static Result<std::unique_ptr<Gate>> start(std::vector<LinkOptions> links, Verdicts& verdicts,
                                             platform::Clock& clock);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  std::size_t links() const;
  const LinkOptions& link(std::size_t i) const;
  std::uint16_t port(std::size_t link) const;
  const LinkCounters& counters(std::size_t link) const;
  void begin_drain();
  void drain();  // begins it, if nobody did

 private:
  struct State;
  explicit Gate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pandun::sms
