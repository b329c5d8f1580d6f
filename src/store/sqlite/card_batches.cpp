#include <map>

#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr std::string_view kBatches =
    "SELECT seq, id, case_id, kind, category, ground_id, scope, reason, skip_reason, notice, appeal_channel, state,"
    " loaded_by, proposed_by, refused_reason, name, digest, approvals, lines, members, duplicate, faulty, set_aside, "
    "groups,"
    " position, created, cursor, proposed_at, expires_at, lapse_at, decided_at, done_at, check_due, rest_state,"
    " rest_ended_at FROM card_batches";

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
  out.check_due = row.maybe_wall(column++);
  out.rest_state = row.text(column++);
  out.rest_ended_at = row.maybe_wall(column++);
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
  TRY(
      db_.query("SELECT state, sum(n) FROM (SELECT state, n FROM card_counts WHERE batch_id = ?1 UNION ALL"
                " SELECT rest_state, created - (SELECT coalesce(sum(n), 0) FROM card_counts WHERE batch_id = ?1)"
                " FROM card_batches WHERE id = ?1) GROUP BY state HAVING sum(n) > 0 ORDER BY state",
                {id}, [&](const Row& row) { out.emplace_back(row.text(0), row.integer(1)); }));
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
              " groups = ?, position = ?, created = ?, cursor = ?, lapse_at = ?, decided_at = ?, done_at = ?,"
              " check_due = ?, rest_state = ?, rest_ended_at = ? WHERE id = ?",
              {row.kind,           row.category,
               row.ground_id,      row.scope,
               row.reason,         row.skip_reason,
               row.notice,         row.appeal_channel,
               row.proposed_by,    row.proposed_at,
               row.expires_at,     row.state,
               row.refused_reason, join_words(row.approvals),
               row.lines,          row.members,
               row.duplicate,      row.faulty,
               row.set_aside,      row.groups,
               row.offset,         row.created,
               row.cursor,         row.lapse_at,
               row.decided_at,     row.done_at,
               row.check_due,      row.rest_state,
               row.rest_ended_at,  row.id}));
  return need_one(db_, "batch " + row.id);
}

namespace {

constexpr std::string_view kChunks = "SELECT first, members, first_token, tokens FROM card_chunks WHERE batch = ?";

CardChunk read_chunk(const Row& row) {
  return {row.integer(0), row.integer(1), row.text(2), row.text(3)};
}

// The lines of a chunk: `each` gets place and line.
template <typename Each>
void split(const CardChunk& chunk, Each&& each) {
  std::int64_t place = chunk.first;
  std::size_t at = 1;
  for (std::size_t stop = 0; (stop = chunk.tokens.find('\n', at)) != std::string::npos; at = stop + 1)
    each(place++, std::string_view(chunk.tokens).substr(at, stop - at));
}

}  // namespace

Result<std::optional<CardChunk>> SqliteCardBatches::chunk(std::int64_t batch_seq, std::int64_t run,
                                                          std::int64_t after) const {
  return fetch_one(db_, std::string(kChunks) + " AND run = ? AND first > ? ORDER BY first LIMIT 1",
                   {batch_seq, run, after}, read_chunk);
}
Result<std::int64_t> SqliteCardBatches::runs(std::int64_t batch_seq) const {
  return db_.integer("SELECT max(run) FROM card_chunks WHERE batch = ?", {batch_seq});
}
Result<std::int64_t> SqliteCardBatches::members(const CardBatchRow& row, std::int64_t after, int chunks,
                                                const std::function<void(const CardMember&)>& each) const {
  TRY_ASSIGN(
      const auto found,
      fetch_all(db_, std::string(kChunks) + " AND run = 0 AND first > ? AND first + members > ? ORDER BY first LIMIT ?",
                {row.seq, after - kCardsPerChunk, after + 1, chunks}, read_chunk));
  if (found.empty()) return 0;
  std::string_view greatest;
  split(found.back(), [&](std::int64_t, std::string_view token) { greatest = std::max(greatest, token); });
  std::map<std::string, std::int64_t, std::less<>> own;
  TRY(db_.query(
      "SELECT entity_token, seq FROM measures WHERE batch_id = ? AND bulk = 1 AND entity_token BETWEEN ? AND ?",
      {row.id, found.front().first_token, greatest},
      [&](const Row& one) { own.emplace(one.text(0), one.integer(1)); }));
  for (const CardChunk& part : found) {
    split(part, [&](std::int64_t place, std::string_view token) {
      if (place <= after) return;
      const auto it = own.empty() ? own.end() : own.find(token);
      each({place, it == own.end() ? 0 : it->second, token});
    });
  }
  return found.back().first + found.back().members - 1;
}
Result<> SqliteCardBatches::add_chunk(std::int64_t batch_seq, std::int64_t run, const CardChunk& chunk) {
  return db_.run("INSERT INTO card_chunks(batch, run, first, members, first_token, tokens) VALUES (?,?,?,?,?,?)",
                 {batch_seq, run, chunk.first, chunk.members, chunk.first_token, chunk.tokens});
}
Result<> SqliteCardBatches::drop_list(std::int64_t batch_seq) {
  return db_.run("DELETE FROM card_chunks WHERE batch = ? AND run = 0", {batch_seq});
}
Result<std::int64_t> SqliteCardBatches::drop_items(int limit) {
  TRY(db_.run(
      "DELETE FROM card_chunks WHERE id IN (SELECT id FROM (SELECT c.id FROM card_batches b JOIN card_chunks c ON"
      " c.batch = b.seq WHERE b.state IN ('refused', 'lapsed') UNION ALL SELECT c.id FROM card_batches b CROSS"
      " JOIN card_chunks c ON c.batch = b.seq AND c.run > 0 WHERE b.state <> 'reading') LIMIT ?)",
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
  std::vector<std::string> over;
  TRY(
      db_.query("SELECT b.id, b.created - (SELECT coalesce(sum(n), 0) FROM card_counts WHERE batch_id = b.id)"
                " FROM card_batches b WHERE b.state = 'done' AND b.rest_state = 'approved'"
                " AND (b.expires_at <= ?1 OR b.check_due <= ?1)",
                {now}, [&](const Row& row) {
                  over.push_back(row.text(0));
                  if (row.integer(1) > 0) ended[row.text(0)] += row.integer(1);
                }));
  for (const std::string& id : over)
    TRY(db_.run("UPDATE card_batches SET rest_state = 'lapsed', rest_ended_at = ? WHERE id = ?", {now, id}));
  return std::vector<std::pair<std::string, std::int64_t>>(ended.begin(), ended.end());
}

}  // namespace pandun::store
