// Ports for alerts and incidents. Identities in these rows are tokens and masks already.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/page.h"

namespace pandun::store {

struct AlertRow {
  std::int64_t seq = 0;  // given by the store at insert, strictly increasing
  std::string id, detector, topic, title_zh, title_en;
  std::string state;  // open, in_case, dismissed
  std::string entity_kind, entity_value, entity_token, entity_note;
  std::string incident_id, case_id, protected_group;
  int severity = 0;
  double confidence = 0;
  EventMs first, last;
  std::int64_t signals = 0, first_position = 0, last_position = 0;
  WallMs created_at, updated_at;
  std::string doc;  // the whole alert as JSON
};

struct AlertFilter {
  std::string detector, topic, state, entity_kind, incident_id, case_id;
  std::string entity;  // exact token or clear value
  std::string q;       // part of title, entity, token, detector or note; any script, from one character
  int severity_min = 0;
  std::optional<std::int64_t> from_ms, to_ms;  // event time: last >= from, first <= to
};

struct Count {
  std::string name;
  std::int64_t count = 0;
};
struct AlertBucket {
  std::int64_t start_ms = 0, count = 0;
};

class Alerts {
 public:
  virtual ~Alerts() = default;
  virtual Result<std::optional<AlertRow>> by_id(const std::string& id) const = 0;
  // The newest alert of this detector about this entity (token when it has one, else clear value).
  virtual Result<std::optional<AlertRow>> newest_of(const std::string& detector, const std::string& entity_kind,
                                                    const std::string& entity_key) const = 0;
  virtual Result<Page<AlertRow>> list(const AlertFilter& filter, const PageRequest& page) const = 0;
  virtual Result<std::int64_t> count(const AlertFilter& filter) const = 0;
  // Alerts that share a link key and lie within [from, to] in event time; newest first.
  virtual Result<std::vector<AlertRow>> linked(const std::vector<std::string>& keys, EventMs from, EventMs to,
                                               int limit) const = 0;
  virtual Result<std::int64_t> created_since(WallMs since) const = 0;
  virtual Result<std::vector<AlertBucket>> created_per(WallMs since, std::int64_t step_ms) const = 0;
  virtual Result<std::vector<Count>> count_by_detector(WallMs since) const = 0;
  virtual Result<std::vector<Count>> count_by_severity(WallMs since) const = 0;  // named by the severity itself
  virtual Result<std::int64_t> insert(const AlertRow& alert) = 0;                // the seq given
  virtual Result<> update(const AlertRow& alert) = 0;
  virtual Result<> set_links(const std::string& id, const std::vector<std::string>& keys) = 0;
};

struct IncidentRow {
  std::int64_t seq = 0;
  std::string id, topic, title_zh, title_en, grade, state;  // open, in_case, closed, merged
  std::string owner, summary_zh, summary_en, case_id, merged_into;
  int severity = 0;
  std::int64_t alerts = 0, entities = 0;
  EventMs first, last;
  WallMs created_at, updated_at;
};

class Incidents {
 public:
  virtual ~Incidents() = default;
  virtual Result<std::optional<IncidentRow>> by_id(const std::string& id) const = 0;
  virtual Result<Page<IncidentRow>> list(const std::string& state, const std::string& grade,
                                         const PageRequest& page) const = 0;  // never the merged ones
  virtual Result<std::int64_t> count(const std::string& state) const = 0;
  virtual Result<std::vector<Count>> count_by_grade() const = 0;  // open and in_case
  virtual Result<> insert(const IncidentRow& incident) = 0;
  virtual Result<> update(const IncidentRow& incident) = 0;
};

}  // namespace pandun::store
