// What the decider is told of numbers that software found: those with an open alert and what a model last said of them.
// Findings warn at most; here is only gathered what they are.
//
// Sources  alerts about numbers that are open or in a running case; scores from those of the detector model_score of the last
//          seven days. Alerts whose number is the victim's (call_bombing, victim_at_risk) say nothing against it.
// Errors   of the store; what was known stays.
// Threads  note() from any; the rest by one thread.
// Safety   numbers come out of the vault for the engine's memory only.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "decide/snapshot_input.h"
#include "guard/vault.h"
#include "platform/clock.h"
#include "store/store.h"

namespace pandun::server {

// True where the entity is the person to be protected: an alert about it is never a ground against it.
bool concerns_a_victim(std::string_view detector);

class DecisionFindings {
 public:
  DecisionFindings(const store::Store& store, const guard::Vault& vault, platform::Clock& clock)
      : store_(store), vault_(vault), clock_(clock) {}

  // Alerts that began or changed.
  void note(const std::vector<std::string>& alerts);
  // Everything anew.
  Result<bool> reload();
  // What was noted, and what people did since: the audit chain says to which alerts and cases. True when something differs.
  Result<bool> look();
  decide::Findings findings() const;

 private:
  struct Entry {
    model::NumberKey number;
    std::uint8_t score = 0;
  };
  using Entries = std::unordered_map<std::string, Entry>;  // by alert
  Result<> take(const store::View& view, const store::AlertRow& row, Entries& out, bool& changed) const;
  Result<> take_all(const store::View& view, store::AlertFilter filter, Entries& out, bool& changed) const;
  Result<bool> counts(const store::View& view, const store::AlertRow& row) const;

  const store::Store& store_;
  const guard::Vault& vault_;
  platform::Clock& clock_;
  std::mutex mutex_;
  std::vector<std::string> noted_;  // under mutex_
  Entries entries_;
  std::int64_t audit_seen_ = 0;
};

}  // namespace pandun::server
