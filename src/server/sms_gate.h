// The gate for business messages as the live platform runs it: settings and content in, links and figures out.
//
// Errors   start(): kBadConfig with every fault of addresses, templates and policy; kUnavailable when a port is taken.
// Stop     begin_drain() first of all, drain() before the decider dies; the destructor closes what is left.
// Threads  start(), refresh() and the destructor from one thread; figures from any.
#pragma once

#include <memory>
#include <vector>

#include "api/platform_port.h"
#include "base/result.h"
#include "decide/decider.h"
#include "ingest/numbering.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/seal.h"
#include "server/indicator_desk.h"
#include "server/settings.h"

namespace pandun::sms {
class Notifier;
}

namespace pandun::server {

struct SmsParts {
  platform::FileSystem& files;
  platform::Clock& clock;
  const Settings& settings;
  std::string content_directory;
  const platform::SealKey& key;
  const decide::Decider& decider;
  const ingest::Numbering& numbering;
  const IndicatorDesk& indicators;
};

class SmsGate {
 public:
  static Result<std::unique_ptr<SmsGate>> start(const SmsParts& parts);
  ~SmsGate();

  void begin_drain();
  void drain();
  // Warnings to people; null unless decide.notify.smsc is set.
  sms::Notifier* notifier();
  void add_metrics(std::vector<api::Metric>& out) const;

 private:
  struct Rooms;
  explicit SmsGate(std::unique_ptr<Rooms> rooms);
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace pandun::server
