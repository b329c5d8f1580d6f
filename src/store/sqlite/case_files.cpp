#include "store/sqlite/listed_measures.h"
#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr std::string_view kClocks =
    "SELECT seq, id, case_id, clock, title_zh, title_en, source, state, unverified, started_at, due_at, stopped_at"
    " FROM case_clocks";

ClockRow read_clock(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2),    row.text(3), row.text(4),  row.text(5),
          row.text(6),    row.text(7), row.boolean(8), row.wall(9), row.wall(10), row.maybe_wall(11)};
}
NoteRow read_note(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.wall(5)};
}
EvidenceRow read_evidence(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4),
          row.text(5),    row.text(6), row.text(7), row.wall(8)};
}
HistoryRow read_history(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4),
          row.text(5),    row.text(6), row.text(7), row.text(8), row.wall(9)};
}

constexpr std::string_view kOrders =
    "SELECT seq, id, measure_id, case_id, action, verb, state, attempts, created_at, updated_at, next_try_at, doc,"
    " last_error FROM orders";

OrderRow read_order(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3),  row.text(4),  row.text(5), row.text(6),
          row.integer(7), row.wall(8), row.wall(9), row.wall(10), row.text(11), row.text(12)};
}
ReceiptRow read_receipt(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.wall(5), row.wall(6), row.text(7)};
}

}  // namespace

Result<std::vector<ClockRow>> SqliteCaseFiles::clocks(const std::string& case_id) const {
  return fetch_all(db_, std::string(kClocks) + " WHERE case_id = ? ORDER BY seq", {case_id}, read_clock);
}
Result<std::vector<ClockRow>> SqliteCaseFiles::clocks_due_by(WallMs now) const {
  return fetch_all(db_, std::string(kClocks) + " WHERE state = 'running' AND due_at < ? ORDER BY seq LIMIT 200", {now},
                   read_clock);
}
Result<std::vector<NoteRow>> SqliteCaseFiles::notes(const std::string& case_id) const {
  return fetch_all(db_, "SELECT seq, id, case_id, \"by\", text, at FROM case_notes WHERE case_id = ? ORDER BY seq",
                   {case_id}, read_note);
}
Result<std::vector<EvidenceRow>> SqliteCaseFiles::evidence(const std::string& case_id) const {
  return fetch_all(db_,
                   "SELECT seq, id, case_id, kind, title, value, sha256, added_by, at FROM case_evidence"
                   " WHERE case_id = ? ORDER BY seq",
                   {case_id}, read_evidence);
}
Result<std::vector<HistoryRow>> SqliteCaseFiles::history(const std::string& case_id) const {
  return fetch_all(db_,
                   "SELECT seq, case_id, \"by\", action, title_zh, title_en, from_state, to_state, note, at"
                   " FROM case_history WHERE case_id = ? ORDER BY seq",
                   {case_id}, read_history);
}

Result<> SqliteCaseFiles::insert_clock(const ClockRow& row) {
  return db_.run(
      "INSERT INTO case_clocks(id, case_id, clock, title_zh, title_en, source, state, unverified, started_at, due_at,"
      " stopped_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
      {row.id, row.case_id, row.clock, row.title_zh, row.title_en, row.source, row.state, row.unverified,
       row.started_at, row.due_at, row.stopped_at});
}
Result<> SqliteCaseFiles::update_clock(const ClockRow& row) {
  TRY(db_.run("UPDATE case_clocks SET state = ?, stopped_at = ? WHERE id = ?", {row.state, row.stopped_at, row.id}));
  return need_one(db_, "clock " + row.id);
}
Result<> SqliteCaseFiles::insert_note(const NoteRow& row) {
  return db_.run("INSERT INTO case_notes(id, case_id, \"by\", text, at) VALUES (?,?,?,?,?)",
                 {row.id, row.case_id, row.by, row.text, row.at});
}
Result<> SqliteCaseFiles::insert_evidence(const EvidenceRow& row) {
  return db_.run(
      "INSERT INTO case_evidence(id, case_id, kind, title, value, sha256, added_by, at) VALUES (?,?,?,?,?,?,?,?)",
      {row.id, row.case_id, row.kind, row.title, row.value, row.sha256, row.added_by, row.at});
}
Result<> SqliteCaseFiles::insert_history(const HistoryRow& row) {
  return db_.run(
      "INSERT INTO case_history(case_id, \"by\", action, title_zh, title_en, from_state, to_state, note, at)"
      " VALUES (?,?,?,?,?,?,?,?,?)",
      {row.case_id, row.by, row.action, row.title_zh, row.title_en, row.from, row.to, row.note, row.at});
}

Result<std::optional<OrderRow>> SqliteOrders::by_id(const std::string& id) const {
  return fetch_one(db_, std::string(kOrders) + " WHERE id = ?", {id}, read_order);
}
Result<std::vector<OrderRow>> SqliteOrders::of_case(const std::string& case_id) const {
  return fetch_all(db_, std::string(kOrders) + " WHERE case_id = ? ORDER BY seq", {case_id}, read_order);
}
Result<std::vector<OrderRow>> SqliteOrders::due(WallMs now, int limit) const {
  return fetch_all(db_, std::string(kOrders) + " WHERE state = 'pending' AND next_try_at <= ? ORDER BY seq LIMIT ?",
                   {now, clamp_limit(limit)}, read_order);
}
Result<std::vector<ReceiptRow>> SqliteOrders::receipts(const std::string& order_id) const {
  return fetch_all(
      db_,
      "SELECT seq, order_id, state, detail, digest, at, received_at, carrier FROM order_receipts WHERE order_id = ?"
      " ORDER BY seq",
      {order_id}, read_receipt);
}
Result<> SqliteOrders::insert(const OrderRow& row) {
  TRY(keep_listed(db_, row.measure_id));
  return db_.run(
      "INSERT INTO orders(id, measure_id, case_id, action, verb, state, attempts, created_at, updated_at, next_try_at,"
      " doc, last_error) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id, row.measure_id, row.case_id, row.action, row.verb, row.state, row.attempts, row.created_at,
       row.updated_at, row.next_try_at, row.doc, row.last_error});
}
Result<> SqliteOrders::update(const OrderRow& row) {
  TRY(
      db_.run("UPDATE orders SET state = ?, attempts = ?, updated_at = ?, next_try_at = ?, doc = ?, last_error = ?"
              " WHERE id = ?",
              {row.state, row.attempts, row.updated_at, row.next_try_at, row.doc, row.last_error, row.id}));
  return need_one(db_, "order " + row.id);
}
Result<bool> SqliteOrders::insert_receipt(const ReceiptRow& row) {
  TRY(
      db_.run("INSERT OR IGNORE INTO order_receipts(order_id, state, detail, digest, at, received_at, carrier)"
              " VALUES (?,?,?,?,?,?,?)",
              {row.order_id, row.state, row.detail, row.digest, row.at, row.received_at, row.carrier}));
  return db_.changes() == 1;
}

}  // namespace pandun::store
