#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr std::string_view kColumns =
    "seq, id, detector, topic, title_zh, title_en, state, entity_kind, entity_value, entity_token, entity_note,"
    " incident_id, case_id, protected_group, severity, confidence, first, last, signals, first_position, last_position,"
    " created_at, updated_at, doc";

AlertRow read_alert(const Row& row) {
  AlertRow out;
  out.seq = row.integer(0);
  out.id = row.text(1);
  out.detector = row.text(2);
  out.topic = row.text(3);
  out.title_zh = row.text(4);
  out.title_en = row.text(5);
  out.state = row.text(6);
  out.entity_kind = row.text(7);
  out.entity_value = row.text(8);
  out.entity_token = row.text(9);
  out.entity_note = row.text(10);
  out.incident_id = row.text(11);
  out.case_id = row.text(12);
  out.protected_group = row.text(13);
  out.severity = static_cast<int>(row.integer(14));
  out.confidence = row.number(15);
  out.first = row.event(16);
  out.last = row.event(17);
  out.signals = row.integer(18);
  out.first_position = row.integer(19);
  out.last_position = row.integer(20);
  out.created_at = row.wall(21);
  out.updated_at = row.wall(22);
  out.doc = row.text(23);
  return out;
}

std::string select_alerts(std::string_view rest) {
  return "SELECT " + std::string(kColumns) + " FROM alerts" + std::string(rest);
}

const std::string& key_of(const AlertRow& alert) {
  return alert.entity_token.empty() ? alert.entity_value : alert.entity_token;
}

std::string search_text(const AlertRow& alert) {
  return fold_for_search(alert.title_zh + '\n' + alert.title_en + '\n' + alert.detector + '\n' + alert.topic + '\n' +
                         alert.entity_value + '\n' + alert.entity_token + '\n' + alert.entity_note + '\n' + alert.id);
}

// instr() and not FTS5: SQLite's trigram index finds nothing for two Chinese characters, the usual length of a word.
Where where_of(const AlertFilter& filter, const std::string& folded_q) {
  Where where;
  where.equals_unless_empty("detector", filter.detector)
      .equals_unless_empty("topic", filter.topic)
      .equals_unless_empty("state", filter.state)
      .equals_unless_empty("entity_kind", filter.entity_kind)
      .equals_unless_empty("incident_id", filter.incident_id)
      .equals_unless_empty("case_id", filter.case_id)
      .equals_unless_empty("entity_key", filter.entity);
  if (filter.severity_min > 0) where.add("severity >= ?", filter.severity_min);
  if (filter.from_ms) where.add("last >= ?", *filter.from_ms);
  if (filter.to_ms) where.add("first <= ?", *filter.to_ms);
  if (!folded_q.empty()) where.add("instr(search, ?) > 0", folded_q);
  return where;
}

Count read_count(const Row& row) {
  return {row.text(0), row.integer(1)};
}
AlertBucket read_bucket(const Row& row) {
  return {row.integer(0), row.integer(1)};
}

}  // namespace

Result<std::optional<AlertRow>> SqliteAlerts::by_id(const std::string& id) const {
  return fetch_one(db_, select_alerts(" WHERE id = ?"), {id}, read_alert);
}

Result<std::optional<AlertRow>> SqliteAlerts::newest_of(const std::string& detector, const std::string& entity_kind,
                                                        const std::string& entity_key) const {
  return fetch_one(
      db_, select_alerts(" WHERE entity_key = ? AND entity_kind = ? AND detector = ? ORDER BY seq DESC LIMIT 1"),
      {entity_key, entity_kind, detector}, read_alert);
}

Result<Page<AlertRow>> SqliteAlerts::list(const AlertFilter& filter, const PageRequest& page) const {
  const std::string q = fold_for_search(filter.q);
  Where where = where_of(filter, q);
  where.page(page);
  return fetch_page(db_, select_alerts(""), where, page, read_alert);
}

Result<std::int64_t> SqliteAlerts::count(const AlertFilter& filter) const {
  const std::string q = fold_for_search(filter.q);
  const Where where = where_of(filter, q);
  std::int64_t count = 0;
  TRY(db_.query("SELECT count(*) FROM alerts" + where.sql(), where.values(),
                [&](const Row& row) { count = row.integer(0); }));
  return count;
}

Result<std::vector<AlertRow>> SqliteAlerts::linked(const std::vector<std::string>& keys, EventMs from, EventMs to,
                                                   int limit) const {
  if (keys.empty()) return std::vector<AlertRow>{};
  std::string marks;
  std::vector<Bind> values;
  for (const std::string& key : keys) {
    marks += marks.empty() ? "?" : ",?";
    values.emplace_back(key);
  }
  values.emplace_back(from);
  values.emplace_back(to);
  values.emplace_back(clamp_limit(limit));
  std::vector<AlertRow> out;
  TRY(db_.query(select_alerts(" WHERE id IN (SELECT alert_id FROM alert_links WHERE key IN (" + marks +
                              ")) AND last >= ? AND first <= ? ORDER BY seq DESC LIMIT ?"),
                values, [&](const Row& row) { out.push_back(read_alert(row)); }));
  return out;
}

Result<std::int64_t> SqliteAlerts::created_since(WallMs since) const {
  return db_.integer("SELECT count(*) FROM alerts WHERE created_at >= ?", {since});
}

Result<std::vector<AlertBucket>> SqliteAlerts::created_per(WallMs since, std::int64_t step_ms) const {
  return fetch_all(db_,
                   "SELECT ?2 + ((created_at - ?2) / ?1) * ?1 AS start, count(*) FROM alerts WHERE created_at >= ?2"
                   " GROUP BY start ORDER BY start",
                   {step_ms, since}, read_bucket);
}

Result<std::vector<Count>> SqliteAlerts::count_by_detector(WallMs since) const {
  return fetch_all(db_,
                   "SELECT detector, count(*) FROM alerts WHERE created_at >= ? GROUP BY detector"
                   " ORDER BY count(*) DESC, detector",
                   {since}, read_count);
}

Result<std::vector<Count>> SqliteAlerts::count_by_severity(WallMs since) const {
  return fetch_all(db_,
                   "SELECT CAST(severity AS TEXT), count(*) FROM alerts WHERE created_at >= ? GROUP BY severity"
                   " ORDER BY severity DESC",
                   {since}, read_count);
}

Result<std::int64_t> SqliteAlerts::insert(const AlertRow& alert) {
  TRY(db_.run(
      "INSERT INTO alerts(id, detector, topic, title_zh, title_en, state, entity_kind, entity_value, entity_token,"
      " entity_note, entity_key, incident_id, case_id, protected_group, severity, confidence, first, last, signals,"
      " first_position, last_position, created_at, updated_at, search, doc)"
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {alert.id,          alert.detector,        alert.topic,
       alert.title_zh,    alert.title_en,        alert.state,
       alert.entity_kind, alert.entity_value,    alert.entity_token,
       alert.entity_note, key_of(alert),         alert.incident_id,
       alert.case_id,     alert.protected_group, alert.severity,
       alert.confidence,  alert.first,           alert.last,
       alert.signals,     alert.first_position,  alert.last_position,
       alert.created_at,  alert.updated_at,      search_text(alert),
       alert.doc}));
  return db_.last_id();
}

Result<> SqliteAlerts::update(const AlertRow& alert) {
  TRY(
      db_.run("UPDATE alerts SET topic = ?, title_zh = ?, title_en = ?, state = ?, incident_id = ?, case_id = ?,"
              " protected_group = ?, severity = ?, confidence = ?, first = ?, last = ?, signals = ?, last_position = ?,"
              " updated_at = ?, search = ?, doc = ? WHERE id = ?",
              {alert.topic, alert.title_zh, alert.title_en, alert.state, alert.incident_id, alert.case_id,
               alert.protected_group, alert.severity, alert.confidence, alert.first, alert.last, alert.signals,
               alert.last_position, alert.updated_at, search_text(alert), alert.doc, alert.id}));
  return need_one(db_, "alert " + alert.id);
}

Result<> SqliteAlerts::set_links(const std::string& id, const std::vector<std::string>& keys) {
  TRY(db_.run("DELETE FROM alert_links WHERE alert_id = ?", {id}));
  for (const std::string& key : keys) {
    TRY(db_.run("INSERT OR IGNORE INTO alert_links(key, alert_id) VALUES (?,?)", {key, id}));
  }
  return {};
}

namespace {

constexpr std::string_view kIncidents =
    "SELECT seq, id, topic, title_zh, title_en, grade, state, owner, summary_zh, summary_en, case_id, merged_into,"
    " severity, alerts, entities, first, last, created_at, updated_at FROM incidents";

IncidentRow read_incident(const Row& row) {
  return {row.integer(0),
          row.text(1),
          row.text(2),
          row.text(3),
          row.text(4),
          row.text(5),
          row.text(6),
          row.text(7),
          row.text(8),
          row.text(9),
          row.text(10),
          row.text(11),
          static_cast<int>(row.integer(12)),
          row.integer(13),
          row.integer(14),
          row.event(15),
          row.event(16),
          row.wall(17),
          row.wall(18)};
}

}  // namespace

Result<std::optional<IncidentRow>> SqliteIncidents::by_id(const std::string& id) const {
  return fetch_one(db_, std::string(kIncidents) + " WHERE id = ?", {id}, read_incident);
}

Result<Page<IncidentRow>> SqliteIncidents::list(const std::string& state, const std::string& grade,
                                                const PageRequest& page) const {
  Where where;
  where.add("state <> 'merged'").equals_unless_empty("state", state).equals_unless_empty("grade", grade).page(page);
  return fetch_page(db_, std::string(kIncidents), where, page, read_incident);
}

Result<std::int64_t> SqliteIncidents::count(const std::string& state) const {
  return db_.integer("SELECT count(*) FROM incidents WHERE state = ?", {state});
}

Result<std::vector<Count>> SqliteIncidents::count_by_grade() const {
  return fetch_all(
      db_, "SELECT grade, count(*) FROM incidents WHERE state IN ('open', 'in_case') GROUP BY grade ORDER BY grade", {},
      read_count);
}

Result<> SqliteIncidents::insert(const IncidentRow& row) {
  return db_.run(
      "INSERT INTO incidents(id, topic, title_zh, title_en, grade, state, owner, summary_zh, summary_en, case_id,"
      " merged_into, severity, alerts, entities, first, last, created_at, updated_at)"
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id, row.topic, row.title_zh, row.title_en, row.grade, row.state, row.owner, row.summary_zh, row.summary_en,
       row.case_id, row.merged_into, row.severity, row.alerts, row.entities, row.first, row.last, row.created_at,
       row.updated_at});
}

Result<> SqliteIncidents::update(const IncidentRow& row) {
  TRY(
      db_.run("UPDATE incidents SET topic = ?, title_zh = ?, title_en = ?, grade = ?, state = ?, owner = ?,"
              " summary_zh = ?, summary_en = ?, case_id = ?, merged_into = ?, severity = ?, alerts = ?, entities = ?,"
              " first = ?, last = ?, updated_at = ? WHERE id = ?",
              {row.topic, row.title_zh, row.title_en, row.grade, row.state, row.owner, row.summary_zh, row.summary_en,
               row.case_id, row.merged_into, row.severity, row.alerts, row.entities, row.first, row.last,
               row.updated_at, row.id}));
  return need_one(db_, "incident " + row.id);
}

}  // namespace pandun::store
