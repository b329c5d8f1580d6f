// The rule desk: versions of rules, back-tests as jobs, and what of it is in force.
//
// Force    after every step (and at the start) the live and shadow versions are written below DATA/rules/managed, where the
//          rule book finds them within seconds. A version in shadow runs as "<rule>__v<n>", beside what is live.
// Jobs     one at a time on its own low-priority thread, at most kWaitingMax waiting; the newest kShown are shown.
// Threads  run() on one thread; everything else from any.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "api/rules_port.h"
#include "casework/case_desk.h"
#include "server/backtest.h"
#include "server/backtest_shelf.h"
#include "server/catalogues.h"
#include "server/rule_versions.h"

namespace pandun::server {

struct RuleDeskParts {
  BacktestRoom room;  // with a store
  store::Store& store;
  const guard::Audit& audit;
  const guard::LawLibrary& laws;
  const Catalogues& catalogues;
  // Signals of a part in shadow since the start; may be empty.
  std::function<std::uint64_t(std::string_view part)> shadow_signals;
};

class RuleDesk final : public api::RulesPort {
 public:
  static constexpr std::size_t kWaitingMax = 8, kShown = 30;
  explicit RuleDesk(RuleDeskParts parts);

  // Writes what is in force; call before the rule book opens.
  Result<> publish();
  void run(std::stop_token stop);

  Result<std::vector<api::RuleVersionEntry>> versions() const override;
  Result<api::RuleVersionEntry> version(const std::string& id) const override;
  Result<api::RuleVersionEntry> add_version(const guard::Actor& actor, const std::string& text,
                                            const std::string& note) override;
  Result<api::RuleVersionEntry> step(const guard::Actor& actor, const std::string& id, std::string_view action,
                                     const api::RuleStepWish& wish) override;
  Result<api::RuleVersionEntry> roll_back(const guard::Actor& actor, const std::string& rule,
                                          const std::string& reason) override;
  std::vector<api::BacktestJob> jobs() const override;
  Result<std::vector<api::BacktestEntry>> back_tests() const override;
  Result<std::string> back_test(const std::string& id) const override { return shelf_.find(id); }
  Result<api::BacktestJob> start(const guard::Actor& actor, const api::BacktestWish& wish) override;
  Result<> cancel(const guard::Actor& actor, const std::string& job) override;

 private:
  struct Job {
    api::BacktestJob shown;
    BacktestPlan plan;
    std::stop_source stop;
  };
  Result<RuleText> check_text(const std::string& text) const;
  Result<api::RuleVersionEntry> told(api::RuleVersionEntry version) const;
  void finish(const std::shared_ptr<Job>& job, const Result<BacktestReport>& report);

  RuleDeskParts parts_;
  BacktestShelf shelf_;
  RuleVersions versions_;
  BacktestLimits limits_;
  std::mutex publishing_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::shared_ptr<Job>> jobs_;  // oldest first
  std::uint64_t next_job_ = 1;
};

// Rules in force that have neither a kept back-test nor came with the product: "file:line: id". For `check` and the start.
Result<std::vector<std::string>> untested_rules(platform::FileSystem& files, const std::string& content_directory,
                                                const std::string& data, const store::Store* store);

}  // namespace pandun::server
