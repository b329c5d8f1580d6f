// The SIP decision server as the live platform runs it: settings and trunks in, doors and figures out.
//
// Errors   start(): kBadConfig with every fault of the address and the trunks; kUnavailable when the port is taken. Null when
//          decide.sip.enabled is off.
// Stop     drain() at once, so that switches turn to another server; the destructor closes the sockets.
// Threads  start() and the destructor from one thread; figures and card() from any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/platform_port.h"
#include "base/result.h"
#include "decide/decider.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/seal.h"
#include "registry/numbering_plan.h"
#include "server/settings.h"

namespace pandun::server {

struct SipParts {
  platform::FileSystem& files;
  platform::Clock& clock;
  const Settings& settings;
  std::string content_directory;
  const platform::SealKey& key;
  const decide::Decider& decider;
  const registry::NumberingPlan& plan;
};

class SipDoor {
 public:
  static Result<std::unique_ptr<SipDoor>> start(const SipParts& parts);
  ~SipDoor();

  void drain();
  void stop();  // closes the doors; the figures stay
  std::uint16_t port() const;
  // The card of the trunk of that name, signed within this second; kNotFound unless decide.sip.card_* says whose it is.
  Result<std::string> card(std::string_view trunk) const;
  void add_metrics(std::vector<api::Metric>& out) const;

 private:
  struct Rooms;
  explicit SipDoor(std::unique_ptr<Rooms> rooms);
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace pandun::server
