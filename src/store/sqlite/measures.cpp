#include <algorithm>

#include "store/sqlite/listed_measures.h"
#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr std::size_t kPerToken = 20;

// Texts of a measure of a card batch stand in the batch.
constexpr std::string_view kMeasures =
    "SELECT seq, id, case_id, kind, category, ground_id,"
    " iif(bulk, (SELECT b.scope FROM card_batches b WHERE b.id = batch_id), scope),"
    " iif(bulk, (SELECT b.reason FROM card_batches b WHERE b.id = batch_id), reason),"
    " iif(bulk, (SELECT b.skip_reason FROM card_batches b WHERE b.id = batch_id), skip_reason),"
    " state, proposed_by, approved_by, approvals, approvals_needed, refused_reason, lapsed_reason,"
    " iif(bulk, (SELECT b.notice FROM card_batches b WHERE b.id = batch_id), notice),"
    " iif(bulk, (SELECT b.appeal_channel FROM card_batches b WHERE b.id = batch_id), appeal_channel),"
    " entity_kind, entity_value,"
    " entity_token, proposed_at, expires_at, lapse_at, approved_at, ended_at, batch_id, risk, risk_basis,"
    " protected_group, check_result, check_due, checked_at, checked_by FROM measures";

MeasureRow read_measure(const Row& row) {
  MeasureRow out;
  out.seq = row.integer(0);
  out.id = row.text(1);
  out.case_id = row.text(2);
  out.kind = row.text(3);
  out.category = row.text(4);
  out.ground_id = row.text(5);
  out.scope = row.text(6);
  out.reason = row.text(7);
  out.skip_reason = row.text(8);
  out.state = row.text(9);
  out.proposed_by = row.text(10);
  out.approved_by = row.text(11);
  out.approvals = split_words(row.text(12));
  out.approvals_needed = row.integer(13);
  out.refused_reason = row.text(14);
  out.lapsed_reason = row.text(15);
  out.notice = row.text(16);
  out.appeal_channel = row.text(17);
  out.entity_kind = row.text(18);
  out.entity_value = row.text(19);
  out.entity_token = row.text(20);
  out.proposed_at = row.wall(21);
  out.expires_at = row.wall(22);
  out.lapse_at = row.wall(23);
  out.approved_at = row.maybe_wall(24);
  out.ended_at = row.maybe_wall(25);
  out.batch_id = row.text(26);
  out.risk = static_cast<int>(row.integer(27));
  out.risk_basis = row.text(28);
  out.protected_group = row.text(29);
  out.check_result = row.text(30);
  out.check_due = row.maybe_wall(31);
  out.checked_at = row.maybe_wall(32);
  out.checked_by = row.text(33);
  return out;
}

}  // namespace

Result<std::optional<MeasureRow>> SqliteMeasures::by_id(const std::string& id) const {
  TRY_ASSIGN(auto row, fetch_one(db_, std::string(kMeasures) + " WHERE id = ?", {id}, read_measure));
  if (row) return row;
  return listed_by_id(db_, id);
}
Result<std::vector<MeasureRow>> SqliteMeasures::of_case(const std::string& case_id) const {
  return fetch_all(db_, std::string(kMeasures) + " WHERE case_id = ? AND bulk = 0 ORDER BY seq", {case_id},
                   read_measure);
}
Result<std::vector<MeasureRow>> SqliteMeasures::in_force(WallMs now) const {
  return fetch_all(db_,
                   std::string(kMeasures) +
                       " WHERE state IN ('approved', 'ordered', 'in_force', 'appealed') AND expires_at > ? AND bulk = 0"
                       " ORDER BY seq",
                   {now}, read_measure);
}
Result<std::vector<MeasureRow>> SqliteMeasures::ending_by(WallMs now) const {
  return fetch_all(
      db_,
      std::string(kMeasures) +
          " WHERE (bulk = 0 AND state = 'proposed' AND lapse_at <= ?1) OR (bulk = 0 AND state IN ('proposed',"
          " 'approved', 'ordered', 'in_force', 'appealed') AND expires_at <= ?1) ORDER BY seq LIMIT 200",
      {now}, read_measure);
}
Result<std::int64_t> SqliteMeasures::count_state(const std::string& state) const {
  return db_.integer("SELECT count(*) FROM measures WHERE state = ? AND bulk = 0", {state});
}

Result<Page<MeasureRow>> SqliteMeasures::of_batch(const std::string& batch_id, const PageRequest& page) const {
  Where where;
  where.add("batch_id = ?", batch_id).page(page);
  return fetch_page(db_, std::string(kMeasures), where, page, read_measure);
}
Result<std::vector<std::pair<std::string, std::int64_t>>> SqliteMeasures::counts_of_batch(
    const std::string& batch_id) const {
  std::vector<std::pair<std::string, std::int64_t>> out;
  TRY(
      db_.query("SELECT state, count(*) FROM measures WHERE batch_id = ?1 AND batch_id <> '' GROUP BY state UNION ALL"
                " SELECT 'check:' || check_result, count(*) FROM measures WHERE batch_id = ?1 AND batch_id <> ''"
                " AND check_result <> '' GROUP BY check_result",
                {batch_id}, [&](const Row& row) { out.emplace_back(row.text(0), row.integer(1)); }));
  return out;
}
Result<std::vector<MeasureRow>> SqliteMeasures::of_token(const std::string& token) const {
  if (token.empty()) return std::vector<MeasureRow>();
  TRY_ASSIGN(auto rows, fetch_all(db_,
                                  std::string(kMeasures) +
                                      " WHERE entity_token = ? AND entity_token <> '' ORDER BY seq DESC LIMIT 20",
                                  {token}, read_measure));
  TRY_ASSIGN(auto out, listed_of_token(db_, token));
  out.insert(out.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  std::stable_sort(out.begin(), out.end(),
                   [](const MeasureRow& a, const MeasureRow& b) { return a.proposed_at.ms > b.proposed_at.ms; });
  if (out.size() > kPerToken) out.resize(kPerToken);
  return out;
}
Result<std::vector<MeasureRow>> SqliteMeasures::checks_due_by(WallMs now) const {
  return fetch_all(db_,
                   std::string(kMeasures) +
                       " WHERE check_due IS NOT NULL AND check_due <= ? AND check_result <> 'failed'"
                       " AND bulk = 0 AND state IN ('approved', 'ordered', 'in_force') ORDER BY seq LIMIT 200",
                   {now}, read_measure);
}
Result<std::vector<MeasureRow>> SqliteMeasures::walk(std::int64_t after, int limit) const {
  std::vector<MeasureRow> out;
  if (after < kListedSeq) {
    TRY_ASSIGN(out,
               fetch_all(db_, std::string(kMeasures) + " WHERE seq > ? AND entity_kind = 'number' ORDER BY seq LIMIT ?",
                         {after, limit}, read_measure));
  }
  if (static_cast<int>(out.size()) == limit) return out;
  TRY_ASSIGN(auto listed, listed_behind(db_, after, limit - static_cast<int>(out.size())));
  out.insert(out.end(), std::make_move_iterator(listed.begin()), std::make_move_iterator(listed.end()));
  return out;
}
Result<std::int64_t> SqliteMeasures::last_row() const {
  return db_.integer("SELECT max(seq) FROM measures", {});
}

Result<> SqliteMeasures::insert(const MeasureRow& row) {
  return db_.run(
      "INSERT INTO measures(id, case_id, kind, category, ground_id, scope, reason, skip_reason, state, proposed_by,"
      " approved_by, approvals, approvals_needed, refused_reason, lapsed_reason, notice, appeal_channel, entity_kind,"
      " entity_value, entity_token, proposed_at, expires_at, lapse_at, approved_at, ended_at, batch_id, risk, "
      "risk_basis,"
      " protected_group, check_result, check_due, checked_at, checked_by)"
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id,
       row.case_id,
       row.kind,
       row.category,
       row.ground_id,
       row.scope,
       row.reason,
       row.skip_reason,
       row.state,
       row.proposed_by,
       row.approved_by,
       join_words(row.approvals),
       row.approvals_needed,
       row.refused_reason,
       row.lapsed_reason,
       row.notice,
       row.appeal_channel,
       row.entity_kind,
       row.entity_value,
       row.entity_token,
       row.proposed_at,
       row.expires_at,
       row.lapse_at,
       row.approved_at,
       row.ended_at,
       row.batch_id,
       row.risk,
       row.risk_basis,
       row.protected_group,
       row.check_result,
       row.check_due,
       row.checked_at,
       row.checked_by});
}

Result<> SqliteMeasures::update(const MeasureRow& row) {
  const auto put = [&] {
    return db_.run(
        "UPDATE measures SET state = ?, approved_by = ?, approvals = ?, refused_reason = ?, lapsed_reason = ?,"
        " notice = ?, approved_at = ?, ended_at = ?, expires_at = ?, check_result = ?, check_due = ?,"
        " checked_at = ?, checked_by = ? WHERE id = ?",
        {row.state, row.approved_by, join_words(row.approvals), row.refused_reason, row.lapsed_reason, row.notice,
         row.approved_at, row.ended_at, row.expires_at, row.check_result, row.check_due, row.checked_at, row.checked_by,
         row.id});
  };
  TRY(put());
  if (db_.changes() == 1) return {};
  TRY_ASSIGN(const bool listed, keep_listed(db_, row.id));
  if (listed) return put();
  return error(Errc::kNotFound, "measure " + row.id, "there is no such row");
}

}  // namespace pandun::store
