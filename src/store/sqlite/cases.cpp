#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr std::string_view kCases =
    "SELECT seq, id, number, title_zh, state, previous_state, grade, assignee, topic, protected_group, workflow,"
    " workflow_version, severity, incident_id, opened_by, entity_kind, entity_value, entity_token, entity_note,"
    " opened_at, updated_at, due_at, closed_at, verify_until, sighting_position, version, done, title_en FROM cases";

CaseRow read_case(const Row& row) {
  CaseRow out;
  out.seq = row.integer(0);
  out.id = row.text(1);
  out.number = row.text(2);
  out.title_zh = row.text(3);
  out.state = row.text(4);
  out.previous_state = row.text(5);
  out.grade = row.text(6);
  out.assignee = row.text(7);
  out.topic = row.text(8);
  out.protected_group = row.text(9);
  out.workflow = row.text(10);
  out.workflow_version = row.integer(11);
  out.severity = static_cast<int>(row.integer(12));
  out.incident_id = row.text(13);
  out.opened_by = row.text(14);
  out.entity_kind = row.text(15);
  out.entity_value = row.text(16);
  out.entity_token = row.text(17);
  out.entity_note = row.text(18);
  out.opened_at = row.wall(19);
  out.updated_at = row.wall(20);
  out.due_at = row.maybe_wall(21);
  out.closed_at = row.maybe_wall(22);
  out.verify_until = row.maybe_wall(23);
  out.sighting_position = row.integer(24);
  out.version = row.integer(25);
  out.done = row.boolean(26);
  out.title_en = row.text(27);
  return out;
}

TopicCount read_topic_count(const Row& row) {
  return {row.text(0), row.boolean(1), row.integer(2)};
}

CaseEntityRow read_entity(const Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3)};
}

}  // namespace

Result<std::optional<CaseRow>> SqliteCases::by_id(const std::string& id) const {
  return fetch_one(db_, std::string(kCases) + " WHERE id = ?", {id}, read_case);
}

Result<Page<CaseRow>> SqliteCases::list(const CaseFilter& filter, const PageRequest& page) const {
  Where where;
  where.equals_unless_empty("state", filter.state).equals_unless_empty("assignee", filter.assignee);
  where.equals_unless_empty("topic", filter.topic);
  if (filter.overdue_only) where.add("done = 0 AND due_at < ?", filter.now);
  where.page(page);
  return fetch_page(db_, std::string(kCases), where, page, read_case);
}

Result<std::int64_t> SqliteCases::count_open() const {
  return db_.integer("SELECT count(*) FROM cases WHERE done = 0", {});
}
Result<std::vector<TopicCount>> SqliteCases::count_by_topic() const {
  return fetch_all(db_, "SELECT topic, done, count(*) FROM cases GROUP BY topic, done", {}, read_topic_count);
}
Result<std::int64_t> SqliteCases::count_overdue(WallMs now) const {
  return db_.integer("SELECT count(*) FROM cases WHERE done = 0 AND due_at < ?", {now});
}

Result<std::vector<CaseRow>> SqliteCases::of_entity(const std::string& kind, const std::string& key) const {
  return fetch_all(db_,
                   std::string(kCases) +
                       " WHERE id IN (SELECT case_id FROM case_entities WHERE key = ? AND kind = ?"
                       " AND role = 'subject') ORDER BY seq DESC LIMIT 20",
                   {key, kind}, read_case);
}

Result<std::vector<CaseRow>> SqliteCases::verifying_until(WallMs now) const {
  return fetch_all(db_,
                   std::string(kCases) + " WHERE verify_until IS NOT NULL AND verify_until <= ? ORDER BY seq LIMIT 200",
                   {now}, read_case);
}

Result<std::vector<CaseEntityRow>> SqliteCases::entities(const std::string& case_id) const {
  return fetch_all(db_,
                   "SELECT case_id, kind, key, role FROM case_entities WHERE case_id = ? ORDER BY role DESC, kind, key",
                   {case_id}, read_entity);
}

Result<> SqliteCases::insert(const CaseRow& row) {
  return db_.run(
      "INSERT INTO cases(id, number, title_zh, title_en, state, previous_state, grade, assignee, topic, "
      "protected_group, workflow,"
      " workflow_version, severity, incident_id, opened_by, entity_kind, entity_value, entity_token, entity_note,"
      " opened_at, updated_at, due_at, closed_at, verify_until, sighting_position, version, done)"
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id,
       row.number,
       row.title_zh,
       row.title_en,
       row.state,
       row.previous_state,
       row.grade,
       row.assignee,
       row.topic,
       row.protected_group,
       row.workflow,
       row.workflow_version,
       row.severity,
       row.incident_id,
       row.opened_by,
       row.entity_kind,
       row.entity_value,
       row.entity_token,
       row.entity_note,
       row.opened_at,
       row.updated_at,
       row.due_at,
       row.closed_at,
       row.verify_until,
       row.sighting_position,
       row.version,
       row.done});
}

Result<> SqliteCases::update(const CaseRow& row) {
  TRY(db_.run(
      "UPDATE cases SET title_zh = ?, title_en = ?, state = ?, previous_state = ?, grade = ?, assignee = ?, topic = ?,"
      " protected_group = ?, severity = ?, updated_at = ?, due_at = ?, closed_at = ?, verify_until = ?,"
      " sighting_position = ?, done = ?, version = version + 1 WHERE id = ? AND version = ?",
      {row.title_zh, row.title_en, row.state, row.previous_state, row.grade, row.assignee, row.topic,
       row.protected_group, row.severity, row.updated_at, row.due_at, row.closed_at, row.verify_until,
       row.sighting_position, row.done, row.id, row.version}));
  if (db_.changes() == 1) return {};
  return error(Errc::kConflict, "case " + row.id, "somebody changed the case since it was read");
}

Result<> SqliteCases::add_entity(const CaseEntityRow& row) {
  return db_.run("INSERT OR IGNORE INTO case_entities(kind, key, case_id, role) VALUES (?,?,?,?)",
                 {row.kind, row.key, row.case_id, row.role});
}

}  // namespace pandun::store
