// Warns people about what befalls them just now: a fraud that talks to them, a storm of calls at their telephone.
//
// Rule     one warning when it begins, to those who agreed, within the notifier's limits; never about old records.
// Safety   signals of a detector that is only_counted() reach nobody's screen and no disk: the person is warned, a counter goes
//          up, and the signal is gone. What the warning says are masked facts.
// Threads  begun() by one thread; add_metrics() from any.
#pragma once

#include <atomic>
#include <chrono>
#include <string_view>
#include <vector>

#include "api/platform_port.h"
#include "model/signal.h"
#include "platform/clock.h"
#include "server/settings.h"
#include "sms/warnings.h"

namespace pandun::sms {
class Notifier;
}

namespace pandun::server {

bool only_counted(std::string_view detector);
bool warns_people(std::string_view detector);

class PeopleWarnings {
 public:
  // kBadConfig for a language that no warning has.
  static Result<std::unique_ptr<PeopleWarnings>> make(const Settings& settings, platform::Clock& clock);

  // null: nobody is warned, and it is counted all the same.
  void set_notifier(sms::Notifier* notifier) { notifier_ = notifier; }
  void begun(const model::Signal& signal);
  void add_metrics(std::vector<api::Metric>& out) const;

 private:
  PeopleWarnings(sms::Language language, std::chrono::minutes within, platform::Clock& clock)
      : language_(language), within_(within), clock_(clock) {}
  void warn(const model::Signal& signal);

  sms::Language language_;
  std::chrono::milliseconds within_;
  platform::Clock& clock_;
  sms::Notifier* notifier_ = nullptr;
  std::atomic<std::uint64_t> at_risk_{0}, bombed_{0}, too_old_{0};
};

}  // namespace pandun::server
