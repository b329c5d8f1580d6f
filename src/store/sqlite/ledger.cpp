// Vault rows, the audit chain, values and positions.
#include <charconv>
#include <limits>

#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

SealedRow read_sealed(const Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.wall(4)};
}
SealedRow read_sealed_at(const Row& row) {
  SealedRow out = read_sealed(row);
  out.row = row.integer(5);
  return out;
}

constexpr std::string_view kGrants =
    "SELECT seq, id, case_id, ground_id, reason, state, tokens, fields, minutes, asked_by, asked_role, decided_by,"
    " decided_role, decision_reason, asked_at, decided_at, expires_at, notice_due_at, notice_delay_ground, views"
    " FROM vault_grants";

GrantRow read_grant(const Row& row) {
  GrantRow out;
  out.seq = row.integer(0);
  out.id = row.text(1);
  out.case_id = row.text(2);
  out.ground_id = row.text(3);
  out.reason = row.text(4);
  out.state = row.text(5);
  out.tokens = split_words(row.text(6));
  out.fields = split_words(row.text(7));
  out.minutes = static_cast<int>(row.integer(8));
  out.asked_by = row.text(9);
  out.asked_role = row.text(10);
  out.decided_by = row.text(11);
  out.decided_role = row.text(12);
  out.decision_reason = row.text(13);
  out.asked_at = row.wall(14);
  out.decided_at = row.maybe_wall(15);
  out.expires_at = row.maybe_wall(16);
  out.notice_due_at = row.maybe_wall(17);
  out.notice_delay_ground = row.text(18);
  out.views = row.integer(19);
  return out;
}

constexpr std::string_view kAudit = "SELECT seq, at, actor, action, object, detail, prev_hash, hash FROM audit";

AuditRow read_audit(const Row& row) {
  return {row.integer(0), row.wall(1), row.text(2), row.text(3), row.text(4), row.text(5), row.text(6), row.text(7)};
}
AnchorRow read_anchor(const Row& row) {
  return {row.text(0), row.integer(1), row.text(2)};
}

}  // namespace

Result<std::optional<SealedRow>> SqliteVault::sealed(const std::string& token) const {
  return fetch_one(db_, "SELECT token, kind, sealed, alert_id, sealed_at FROM vault_values WHERE token = ?", {token},
                   read_sealed);
}
Result<std::vector<SealedRow>> SqliteVault::sealed_from(const std::string& token, int limit) const {
  return fetch_all(db_,
                   "SELECT token, kind, sealed, alert_id, sealed_at FROM vault_values WHERE token >= ? ORDER BY token"
                   " LIMIT ?",
                   {token, limit}, read_sealed);
}
Result<std::vector<SealedRow>> SqliteVault::walk_numbers(std::int64_t after, int limit) const {
  return fetch_all(db_,
                   "SELECT token, kind, sealed, alert_id, sealed_at, rowid FROM vault_values WHERE rowid > ?"
                   " AND kind = 'number' ORDER BY rowid LIMIT ?",
                   {after, limit}, read_sealed_at);
}
Result<std::int64_t> SqliteVault::sealed_count() const {
  return db_.integer("SELECT count(*) FROM vault_values", {});
}
Result<std::optional<GrantRow>> SqliteVault::grant(const std::string& id) const {
  return fetch_one(db_, std::string(kGrants) + " WHERE id = ?", {id}, read_grant);
}
Result<std::vector<GrantRow>> SqliteVault::grants(const std::string& case_id) const {
  return fetch_all(db_, std::string(kGrants) + " WHERE ?1 = '' OR case_id = ?1 ORDER BY seq DESC LIMIT 500", {case_id},
                   read_grant);
}
Result<> SqliteVault::keep(const SealedRow& row) {
  return db_.run("INSERT OR IGNORE INTO vault_values(token, kind, sealed, alert_id, sealed_at) VALUES (?,?,?,?,?)",
                 {row.token, row.kind, Bind::blob(row.sealed), row.alert_id, row.sealed_at});
}
Result<> SqliteVault::insert_grant(const GrantRow& row) {
  return db_.run(
      "INSERT INTO vault_grants(id, case_id, ground_id, reason, state, tokens, fields, minutes, asked_by, asked_role,"
      " decided_by, decided_role, decision_reason, asked_at, decided_at, expires_at, notice_due_at,"
      " notice_delay_ground, views) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id, row.case_id, row.ground_id, row.reason, row.state, join_words(row.tokens), join_words(row.fields),
       row.minutes, row.asked_by, row.asked_role, row.decided_by, row.decided_role, row.decision_reason, row.asked_at,
       row.decided_at, row.expires_at, row.notice_due_at, row.notice_delay_ground, row.views});
}
Result<> SqliteVault::update_grant(const GrantRow& row) {
  TRY(db_.run(
      "UPDATE vault_grants SET state = ?, decided_by = ?, decided_role = ?, decision_reason = ?, decided_at = ?,"
      " expires_at = ?, notice_due_at = ?, notice_delay_ground = ?, views = ? WHERE id = ?",
      {row.state, row.decided_by, row.decided_role, row.decision_reason, row.decided_at, row.expires_at,
       row.notice_due_at, row.notice_delay_ground, row.views, row.id}));
  return need_one(db_, "grant " + row.id);
}

Result<std::optional<AuditRow>> SqliteAudit::last() const {
  return fetch_one(db_, std::string(kAudit) + " ORDER BY seq DESC LIMIT 1", {}, read_audit);
}
Result<Page<AuditRow>> SqliteAudit::list(const AuditFilter& filter, const PageRequest& page) const {
  Where where;
  where.equals_unless_empty("actor", filter.actor)
      .equals_unless_empty("action", filter.action)
      .equals_unless_empty("object", filter.object)
      .page(page);
  return fetch_page(db_, std::string(kAudit), where, page, read_audit);
}

// In steps, so that no statement stays open while `each` works.
Result<> SqliteAudit::walk(std::int64_t from_seq, const std::function<bool(const AuditRow&)>& each) const {
  constexpr int kStep = 1000;
  std::int64_t next = from_seq;
  while (true) {
    TRY_ASSIGN(const std::vector<AuditRow> rows,
               fetch_all(db_, std::string(kAudit) + " WHERE seq >= ? ORDER BY seq LIMIT ?", {next, kStep}, read_audit));
    for (const AuditRow& row : rows) {
      if (!each(row)) return {};
    }
    if (rows.size() < kStep) return {};
    next = rows.back().seq + 1;
  }
}

Result<std::optional<AuditRow>> SqliteAudit::last_before(WallMs at) const {
  return fetch_one(db_, std::string(kAudit) + " WHERE at < ? ORDER BY seq DESC LIMIT 1", {at}, read_audit);
}
Result<std::vector<AnchorRow>> SqliteAudit::anchors() const {
  return fetch_all(db_, "SELECT day, last_seq, doc FROM audit_anchors ORDER BY day", {}, read_anchor);
}
Result<> SqliteAudit::append(const AuditRow& row) {
  return db_.run("INSERT INTO audit(seq, at, actor, action, object, detail, prev_hash, hash) VALUES (?,?,?,?,?,?,?,?)",
                 {row.seq, row.at, row.actor, row.action, row.object, row.detail, row.prev_hash, row.hash});
}
Result<> SqliteAudit::insert_anchor(const AnchorRow& row) {
  return db_.run("INSERT INTO audit_anchors(day, last_seq, doc) VALUES (?,?,?)", {row.day, row.last_seq, row.doc});
}

Result<std::optional<std::string>> SqliteValues::find(const std::string& key) const {
  std::optional<std::string> out;
  TRY(db_.query("SELECT value FROM key_values WHERE key = ?", {key}, [&](const Row& row) { out = row.text(0); }));
  return out;
}
Result<std::int64_t> SqliteValues::counter(const std::string& key) const {
  return db_.integer("SELECT CAST(value AS INTEGER) FROM key_values WHERE key = ?", {key});
}
Result<> SqliteValues::put(const std::string& key, const std::string& value) {
  return db_.run(
      "INSERT INTO key_values(key, value) VALUES (?,?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
      {key, value});
}
Result<std::int64_t> SqliteValues::add(const std::string& key, std::int64_t by) {
  TRY(
      db_.run("INSERT INTO key_values(key, value) VALUES (?1, CAST(?2 AS TEXT)) ON CONFLICT(key) DO UPDATE"
              " SET value = CAST(CAST(value AS INTEGER) + ?2 AS TEXT)",
              {key, by}));
  return counter(key);
}

Result<std::uint64_t> SqliteConsumers::position(const std::string& consumer) const {
  TRY_ASSIGN(const std::int64_t position, db_.integer("SELECT position FROM consumers WHERE name = ?", {consumer}));
  return static_cast<std::uint64_t>(position);
}
Result<> SqliteConsumers::advance(const std::string& consumer, std::uint64_t position) {
  CHECK(position <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  const auto value = static_cast<std::int64_t>(position);
  TRY(
      db_.run("INSERT INTO consumers(name, position) VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE"
              " SET position = excluded.position WHERE excluded.position >= consumers.position",
              {consumer, value}));
  if (db_.changes() == 1) return {};
  return error(Errc::kConflict, "consumer " + consumer, "its position may not go backwards");
}

}  // namespace pandun::store
