// The live platform: builds every room once, upward, and takes them down in reverse.
//
// Start    settings and content whole → keys → store → event log → engine and its checkpoint → casework → API → streams → feed
// Stop     feed and streams → what was read is in the log → checkpoint → requests drained → store closed
// Errors   start(): the first thing that cannot be, with what to do; nothing is left running.
// Threads  start() and stop() from one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "guard/identity.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "server/settings.h"

namespace pandun::server {

class Live {
 public:
  static Result<std::unique_ptr<Live>> start(platform::FileSystem& files, platform::Clock& clock,
                                             const Settings& settings);
  ~Live();

  std::string url() const;         // "http://127.0.0.1:8480"
  std::uint16_t sip_port() const;  // 0: there is no SIP door
  // Set once, on the first start of a data directory.
  const std::optional<guard::Identity::FirstAdmin>& first_admin() const;
  void stop();

 private:
  struct Rooms;
  explicit Live(std::unique_ptr<Rooms> rooms);
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace pandun::server
