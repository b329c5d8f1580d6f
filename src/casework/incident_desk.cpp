// Stored incidents: the same rule as incident_grouper.h, applied when an alert begins.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "casework/alert_json.h"
#include "casework/case_rows.h"
#include "casework/folding.h"

namespace pandun::casework {
namespace {

using model::Alert;

constexpr int kLinkedMax = 500;
// Incidents bigger than this are only counted on, not described anew at every alert.
constexpr std::int64_t kDescribeMax = 200;

Result<std::optional<store::IncidentRow>> live_incident(const store::View& view, std::string id) {
  for (int hops = 0; hops < 64; ++hops) {
    TRY_ASSIGN(auto row, view.incidents().by_id(id));
    if (!row || row->state != "merged") return row;
    id = row->merged_into;
  }
  return std::optional<store::IncidentRow>();
}

Result<> move_alerts(store::Tx& tx, const std::string& from, const std::string& to) {
  store::AlertFilter filter;
  filter.incident_id = from;
  while (true) {
    TRY_ASSIGN(const auto page, std::as_const(tx).alerts().list(filter, {0, store::kPageMax, false}));
    for (store::AlertRow row : page.items) {
      row.incident_id = to;
      TRY(tx.alerts().update(row));
    }
    if (!page.next) return {};
  }
}

}  // namespace

Result<> place_in_incident(const DeskParts& parts, store::Tx& tx, store::AlertRow& alert) {
  TRY_ASSIGN(const Alert whole, parse_stored(alert.doc));
  TRY_ASSIGN(const auto linked, std::as_const(tx).alerts().linked(link_keys(whole), whole.first - kIncidentWindow,
                                                                  whole.last + kIncidentWindow, kLinkedMax));
  std::vector<store::IncidentRow> found;
  std::set<std::string> seen;
  for (const store::AlertRow& other : linked) {
    if (other.incident_id.empty() || !seen.insert(other.incident_id).second) continue;
    TRY_ASSIGN(auto incident, live_incident(tx, other.incident_id));
    // A closed incident is history: what comes later begins another.
    if (!incident || incident->state == "closed") continue;
    const bool known = std::any_of(found.begin(), found.end(), [&](const auto& row) { return row.id == incident->id; });
    if (!known) found.push_back(std::move(*incident));
  }
  const WallMs now = parts.clock.wall();
  if (found.empty()) {
    store::IncidentRow row;
    row.id = incident_id(alert.id);
    row.state = "open";
    row.first = whole.first;
    row.last = whole.last;
    row.created_at = row.updated_at = now;
    row.grade = parts.content.grades.grades().back().id;
    alert.incident_id = row.id;
    return tx.incidents().insert(row);
  }
  // One that is in a case already keeps its name; otherwise the oldest does.
  std::sort(found.begin(), found.end(), [](const store::IncidentRow& a, const store::IncidentRow& b) {
    return std::tuple(a.state != "in_case", a.seq) < std::tuple(b.state != "in_case", b.seq);
  });
  alert.incident_id = found.front().id;
  for (std::size_t i = 1; i < found.size(); ++i) {
    store::IncidentRow& other = found[i];
    if (other.state == "in_case") continue;  // two running cases stay two
    TRY(move_alerts(tx, other.id, found.front().id));
    other.state = "merged";
    other.merged_into = found.front().id;
    other.updated_at = now;
    TRY(tx.incidents().update(other));
  }
  return {};
}

Result<> describe_incident(const DeskParts& parts, store::Tx& tx, const std::string& incident_id) {
  TRY_ASSIGN(auto row, std::as_const(tx).incidents().by_id(incident_id));
  if (!row) return {};
  store::AlertFilter filter;
  filter.incident_id = incident_id;
  TRY_ASSIGN(row->alerts, std::as_const(tx).alerts().count(filter));
  const auto limit = static_cast<int>(kDescribeMax);
  // All of a small incident; the newest of a big one, whose counts only ever grow.
  TRY_ASSIGN(auto page, std::as_const(tx).alerts().list(filter, {0, row->alerts <= limit ? limit : 20, true}));
  std::reverse(page.items.begin(), page.items.end());
  std::vector<Alert> alerts;
  for (const store::AlertRow& item : page.items) {
    TRY_ASSIGN(Alert alert, parse_stored(item.doc));
    alerts.push_back(std::move(alert));
  }
  if (alerts.empty()) return {};
  std::vector<const Alert*> pointers;
  pointers.reserve(alerts.size());
  for (const Alert& alert : alerts) pointers.push_back(&alert);
  Incident incident;
  describe(incident, pointers, parts.content.grades, parts.detectors);
  row->severity = std::max(row->severity, static_cast<int>(incident.severity));
  row->first = std::min(row->first, incident.first);
  row->last = std::max(row->last, incident.last);
  if (row->alerts <= limit || row->title_zh.empty()) {
    row->topic = incident.topic;
    row->title_zh = incident.title.zh;
    row->title_en = incident.title.en;
    row->summary_zh = incident.summary.zh;
    row->summary_en = incident.summary.en;
    row->entities = static_cast<std::int64_t>(incident.entities.size());
  } else {
    row->entities = std::max(row->entities, static_cast<std::int64_t>(incident.entities.size()));
  }
  row->grade = parts.content.grades
                   .grade(static_cast<unsigned>(row->severity), static_cast<std::size_t>(row->entities),
                          static_cast<std::size_t>(row->alerts))
                   .id;
  row->updated_at = parts.clock.wall();
  return tx.incidents().update(*row);
}

}  // namespace pandun::casework
