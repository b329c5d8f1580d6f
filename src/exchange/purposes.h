// What leads may be exchanged for: content/leads/purposes.toml.
//
// Errors   parse: kBadConfig with every fault as file:line:column; a ground must stand in the law library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guard/law_library.h"
#include "model/signal.h"

namespace pandun::exchange {

// The kinds of lead there are; anything else is refused (safeguard 1: leads under a fraud suspicion, nothing else).
inline constexpr std::string_view kSuspectedFraud = "suspected_fraud", kMuleAccount = "mule_account",
                                  kVictimAtRisk = "victim_at_risk", kWithdrawn = "withdrawn";

struct Purpose {
  std::string id;
  model::LocalText title;
  std::vector<std::string> grounds;  // of the law library; a partner's agreement names one
  std::vector<std::string> kinds;
  bool warns = false;  // use = "warn": nobody views it, the person is warned
  bool given = false;  // our own findings may be handed out for it
};

class Purposes {
 public:
  static Result<Purposes> parse(std::string_view toml, const std::string& file, const guard::LawLibrary& laws);
  const Purpose* find(std::string_view id) const;
  const std::vector<Purpose>& all() const { return list_; }

 private:
  std::vector<Purpose> list_;
};

bool contains(const std::vector<std::string>& list, std::string_view word);

}  // namespace pandun::exchange
