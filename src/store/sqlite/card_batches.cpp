#include <map>

#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr std::string_view kBatches =
    "SELECT seq, id, case_id, kind, category, ground_id, scope, reason, skip_reason, notice, appeal_channel, state,"
    " loaded_by, proposed_by, refused_reason, name, digest, approvals, lines, members, duplicate, faulty, set_aside, "
    "groups,"
    " position, created, cursor, proposed_at, expires_at, lapse_at, decided_at, done_at FROM card_batches";

CardBatchRow read_batch(const Row& row) {
  CardBatchRow out;
  out.seq = row.integer(0);
  int column = 1;
  for (std::string* text : {&out.id, &out.case_id, &out.kind, &out.category, &out.ground_id, &out.scope, &out.reason,
                            &out.skip_reason, &out.notice, &out.appeal_channel, &out.state, &out.loaded_by,
                            &out.proposed_by, &out.refused_reason, &out.name, &out.digest})
    *text = row.text(column++);
  out.approvals = split_words(row.text(column++));
  for (std::int64_t* count : {&out.lines, &out.members, &out.duplicate, &out.faulty, &out.set_aside})
    *count = row.integer(column++);
  out.groups = row.text(column++);
  out.offset = row.integer(column++);
  out.created = row.integer(column++);
  out.cursor = row.text(column++);
  for (WallMs* at : {&out.proposed_at, &out.expires_at, &out.lapse_at}) *at = row.wall(column++);
  out.decided_at = row.maybe_wall(column++);
  out.done_at = row.maybe_wall(column++);
  return out;
}

}  // namespace

Result<std::optional<CardBatchRow>> SqliteCardBatches::by_id(const std::string& id) const {
  return fetch_one(db_, std::string(kBatches) + " WHERE id = ?", {id}, read_batch);
}
Result<std::optional<CardBatchRow>> SqliteCardBatches::of_digest(const std::string& case_id,
                                                                 const std::string& digest) const {
  return fetch_one(db_,
                   std::string(kBatches) +
                       " WHERE case_id = ? AND digest = ? AND state NOT IN ('refused', 'lapsed') ORDER BY seq LIMIT 1",
                   {case_id, digest}, read_batch);
}
Result<Page<CardBatchRow>> SqliteCardBatches::list(const std::string& state, const PageRequest& page) const {
  Where where;
  where.equals_unless_empty("state", state).page(page);
  return fetch_page(db_, std::string(kBatches), where, page, read_batch);
}
Result<std::vector<std::pair<std::string, std::int64_t>>> SqliteCardBatches::counts(const std::string& id) const {
  std::vector<std::pair<std::string, std::int64_t>> out;
  TRY(db_.query("SELECT state, count(*) FROM measures WHERE batch_id = ? AND batch_id <> '' GROUP BY state", {id},
                [&](const Row& row) { out.emplace_back(row.text(0), row.integer(1)); }));
  return out;
}
Result<> SqliteCardBatches::insert(const CardBatchRow& row) {
  TRY(
      db_.run("INSERT INTO card_batches(id, case_id, kind, category, ground_id, scope, reason, skip_reason, notice,"
              " appeal_channel, state, loaded_by, proposed_by, refused_reason, name, digest, approvals, lines, members,"
              " duplicate, faulty, set_aside, groups, position, created, cursor, proposed_at, expires_at, lapse_at)"
              " VALUES (?1, ?2, '', '', '', '', '', '', '', '', ?3, ?4, '', '', ?5, ?6, '', 0, 0, 0, 0, 0, '{}', 0, 0,"
              " '', ?7, 0, 0)",
              {row.id, row.case_id, row.state, row.loaded_by, row.name, row.digest, row.proposed_at}));
  return {};
}
Result<> SqliteCardBatches::update(const CardBatchRow& row) {
  TRY(
      db_.run("UPDATE card_batches SET kind = ?, category = ?, ground_id = ?, scope = ?, reason = ?, skip_reason = ?,"
              " notice = ?, appeal_channel = ?, proposed_by = ?, proposed_at = ?, expires_at = ?, state = ?,"
              " refused_reason = ?, approvals = ?, lines = ?, members = ?, duplicate = ?, faulty = ?, set_aside = ?,"
              " groups = ?, position = ?, created = ?, cursor = ?, lapse_at = ?, decided_at = ?, done_at = ?"
              " WHERE id = ?",
              {row.kind,
               row.category,
               row.ground_id,
               row.scope,
               row.reason,
               row.skip_reason,
               row.notice,
               row.appeal_channel,
               row.proposed_by,
               row.proposed_at,
               row.expires_at,
               row.state,
               row.refused_reason,
               join_words(row.approvals),
               row.lines,
               row.members,
               row.duplicate,
               row.faulty,
               row.set_aside,
               row.groups,
               row.offset,
               row.created,
               row.cursor,
               row.lapse_at,
               row.decided_at,
               row.done_at,
               row.id}));
  return need_one(db_, "batch " + row.id);
}
Result<bool> SqliteCardBatches::add_item(std::int64_t batch_seq, const std::string& token) {
  TRY(db_.run("INSERT OR IGNORE INTO card_items(batch, token) VALUES (?,?)", {batch_seq, token}));
  return db_.changes() == 1;
}

// In order of token, so that every index but the rows' own grows at one place. The texts stay with the batch.
Result<std::int64_t> SqliteCardBatches::make_measures(CardBatchRow& row, WallMs now, std::optional<WallMs> check_due,
                                                      int limit) {
  const std::string approver = row.approvals.empty() ? std::string() : row.approvals.back();
  TRY(db_.run(
      "INSERT INTO measures(id, case_id, kind, category, ground_id, scope, reason, skip_reason, state, proposed_by,"
      " approved_by, approvals, approvals_needed, refused_reason, lapsed_reason, notice, appeal_channel, entity_kind,"
      " entity_value, entity_token, proposed_at, expires_at, lapse_at, approved_at, batch_id, check_due, bulk)"
      " SELECT 'M-' || substr(?1, 3) || '-' || printf('%07d', ?2 + row_number() OVER (ORDER BY token)), ?3, ?4, ?5, ?6,"
      " '', '', '', 'approved', ?7, ?8, ?8, 1, '', '', '', '', 'number', substr(token, 1, 10) || '…', token, ?9, ?10,"
      " ?11, ?12, ?1, ?13, 1 FROM (SELECT token FROM card_items WHERE batch = ?14 AND token > ?15 ORDER BY token"
      " LIMIT ?16)",
      {row.id, row.created, row.case_id, row.kind, row.category, row.ground_id, row.proposed_by, approver,
       row.proposed_at, row.expires_at, row.lapse_at, now, check_due, row.seq, row.cursor, limit}));
  const std::int64_t made = db_.changes();
  if (made == 0) return made;
  const std::string before = row.cursor;
  TRY(
      db_.query("SELECT max(token) FROM (SELECT token FROM card_items WHERE batch = ? AND token > ? ORDER BY token"
                " LIMIT ?)",
                {row.seq, before, limit}, [&](const Row& found) { row.cursor = found.text(0); }));
  row.created += made;
  TRY(db_.run("DELETE FROM card_items WHERE batch = ? AND token <= ?", {row.seq, row.cursor}));
  return made;
}
Result<std::int64_t> SqliteCardBatches::drop_items(int limit) {
  TRY(
      db_.run("DELETE FROM card_items WHERE (batch, token) IN (SELECT batch, token FROM card_items WHERE batch IN"
              " (SELECT seq FROM card_batches WHERE state IN ('refused', 'lapsed')) LIMIT ?)",
              {limit}));
  return db_.changes();
}

Result<std::vector<std::pair<std::string, std::int64_t>>> SqliteCardBatches::lapse_due(WallMs now, int limit) {
  constexpr std::string_view kDue[] = {"expires_at <= ?1",
                                       "check_due IS NOT NULL AND check_due <= ?1 AND check_result <> 'failed'"};
  std::map<std::string, std::int64_t> ended;
  for (const std::string_view due : kDue) {
    const std::string which = "SELECT seq, batch_id FROM measures WHERE " + std::string(due) +
                              " AND bulk = 1 AND state IN ('approved', 'ordered', 'in_force') LIMIT ?2";
    TRY(db_.query("SELECT batch_id, count(*) FROM (" + which + ") GROUP BY batch_id", {now, limit},
                  [&](const Row& row) { ended[row.text(0)] += row.integer(1); }));
    TRY(
        db_.run("UPDATE measures SET state = 'lapsed', lapsed_reason = 'its time was over', ended_at = ?1 WHERE seq IN"
                " (SELECT seq FROM (" +
                    which + "))",
                {now, limit}));
  }
  return std::vector<std::pair<std::string, std::int64_t>>(ended.begin(), ended.end());
}

}  // namespace pandun::store
