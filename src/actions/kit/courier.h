// The courier takes due orders to their actions and brings receipts back to the desk. Call run_once() every few seconds.
//
// Errors   a failed delivery is state of the order (attempts, last error, next try), never only a log line; run_once() itself
//          fails only when the desk does.
// Threads  one owner.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "actions/kit/action.h"
#include "casework/case_desk.h"

namespace pandun::actions {

struct CourierReport {
  int sent = 0, not_sent = 0, receipts = 0, rejected = 0;
};

class Courier {
 public:
  // Makes every action of the list.
  Courier(casework::CaseDesk& desk, const platform::Clock& clock, const std::vector<ActionPart>& parts,
          const ActionEnvironment& environment);
  Result<CourierReport> run_once();
  const Action* action(const std::string& name) const;

 private:
  Result<> deliver(CourierReport& report);
  Result<> collect(Action& action, CourierReport& report);
  casework::CaseDesk& desk_;
  const platform::Clock& clock_;
  std::map<std::string, std::unique_ptr<Action>> actions_;
};

}  // namespace pandun::actions
