// Runs a rule set on one shard: which rule fires for which entity now.
//
// Cooldown one rule speaks about one entity at most once per its cooldown of event time.
// Cost     rules are asked cheapest first, and not at all while an entity has fewer contacts than any rule needs.
// Threads  one owner.
#pragma once

#include <memory>
#include <vector>

#include "detect/detector.h"
#include "detect/rules/rule_set.h"
#include "detect/state_table.h"

namespace pandun::detect {

struct RuleKey {
  model::EntityKey entity;
  std::uint64_t rule = 0;  // hash of its id
  friend bool operator==(const RuleKey&, const RuleKey&) = default;
};
// By entity alone: an entity's rules live where the entity lives.
inline std::uint64_t state_hash(const RuleKey& key) {
  return hash_of(key.entity);
}
inline void write_key(StateWriter& out, const RuleKey& key) {
  out.key(key.entity);
  out.u64(key.rule);
}
inline void read_key(StateReader& in, RuleKey& key) {
  key.entity = in.key();
  key.rule = in.u64();
}

class RuleRunner {
 public:
  RuleRunner() : spoken_(std::chrono::hours(24 * 8)) {}

  void use(std::shared_ptr<const RuleSet> rules);
  const RuleSet* rules() const { return rules_.get(); }
  const std::shared_ptr<const RuleSet>& shared() const { return rules_; }
  bool wants_numbers() const { return rules_ != nullptr && !rules_->numbers().empty(); }
  bool wants_hosts() const { return rules_ != nullptr && !rules_->hosts().empty(); }
  bool wants_devices() const { return rules_ != nullptr && !rules_->devices().empty(); }
  bool wants_dialling() const { return rules_ != nullptr && rules_->asks_dialling(); }
  bool wants_cells() const { return rules_ != nullptr && !rules_->cells().empty(); }

  // False: no rule can hold for it now, by how little it was told of. What is not counted yet may stay so.
  bool may_hold(const DeviceActivity& device) const;
  bool may_hold(const CellActivity& cell) const;

  // Appends what fires; `shadow` gets what rules in state shadow say.
  // `dialling` may be null.
  void on_number(const model::Event& event, const NumberActivity& number, const DiallingActivity* dialling,
                 bool outgoing, const Ports& ports, std::vector<model::Signal>& signals,
                 std::vector<model::Signal>& shadow);
  void on_host(const model::Event& event, const HostActivity& host, const Ports& ports,
               std::vector<model::Signal>& signals, std::vector<model::Signal>& shadow);
  // `key` is the entity's routed key, `name` its text.
  void on_device(const model::Event& event, const model::EntityKey& key, std::string_view name,
                 const DeviceActivity& device, const Ports& ports, std::vector<model::Signal>& signals,
                 std::vector<model::Signal>& shadow);
  void on_cell(const model::Event& event, const model::EntityKey& key, std::string_view name, const CellActivity& cell,
               const Ports& ports, std::vector<model::Signal>& signals, std::vector<model::Signal>& shadow);

  void clear() { spoken_.clear(); }
  void evict(EventMs watermark) { spoken_.evict(watermark); }
  void save(StateWriter& out) const;
  Result<> load(StateReader& in);
  StateSize size() const { return {spoken_.size(), spoken_.bytes(), spoken_.evicted()}; }

 private:
  void on_text(const Rule& rule, const model::Event& event, model::EntityKind kind, std::string_view name,
               const model::EntityKey& key, const RuleSubject& subject, std::vector<model::Signal>& signals,
               std::vector<model::Signal>& shadow);
  bool may_speak(const Rule& rule, const model::EntityKey& entity, const model::Event& event);
  model::Signal signal_of(const Rule& rule, const model::Event& event, std::vector<model::Evidence> evidence) const;

  std::shared_ptr<const RuleSet> rules_;
  StateTable<RuleKey, std::int64_t> spoken_;  // event time of the last signal
};

}  // namespace pandun::detect
