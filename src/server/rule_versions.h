// Versions of rules on their way: draft → shadow → live → retired, kept in the records store, each step in the audit chain.
//
// Gate     live needs: the version ran in shadow; a kept back-test of exactly its text, no older than `back_test_age`; a
//          proposer; and a second person, neither proposer nor author, who names the back-test and the count it shows.
// Shape    values "rule_versions" (how many) and "rule_version.<n>" (JSON).
// Errors   kNotAllowed, kConflict and kBadInput say what is missing and what to do.
// Threads  as the store: every change is one transaction that reads what it changes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "api/rules_port.h"
#include "guard/audit.h"
#include "platform/clock.h"
#include "server/backtest_shelf.h"
#include "store/store.h"

namespace pandun::server {

class RuleVersions {
 public:
  using Entry = api::RuleVersionEntry;
  RuleVersions(store::Store& store, const guard::Audit& audit, const platform::Clock& clock, const BacktestShelf& shelf,
               std::chrono::hours back_test_age)
      : store_(store), audit_(audit), clock_(clock), shelf_(shelf), age_(back_test_age) {}

  Result<std::vector<Entry>> list() const;  // oldest first, whole
  Result<Entry> find(const std::string& id) const;
  // `draft` has rule, title, entity, digest, text and note.
  Result<Entry> add(const guard::Actor& actor, Entry draft) const;
  Result<Entry> step(const guard::Actor& actor, const std::string& id, std::string_view action,
                     const api::RuleStepWish& wish) const;
  // The live version of the rule retires; the one it replaced is live again.
  Result<Entry> roll_back(const guard::Actor& actor, const std::string& rule, const std::string& reason) const;

  // The newest back-test of this text, if there is one; `fresh` filled in.
  static const api::BacktestEntry* newest_of(const std::vector<api::BacktestEntry>& tests, std::string_view digest);
  bool fresh(const api::BacktestEntry& test) const;

 private:
  Result<> propose(const guard::Actor& actor, Entry& version, const api::RuleStepWish& wish,
                   const std::vector<api::BacktestEntry>& tests) const;
  Result<> approve(const guard::Actor& actor, Entry& version, const api::RuleStepWish& wish,
                   const std::vector<api::BacktestEntry>& tests, std::vector<Entry>& all) const;
  Result<> record(store::Tx& tx, const guard::Actor& actor, Entry& version, std::string_view action,
                  const std::string& note) const;

  store::Store& store_;
  const guard::Audit& audit_;
  const platform::Clock& clock_;
  const BacktestShelf& shelf_;
  std::chrono::hours age_;
};

// All of them, oldest first, of a store that is only read.
Result<std::vector<api::RuleVersionEntry>> kept_rule_versions(const store::Store& store);

}  // namespace pandun::server
