// Alerts in, incidents out. Pure and deterministic: union-find over what alerts share.
//
// Rule     two alerts belong together when they share an entity, or one's entity is among the other's first three peers, or
//          they share one of their first three peers, and their times overlap or lie at most `window` apart. Every alert
//          is in exactly one incident. `summary` says in both languages what tied them.
// Ids      "I-" + 16 hex of hash(id of its earliest alert).
// Grade    content/grades: the first grade, from the gravest, whose bounds the incident reaches.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "casework/alert_folder.h"
#include "model/alert.h"

namespace pandun::casework {

struct Grade {
  std::string id;  // "I", "II", "III", "IV", "none"
  model::LocalText title;
  std::string colour;         // red, orange, yellow, blue, none
  unsigned severity_min = 0;  // all three bounds must hold
  std::size_t entities_min = 0, alerts_min = 0;
  bool unverified = true;  // the bounds are a site's own until somebody confirmed them
};

class GradeTable {
 public:
  // content/grades/*.toml. Every fault at once, each as file:line:column.
  static Result<GradeTable> parse(std::string_view toml, const std::string& file);
  const Grade& grade(unsigned severity, std::size_t entities, std::size_t alerts) const;
  const std::vector<Grade>& grades() const { return grades_; }

 private:
  std::vector<Grade> grades_;  // gravest first; the last has no bounds
};

struct Incident {
  std::string id, topic, grade;
  model::LocalText title, summary;
  std::vector<std::string> alerts;           // ids in the order given
  std::vector<model::ShownEntity> entities;  // the alerts' own entities, each once
  std::string owner;                         // empty: nobody is known
  EventMs first, last;
  unsigned severity = 0;
};

// What may tie alerts together, as text keys: the entity and its first three peers.
std::vector<std::string> link_keys(const model::Alert& alert);
bool within_window(const model::Alert& a, const model::Alert& b, std::chrono::milliseconds window);
std::string incident_id(const std::string& earliest_alert_id);
// Fills topic, grade, title, summary, entities, times and severity from the incident's alerts (at least one).
// `detectors` names who found it.
void describe(Incident& incident, std::span<const model::Alert* const> alerts, const GradeTable& grades,
              const DetectorTable& detectors);

inline constexpr std::chrono::milliseconds kIncidentWindow = std::chrono::hours(24);
// Sorted by (first, id).
std::vector<Incident> group_incidents(std::span<const model::Alert> alerts, const GradeTable& grades,
                                      const DetectorTable& detectors,
                                      std::chrono::milliseconds window = kIncidentWindow);

// One line of incidents.jsonl, without the newline.
void append_json(std::string& out, const Incident& incident);

}  // namespace pandun::casework
