#include "casework/alert_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/hash.h"

namespace pandun::casework {
namespace {

using model::Alert;
using model::ShownEntity;
using model::Signal;

const std::string& stable_name(const ShownEntity& entity) {
  return entity.token.empty() ? entity.value : entity.token;
}

std::string alert_id(const Alert& alert) {
  std::string text = alert.detector;
  text.push_back('\0');
  text.append(name(alert.entity.kind));
  text.push_back('\0');
  text.append(stable_name(alert.entity));
  text.push_back('\0');
  text.append(fmt::to_string(alert.first_position));
  return fmt::format("A-{:016x}", hash64(text));
}

// The signal's peers first: it is the more telling one; then what was known before, without repeats.
void merge_peers(Alert& alert, const Signal& signal, const Identities& identities) {
  std::vector<ShownEntity> merged;
  for (const model::Entity& peer : signal.peers) {
    if (merged.size() >= Signal::kPeersMax) break;
    merged.push_back(identities.show(peer, alert.first));
  }
  for (ShownEntity& old : alert.peers) {
    if (merged.size() >= Signal::kPeersMax) break;
    const bool known = std::any_of(merged.begin(), merged.end(), [&](const ShownEntity& peer) {
      return peer.kind == old.kind && peer.value == old.value && peer.token == old.token;
    });
    if (!known) merged.push_back(std::move(old));
  }
  alert.peers = std::move(merged);
}

void add_lines(Alert& alert, const Signal& signal, const SourceLines& lines) {
  for (const model::SourceRef& record : signal.records) {
    if (alert.source_lines.size() >= Signal::kRecordsMax) return;
    std::string line = lines.line(record);
    if (line.empty()) continue;
    if (std::find(alert.source_lines.begin(), alert.source_lines.end(), line) == alert.source_lines.end()) {
      alert.source_lines.push_back(std::move(line));
    }
  }
}

void take_picture(Alert& alert, const Signal& signal) {
  alert.severity = signal.severity;
  alert.confidence = signal.confidence;
  alert.title = signal.title;
  if (!signal.topic.empty()) alert.topic = signal.topic;
  alert.evidence = signal.evidence;
  if (!signal.series.empty()) {
    alert.series = signal.series;
    alert.series_feature = signal.series_feature;
  }
}

}  // namespace

DetectorTable& DetectorTable::operator=(const DetectorTable& other) {
  Map facts = other.all();
  const std::lock_guard lock(mutex_);
  facts_.swap(facts);
  return *this;
}
void DetectorTable::set(const std::string& detector, DetectorFacts facts) {
  const std::lock_guard lock(mutex_);
  facts_[detector] = std::move(facts);
}
void DetectorTable::renew(const DetectorTable& now) {
  Map facts = now.all();
  const std::lock_guard lock(mutex_);
  facts.merge(facts_);
  facts_.swap(facts);
}
DetectorFacts DetectorTable::of(std::string_view detector) const {
  const std::lock_guard lock(mutex_);
  const auto it = facts_.find(detector);
  return it == facts_.end() ? DetectorFacts() : it->second;
}
DetectorTable::Map DetectorTable::all() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

Alert begin_alert(const Signal& signal, const DetectorFacts& facts, const Identities& identities,
                  const SourceLines& lines) {
  Alert alert;
  alert.detector = std::string(signal.detector);
  alert.topic = signal.topic;
  alert.first = signal.first;
  alert.last = signal.last;
  alert.first_position = alert.last_position = signal.position;
  alert.entity = identities.show(signal.entity, signal.first);
  alert.techniques = facts.techniques;
  alert.signals = 1;
  take_picture(alert, signal);
  merge_peers(alert, signal, identities);
  add_lines(alert, signal, lines);
  alert.id = alert_id(alert);
  return alert;
}

bool same_episode(const Alert& alert, const Signal& signal, const DetectorFacts& facts) {
  return signal.first - alert.last <= facts.episode_gap;
}

void fold(Alert& alert, const Signal& signal, const Identities& identities, const SourceLines& lines) {
  ++alert.signals;
  alert.first = std::min(alert.first, signal.first);
  alert.last = std::max(alert.last, signal.last);
  alert.last_position = std::max(alert.last_position, signal.position);
  if (signal.severity >= alert.severity) take_picture(alert, signal);
  merge_peers(alert, signal, identities);
  add_lines(alert, signal, lines);
}

void AlertFolder::add(const Signal& signal) {
  std::string key(signal.detector);
  key.push_back('\0');
  key.append(name(signal.entity.kind));
  key.push_back('\0');
  key.append(signal.entity.value);
  const DetectorFacts facts = detectors_.of(signal.detector);
  const auto [it, fresh] = newest_.try_emplace(std::move(key), alerts_.size());
  if (!fresh && same_episode(alerts_[it->second], signal, facts)) {
    fold(alerts_[it->second], signal, identities_, lines_);
    return;
  }
  it->second = alerts_.size();
  alerts_.push_back(begin_alert(signal, facts, identities_, lines_));
}

std::vector<Alert> AlertFolder::finish() {
  newest_.clear();
  std::vector<Alert> done = std::move(alerts_);
  alerts_.clear();
  std::sort(done.begin(), done.end(), [](const Alert& a, const Alert& b) {
    return std::tie(a.first, a.detector, a.entity.value, a.id) < std::tie(b.first, b.detector, b.entity.value, b.id);
  });
  return done;
}

std::string_view severity_band(unsigned severity) {
  if (severity >= 80) return "critical";
  if (severity >= 60) return "high";
  return severity >= 40 ? "medium" : "low";
}

}  // namespace pandun::casework
