#include "detect/rules/rule_runner.h"

#include <algorithm>

#include "detect/features/cell_activity.h"
#include "detect/features/device_activity.h"
#include "detect/features/dialling_activity.h"
#include "detect/features/host_activity.h"
#include "detect/features/number_activity.h"

namespace pandun::detect {
namespace {

// What the alert plots: the activity that the first piece of evidence is about.
void plot(model::Signal& signal, const RuleSubject& subject) {
  if (signal.evidence.empty()) return;
  const Feature* feature = find_feature(signal.entity.kind, signal.evidence.front().feature);
  if (feature == nullptr) return;
  const Window w = feature->window.value_or(Window::k24h);
  if (subject.device != nullptr) {
    signal.series = subject.device->uses_series(w);
    signal.series_feature = "uses";
  } else if (subject.cell != nullptr) {
    const bool writes = subject.cell->messages(w) > subject.cell->calls(w);
    signal.series = writes ? subject.cell->messages_series(w) : subject.cell->calls_series(w);
    signal.series_feature = writes ? "cell_messages" : "cell_calls";
  } else if (subject.host != nullptr) {
    if (subject.host->flows(w) == 0) return;
    signal.series = subject.host->flows_series(w);
    signal.series_feature = "flows";
  } else if (subject.number->messages_out(w) > subject.number->calls_out(w)) {
    signal.series = subject.number->messages_out_series(w);
    signal.series_feature = "messages_out";
  } else if (subject.number->calls_out(w) > 0) {
    signal.series = subject.number->calls_out_series(w);
    signal.series_feature = "calls_out";
  }
}

}  // namespace

void RuleRunner::use(std::shared_ptr<const RuleSet> rules) {
  rules_ = std::move(rules);
}

bool RuleRunner::may_speak(const Rule& rule, const model::EntityKey& entity, const model::Event& event) {
  const RuleKey key{entity, rule.hash};
  const std::int64_t* spoken = spoken_.find(key, event.watermark);
  if (spoken != nullptr && event.time.ms - *spoken < rule.cooldown.count() * 1000) return false;
  spoken_.touch(key, event.watermark) = event.time.ms;
  return true;
}

model::Signal RuleRunner::signal_of(const Rule& rule, const model::Event& event,
                                    std::vector<model::Evidence> evidence) const {
  model::Signal signal;
  signal.detector = rule.id;
  signal.first = signal.last = event.time;
  signal.severity = rule.severity;
  signal.confidence = rule.confidence;
  signal.topic = rule.topic;
  signal.title = rule.title;
  signal.evidence = std::move(evidence);
  return signal;
}

void RuleRunner::on_number(const model::Event& event, const NumberActivity& number, const DiallingActivity* dialling,
                           bool outgoing, const Ports& ports, std::vector<model::Signal>& signals,
                           std::vector<model::Signal>& shadow) {
  if (number.contacts_at_most() < rules_->contacts_min_numbers()) return;
  const RuleSubject subject{&number, nullptr, &ports, dialling, nullptr, nullptr};
  for (const Rule* rule : rules_->numbers()) {
    const ContactsBound& bound = rule->when.contacts_bound();
    if ((bound.outgoing && !outgoing) || number.fewer_than(bound.least, bound.window)) continue;
    if (!rule->when.holds(subject)) continue;
    if (!may_speak(*rule, model::key_of(number.number()), event)) continue;
    model::Signal signal = signal_of(*rule, event, rule->when.evidence(subject));
    signal.entity = model::Entity::of(number.number());
    plot(signal, subject);
    (rule->shadow ? shadow : signals).push_back(std::move(signal));
  }
}

void RuleRunner::on_host(const model::Event& event, const HostActivity& host, const Ports& ports,
                         std::vector<model::Signal>& signals, std::vector<model::Signal>& shadow) {
  if (host.contacts_at_most() < rules_->contacts_min_hosts()) return;
  const RuleSubject subject{nullptr, &host, &ports, nullptr, nullptr, nullptr};
  for (const Rule* rule : rules_->hosts()) {
    if (host.contacts_at_most() < rule->when.contacts_min() || !rule->when.holds(subject)) continue;
    if (!may_speak(*rule, model::key_of(host.host()), event)) continue;
    model::Signal signal = signal_of(*rule, event, rule->when.evidence(subject));
    signal.entity = model::Entity::of(host.host());
    plot(signal, subject);
    (rule->shadow ? shadow : signals).push_back(std::move(signal));
  }
}

bool RuleRunner::may_hold(const DeviceActivity& device) const {
  return std::any_of(rules_->devices().begin(), rules_->devices().end(), [&](const Rule* rule) {
    const ContactsBound& bound = rule->when.contacts_bound();
    return !device.fewer_than(bound.least, bound.numbers);
  });
}

bool RuleRunner::may_hold(const CellActivity& cell) const {
  return std::any_of(rules_->cells().begin(), rules_->cells().end(), [&](const Rule* rule) {
    const ContactsBound& bound = rule->when.contacts_bound();
    return !cell.fewer_than(bound.least, bound.window, bound.kinds);
  });
}

void RuleRunner::on_text(const Rule& rule, const model::Event& event, model::EntityKind kind, std::string_view name,
                         const model::EntityKey& key, const RuleSubject& subject, std::vector<model::Signal>& signals,
                         std::vector<model::Signal>& shadow) {
  if (!rule.when.holds(subject) || !may_speak(rule, key, event)) return;
  model::Signal signal = signal_of(rule, event, rule.when.evidence(subject));
  signal.entity = model::Entity::text(kind, name);
  plot(signal, subject);
  (rule.shadow ? shadow : signals).push_back(std::move(signal));
}

void RuleRunner::on_device(const model::Event& event, const model::EntityKey& key, std::string_view name,
                           const DeviceActivity& device, const Ports& ports, std::vector<model::Signal>& signals,
                           std::vector<model::Signal>& shadow) {
  const RuleSubject subject{nullptr, nullptr, &ports, nullptr, &device, nullptr};
  for (const Rule* rule : rules_->devices()) {
    const ContactsBound& bound = rule->when.contacts_bound();
    if (!device.fewer_than(bound.least, bound.numbers))
      on_text(*rule, event, model::EntityKind::kDevice, name, key, subject, signals, shadow);
  }
}

void RuleRunner::on_cell(const model::Event& event, const model::EntityKey& key, std::string_view name,
                         const CellActivity& cell, const Ports& ports, std::vector<model::Signal>& signals,
                         std::vector<model::Signal>& shadow) {
  const RuleSubject subject{nullptr, nullptr, &ports, nullptr, nullptr, &cell};
  for (const Rule* rule : rules_->cells()) {
    const ContactsBound& bound = rule->when.contacts_bound();
    if (!cell.fewer_than(bound.least, bound.window, bound.kinds))
      on_text(*rule, event, model::EntityKind::kCell, name, key, subject, signals, shadow);
  }
}

void RuleRunner::save(StateWriter& out) const {
  spoken_.save(out, [](StateWriter& o, std::int64_t time) { o.i64(time); });
}

Result<> RuleRunner::load(StateReader& in) {
  return spoken_.load(in, [](StateReader& i, std::int64_t& time) { time = i.i64(); });
}

}  // namespace pandun::detect
