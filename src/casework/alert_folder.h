// Signals in, alerts out: one alert for each entity, detector and episode. Pure: no store, no clock.
//
// Order    give signals in their total order (position, detector, entity); the same sequence gives the same alerts.
// Episode  a signal joins the entity's newest alert of that detector while its `first` is at most `episode_gap` behind
//          the alert's `last`; otherwise it begins a new one. A late signal joins the newest alert.
// Picture  title, severity, confidence, evidence and series are those of the most severe signal, the newest of equals.
// Ids      "A-" + 16 hex of hash(detector, token or clear value, first position). The token, not the number, is hashed:
//          a hash of a clear number could be searched for. So ids are the same in every run of one installation (key).
// Size     keeps every alert until finish(); an alert is at most about 10 kB.
#pragma once

#include <chrono>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/alert.h"
#include "model/signal.h"

namespace pandun::casework {

// How an entity may be shown outside the engine. `at` picks the year of the pseudonym.
class Identities {
 public:
  virtual ~Identities() = default;
  virtual model::ShownEntity show(const model::Entity& entity, EventMs at) const = 0;
};

// "conn.log:1234" for a record; an empty answer leaves the record out.
class SourceLines {
 public:
  virtual ~SourceLines() = default;
  virtual std::string line(const model::SourceRef& record) const = 0;
};

// What casework needs of a detector's spec.
struct DetectorFacts {
  std::chrono::milliseconds episode_gap = std::chrono::hours(1);
  std::vector<std::string> techniques;
  model::LocalText title{};  // both empty: its id stands for it
};
// Thread-safe: a rule may be added while a finding is folded elsewhere.
class DetectorTable {
 public:
  using Map = std::map<std::string, DetectorFacts, std::less<>>;
  DetectorTable() = default;
  DetectorTable(std::initializer_list<Map::value_type> facts) : facts_(facts) {}
  DetectorTable(const DetectorTable& other) : facts_(other.all()) {}
  DetectorTable& operator=(const DetectorTable& other);
  ~DetectorTable() = default;

  void set(const std::string& detector, DetectorFacts facts);
  // What is there now. A rule that is gone stays known: its alerts are still there, and incidents name who found them.
  void renew(const DetectorTable& now);
  DetectorFacts of(std::string_view detector) const;  // a default for unknown names

 private:
  Map all() const;
  mutable std::mutex mutex_;
  Map facts_;
};

// The folding itself, shared by replay and by the durable desk.
model::Alert begin_alert(const model::Signal& signal, const DetectorFacts& facts, const Identities& identities,
                         const SourceLines& lines);
bool same_episode(const model::Alert& alert, const model::Signal& signal, const DetectorFacts& facts);
void fold(model::Alert& alert, const model::Signal& signal, const Identities& identities, const SourceLines& lines);

class AlertFolder {
 public:
  // All three must outlive the folder.
  AlertFolder(const DetectorTable& detectors, const Identities& identities, const SourceLines& lines)
      : detectors_(detectors), identities_(identities), lines_(lines) {}

  void add(const model::Signal& signal);
  std::size_t size() const { return alerts_.size(); }
  // Sorted by (first, detector, entity value, id), as alerts.jsonl wants them. The folder is empty afterwards.
  std::vector<model::Alert> finish();

 private:
  const DetectorTable& detectors_;
  const Identities& identities_;
  const SourceLines& lines_;
  std::vector<model::Alert> alerts_;
  std::unordered_map<std::string, std::size_t> newest_;  // "detector\0kind\0value" -> index
};

// Severity in the four words screens use: critical from 80, high from 60, medium from 40, low below.
std::string_view severity_band(unsigned severity);

// One line of alerts.jsonl, without the newline; the field order is docs/casework.md's.
void append_json(std::string& out, const model::Alert& alert);

}  // namespace pandun::casework
