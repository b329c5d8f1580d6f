// A compiled, immutable rule set: what content/rules/*.toml says, type-checked and flattened.
//
// Errors   compile(): a RuleFault for every fault of every file, ordered by file, line and column; no set if there is one.
// Threads  immutable: shared by all shards as shared_ptr<const RuleSet>.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/features/number_activity.h"
#include "detect/rules/program.h"
#include "model/entity.h"
#include "model/signal.h"

namespace pandun::detect {

struct RuleFault {
  std::string file;
  std::uint32_t line = 0, column = 0;
  std::string code;          // stable: "unknown_feature", "type_mismatch", …; docs/rules.md lists them
  std::string message;       // what is wrong
  std::string advice;        // what to do, with the nearest name where there is one
  std::string text() const;  // "file:line:column: message [code]; advice"
};

struct Rule {
  std::string id;
  model::EntityKind entity = model::EntityKind::kNumber;
  Program when;
  std::string when_text;
  std::uint8_t severity = 50;
  double confidence = 0.5;
  std::string topic;
  model::LocalText title, message;
  std::string ground;  // the legal ground, for the person who must decide
  std::vector<std::string> techniques;
  std::chrono::seconds cooldown{3600};  // between two signals about one entity
  std::chrono::seconds episode_gap{6 * 3600};
  bool shadow = false;
  std::uint64_t hash = 0;  // of the id
  std::string file;
  std::uint32_t line = 0;
};

struct RuleSource {
  std::string file;  // as shown in faults
  std::string text;
  bool overrides = false;  // its rules stand instead of those with the same ids in sources without this
};

struct RuleCompilation;

class RuleSet {
 public:
  static RuleCompilation compile(std::span<const RuleSource> sources);

  std::span<const Rule> rules() const { return rules_; }             // enabled ones, by id
  std::span<const Rule* const> numbers() const { return numbers_; }  // by what they cost, cheapest first
  std::span<const Rule* const> hosts() const { return hosts_; }
  std::span<const Rule* const> devices() const { return devices_; }
  std::span<const Rule* const> cells() const { return cells_; }
  bool asks_dialling() const { return asks_dialling_; }  // any of them, about how a number dials
  const Rule* find(std::string_view id) const;
  std::uint32_t contacts_min_numbers() const { return contacts_min_numbers_; }  // fewer contacts: no rule can fire
  std::uint32_t contacts_min_hosts() const { return contacts_min_hosts_; }
  const std::string& digest() const { return digest_; }  // of everything the set says
  std::size_t disabled() const { return disabled_; }

 private:
  std::vector<Rule> rules_;
  std::vector<const Rule*> numbers_, hosts_, devices_, cells_;
  std::uint32_t contacts_min_numbers_ = 0, contacts_min_hosts_ = 0;
  std::string digest_;
  std::size_t disabled_ = 0;
  bool asks_dialling_ = false;
};

struct RuleCompilation {
  std::shared_ptr<const RuleSet> rules;  // null when there are faults
  std::vector<RuleFault> faults;
};

}  // namespace pandun::detect
