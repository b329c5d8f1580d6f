// What the API asks of the rule desk: versions of rules on their way to being live, and back-tests.
// `server` implements it; the API never reaches into an engine.
//
// Errors   kNotFound, kConflict (the state does not allow it), kNotAllowed (the second person is the first; no back-test),
//          kBadInput (the text's faults), kRateLimited (too many waiting), kUnavailable, kIo.
// Threads  every call may come from any worker at once.
// Safety   answers hold masks and tokens only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "guard/rights.h"
#include "model/signal.h"

namespace pandun::api {

struct RuleStepEntry {
  WallMs at;
  std::string by, action, note;
};

// A stored back-test in one line.
struct BacktestEntry {
  std::string id, kind, subject, digest, by;
  std::uint64_t people = 0, in_protected = 0, added = 0, removed = 0;
  WallMs finished_at;
  EventMs from, to;
  bool fresh = false;  // young enough to put a rule live with
};

struct BacktestJob {
  std::string id, kind, subject, version, by;
  std::string state;  // waiting, running, done, failed, cancelled
  double share = 0;
  std::uint64_t events = 0;
  std::string back_test, problem;  // of what is done; why it failed
  WallMs asked_at;
};

struct RuleVersionEntry {
  std::string id, rule, state;  // draft, shadow, live, retired
  model::LocalText title;
  std::string entity, digest, text, note, author;
  WallMs created_at, changed_at;
  std::string proposed_by, back_test, approved_by;  // back_test: what the proposal rests on
  std::uint64_t shadow_signals = 0;                 // since the platform's start
  std::string replaces;  // version it replaced, "content" for the shipped file's rule, "" for none
  std::optional<BacktestEntry> newest_back_test;  // of exactly this text
  std::vector<RuleStepEntry> steps;
};

struct BacktestWish {
  std::string version;               // of a rule; or
  std::string detector;              // with
  std::vector<std::string> options;  // "name=value"
  std::optional<EventMs> from, to;
  std::uint64_t warm_up_h = 168;
};

struct RuleStepWish {
  std::string reason, back_test;
  std::uint64_t people = 0;  // as the approver saw it
};

class RulesPort {
 public:
  virtual ~RulesPort() = default;
  virtual Result<std::vector<RuleVersionEntry>> versions() const = 0;  // newest first, without text and steps
  virtual Result<RuleVersionEntry> version(const std::string& id) const = 0;
  virtual Result<RuleVersionEntry> add_version(const guard::Actor& actor, const std::string& text,
                                               const std::string& note) = 0;
  // "shadow", "propose", "approve", "refuse", "retire".
  virtual Result<RuleVersionEntry> step(const guard::Actor& actor, const std::string& id, std::string_view action,
                                        const RuleStepWish& wish) = 0;
  virtual Result<RuleVersionEntry> roll_back(const guard::Actor& actor, const std::string& rule,
                                             const std::string& reason) = 0;

  virtual std::vector<BacktestJob> jobs() const = 0;  // newest first
  virtual Result<std::vector<BacktestEntry>> back_tests() const = 0;
  virtual Result<std::string> back_test(const std::string& id) const = 0;  // JSON, as openapi.json describes BackTest
  virtual Result<BacktestJob> start(const guard::Actor& actor, const BacktestWish& wish) = 0;
  virtual Result<> cancel(const guard::Actor& actor, const std::string& job) = 0;
};

}  // namespace pandun::api
