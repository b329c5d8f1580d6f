#include "store/sqlite/listed_measures.h"
#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr std::string_view kBatches =
    "SELECT seq, id, case_id, kind, category, ground_id, scope, reason, skip_reason, notice, appeal_channel, state,"
    " proposed_by, refused_reason, left_out, members, proposed_at, expires_at, lapse_at, decided_at FROM "
    "measure_batches";

BatchRow read_batch(const Row& row) {
  return {row.integer(0), row.text(1),     row.text(2),  row.text(3),  row.text(4),  row.text(5),       row.text(6),
          row.text(7),    row.text(8),     row.text(9),  row.text(10), row.text(11), row.text(12),      row.text(13),
          row.text(14),   row.integer(15), row.wall(16), row.wall(17), row.wall(18), row.maybe_wall(19)};
}

constexpr std::string_view kAppeals =
    "SELECT seq, id, measure_id, case_id, decision_id, channel, claim, recorded_by, late, state, state_before, "
    "reviewer,"
    " reason, repair, received_at, due_at, decided_at FROM appeals";

AppealRow read_appeal(const Row& row) {
  return {row.integer(0), row.text(1),  row.text(2),    row.text(3),  row.text(4),       row.text(5),
          row.text(6),    row.text(7),  row.boolean(8), row.text(9),  row.text(10),      row.text(11),
          row.text(12),   row.text(13), row.wall(14),   row.wall(15), row.maybe_wall(16)};
}

}  // namespace

Result<std::optional<BatchRow>> SqliteBatches::by_id(const std::string& id) const {
  return fetch_one(db_, std::string(kBatches) + " WHERE id = ?", {id}, read_batch);
}
Result<Page<BatchRow>> SqliteBatches::list(const std::string& state, const std::string& case_id,
                                           const PageRequest& page) const {
  Where where;
  where.equals_unless_empty("state", state).equals_unless_empty("case_id", case_id).page(page);
  return fetch_page(db_, std::string(kBatches), where, page, read_batch);
}
Result<> SqliteBatches::insert(const BatchRow& row) {
  return db_.run(
      "INSERT INTO measure_batches(id, case_id, kind, category, ground_id, scope, reason, skip_reason, notice,"
      " appeal_channel, state, proposed_by, refused_reason, left_out, members, proposed_at, expires_at, lapse_at,"
      " decided_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id, row.case_id, row.kind, row.category, row.ground_id, row.scope, row.reason, row.skip_reason, row.notice,
       row.appeal_channel, row.state, row.proposed_by, row.refused_reason, row.left_out, row.members, row.proposed_at,
       row.expires_at, row.lapse_at, row.decided_at});
}
Result<> SqliteBatches::update(const BatchRow& row) {
  TRY(db_.run("UPDATE measure_batches SET state = ?, refused_reason = ?, decided_at = ? WHERE id = ?",
              {row.state, row.refused_reason, row.decided_at, row.id}));
  return need_one(db_, "batch " + row.id);
}

Result<std::optional<AppealRow>> SqliteAppeals::by_id(const std::string& id) const {
  return fetch_one(db_, std::string(kAppeals) + " WHERE id = ?", {id}, read_appeal);
}
Result<std::optional<AppealRow>> SqliteAppeals::open_of(const std::string& measure_id) const {
  return fetch_one(db_, std::string(kAppeals) + " WHERE measure_id = ? AND state = 'open'", {measure_id}, read_appeal);
}
Result<std::vector<AppealRow>> SqliteAppeals::of_measure(const std::string& measure_id) const {
  return fetch_all(db_, std::string(kAppeals) + " WHERE measure_id = ? ORDER BY seq", {measure_id}, read_appeal);
}
Result<Page<AppealRow>> SqliteAppeals::list(const std::string& state, const std::string& case_id,
                                            const PageRequest& page) const {
  Where where;
  where.equals_unless_empty("state", state).equals_unless_empty("case_id", case_id).page(page);
  return fetch_page(db_, std::string(kAppeals), where, page, read_appeal);
}
Result<std::vector<AppealRow>> SqliteAppeals::due_by(WallMs now) const {
  return fetch_all(db_, std::string(kAppeals) + " WHERE state = 'open' AND due_at < ? ORDER BY seq LIMIT 200", {now},
                   read_appeal);
}
Result<> SqliteAppeals::insert(const AppealRow& row) {
  TRY(keep_listed(db_, row.measure_id));
  return db_.run(
      "INSERT INTO appeals(id, measure_id, case_id, decision_id, channel, claim, recorded_by, late, state, "
      "state_before,"
      " reviewer, reason, repair, received_at, due_at, decided_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id, row.measure_id, row.case_id, row.decision_id, row.channel, row.claim, row.recorded_by, row.late,
       row.state, row.state_before, row.reviewer, row.reason, row.repair, row.received_at, row.due_at, row.decided_at});
}
Result<> SqliteAppeals::update(const AppealRow& row) {
  TRY(db_.run("UPDATE appeals SET state = ?, reviewer = ?, reason = ?, repair = ?, decided_at = ? WHERE id = ?",
              {row.state, row.reviewer, row.reason, row.repair, row.decided_at, row.id}));
  return need_one(db_, "appeal " + row.id);
}

}  // namespace pandun::store
