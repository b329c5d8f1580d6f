#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr std::string_view kPartners =
    "SELECT seq, id, name, kind, purposes, state, created_by, decided_by, decision_reason, agreement,"
    " keep_unmatched_hours, created_at, expires_at, decided_at, ended_at FROM lead_partners";

LeadPartnerRow read_partner(const Row& row) {
  return {row.integer(0),  row.text(1),  row.text(2),  row.text(3),        row.text(4),
          row.text(5),     row.text(6),  row.text(7),  row.text(8),        row.text(9),
          row.integer(10), row.wall(11), row.wall(12), row.maybe_wall(13), row.maybe_wall(14)};
}

LeadKeyRow read_key(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2),       row.text(3),      row.text(4),
          row.text(5),    row.wall(6), row.maybe_wall(7), row.maybe_wall(8)};
}

constexpr std::string_view kFiles =
    "SELECT seq, id, partner_id, direction, name, digest, purpose, state, created_by, reason, lines, accepted, matched,"
    " waiting, duplicate, unknown_purpose, expired, faulty, withdrawn, position, faults, at, ended_at FROM lead_files";

LeadFileRow read_file(const Row& row) {
  return {row.integer(0),  row.text(1),     row.text(2),     row.text(3),     row.text(4),       row.text(5),
          row.text(6),     row.text(7),     row.text(8),     row.text(9),     row.integer(10),   row.integer(11),
          row.integer(12), row.integer(13), row.integer(14), row.integer(15), row.integer(16),   row.integer(17),
          row.integer(18), row.integer(19), row.text(20),    row.wall(21),    row.maybe_wall(22)};
}

constexpr std::string_view kLeads =
    "SELECT seq, id, partner_id, direction, lead_id, kind, purpose, file_id, token, shown, alert_id, case_id,"
    " measure_id, state, feedback, feedback_by, confidence, observed_at, expires_at, at, feedback_at, warned_at"
    " FROM leads";

LeadRow read_lead(const Row& row) {
  return {row.integer(0), row.text(1),  row.text(2),        row.text(3),       row.text(4),    row.text(5),
          row.text(6),    row.text(7),  row.text(8),        row.text(9),       row.text(10),   row.text(11),
          row.text(12),   row.text(13), row.text(14),       row.text(15),      row.number(16), row.wall(17),
          row.wall(18),   row.wall(19), row.maybe_wall(20), row.maybe_wall(21)};
}

LeadWaitingRow read_waiting(const Row& row) {
  return {row.integer(0), row.text(1), row.text(2),   row.text(3), row.text(4),  row.text(5),
          row.text(6),    row.text(7), row.number(8), row.wall(9), row.wall(10), row.wall(11)};
}

}  // namespace

Result<std::optional<LeadPartnerRow>> SqliteLeads::partner(const std::string& id) const {
  return fetch_one(db_, std::string(kPartners) + " WHERE id = ?", {id}, read_partner);
}
Result<std::vector<LeadPartnerRow>> SqliteLeads::partners() const {
  return fetch_all(db_, std::string(kPartners) + " ORDER BY seq LIMIT 500", {}, read_partner);
}
Result<std::vector<LeadKeyRow>> SqliteLeads::keys(const std::string& partner_id) const {
  return fetch_all(db_,
                   "SELECT seq, id, partner_id, sealed, created_by, revealed_by, created_at, valid_until, revealed_at"
                   " FROM lead_keys WHERE partner_id = ? ORDER BY seq",
                   {partner_id}, read_key);
}
Result<std::optional<LeadFileRow>> SqliteLeads::file(const std::string& id) const {
  return fetch_one(db_, std::string(kFiles) + " WHERE id = ?", {id}, read_file);
}
Result<std::optional<LeadFileRow>> SqliteLeads::file_of_digest(const std::string& partner_id,
                                                               const std::string& direction,
                                                               const std::string& digest) const {
  return fetch_one(db_,
                   std::string(kFiles) + " WHERE partner_id = ? AND direction = ? AND digest = ? ORDER BY seq LIMIT 1",
                   {partner_id, direction, digest}, read_file);
}
Result<Page<LeadFileRow>> SqliteLeads::files(const std::string& partner_id, const PageRequest& page) const {
  Where where;
  where.equals_unless_empty("partner_id", partner_id).page(page);
  return fetch_page(db_, std::string(kFiles), where, page, read_file);
}
Result<std::optional<LeadRow>> SqliteLeads::lead(const std::string& id) const {
  return fetch_one(db_, std::string(kLeads) + " WHERE id = ?", {id}, read_lead);
}
Result<std::optional<LeadRow>> SqliteLeads::lead_of(const std::string& partner_id, const std::string& direction,
                                                    const std::string& lead_id) const {
  return fetch_one(db_, std::string(kLeads) + " WHERE partner_id = ? AND direction = ? AND lead_id = ?",
                   {partner_id, direction, lead_id}, read_lead);
}
Result<Page<LeadRow>> SqliteLeads::leads(const LeadFilter& filter, const PageRequest& page) const {
  Where where;
  where.equals_unless_empty("partner_id", filter.partner_id)
      .equals_unless_empty("direction", filter.direction)
      .equals_unless_empty("state", filter.state)
      .equals_unless_empty("purpose", filter.purpose)
      .equals_unless_empty("case_id", filter.case_id)
      .page(page);
  return fetch_page(db_, std::string(kLeads), where, page, read_lead);
}
Result<std::vector<LeadRow>> SqliteLeads::warnings_due(WallMs now, int limit) const {
  return fetch_all(db_,
                   std::string(kLeads) +
                       " WHERE kind = 'victim_at_risk' AND warned_at IS NULL AND direction = 'in' AND state = 'open'"
                       " AND expires_at > ? ORDER BY seq LIMIT ?",
                   {now, clamp_limit(limit)}, read_lead);
}
Result<std::vector<LeadWaitingRow>> SqliteLeads::waiting_of(const std::string& key_id, const std::string& hash) const {
  return fetch_all(db_,
                   "SELECT row, partner_id, key_id, lead_id, hash, kind, purpose, file_id, confidence, observed_at,"
                   " expires_at, purge_at FROM lead_waiting WHERE key_id = ? AND hash = ? ORDER BY row LIMIT 100",
                   {key_id, Bind::blob(hash)}, read_waiting);
}
Result<LeadFigures> SqliteLeads::figures(const std::string& partner_id) const {
  LeadFigures out;
  TRY(
      db_.query("SELECT count(*), coalesce(sum(lines), 0), coalesce(sum(accepted), 0) FROM lead_files"
                " WHERE partner_id = ? AND direction = 'in'",
                {partner_id}, [&](const Row& row) {
                  out.files = row.integer(0);
                  out.lines = row.integer(1);
                  out.accepted = row.integer(2);
                }));
  TRY(db_.query("SELECT direction, feedback, count(*) FROM leads WHERE partner_id = ? GROUP BY direction, feedback",
                {partner_id}, [&](const Row& row) {
                  const bool in = row.text(0) == "in";
                  const std::string feedback = row.text(1);
                  (in ? out.matched : out.given) += row.integer(2);
                  if (feedback == "confirmed") (in ? out.confirmed : out.given_confirmed) += row.integer(2);
                  if (feedback == "false") (in ? out.refuted : out.given_refuted) += row.integer(2);
                  if (feedback == "acted_on") (in ? out.acted_on : out.given_acted_on) += row.integer(2);
                }));
  TRY_ASSIGN(out.waiting, db_.integer("SELECT count(*) FROM lead_waiting WHERE partner_id = ?", {partner_id}));
  return out;
}

Result<> SqliteLeads::insert_partner(const LeadPartnerRow& row) {
  return db_.run(
      "INSERT INTO lead_partners(id, name, kind, purposes, state, created_by, decided_by, decision_reason, agreement,"
      " keep_unmatched_hours, created_at, expires_at, decided_at, ended_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id, row.name, row.kind, row.purposes, row.state, row.created_by, row.decided_by, row.decision_reason,
       row.agreement, row.keep_unmatched_hours, row.created_at, row.expires_at, row.decided_at, row.ended_at});
}
Result<> SqliteLeads::update_partner(const LeadPartnerRow& row) {
  TRY(
      db_.run("UPDATE lead_partners SET state = ?, decided_by = ?, decision_reason = ?, decided_at = ?, ended_at = ?"
              " WHERE id = ?",
              {row.state, row.decided_by, row.decision_reason, row.decided_at, row.ended_at, row.id}));
  return need_one(db_, "partner " + row.id);
}
Result<> SqliteLeads::insert_key(const LeadKeyRow& row) {
  return db_.run(
      "INSERT INTO lead_keys(id, partner_id, sealed, created_by, revealed_by, created_at, valid_until, revealed_at)"
      " VALUES (?,?,?,?,?,?,?,?)",
      {row.id, row.partner_id, Bind::blob(row.sealed), row.created_by, row.revealed_by, row.created_at, row.valid_until,
       row.revealed_at});
}
Result<> SqliteLeads::update_key(const LeadKeyRow& row) {
  TRY(db_.run("UPDATE lead_keys SET valid_until = ?, revealed_by = ?, revealed_at = ? WHERE id = ?",
              {row.valid_until, row.revealed_by, row.revealed_at, row.id}));
  return need_one(db_, "key " + row.id);
}
Result<> SqliteLeads::insert_file(const LeadFileRow& row) {
  return db_.run(
      "INSERT INTO lead_files(id, partner_id, direction, name, digest, purpose, state, created_by, reason, lines,"
      " accepted, matched, waiting, duplicate, unknown_purpose, expired, faulty, withdrawn, position, faults, at,"
      " ended_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id,       row.partner_id, row.direction,  row.name,      row.digest,
       row.purpose,  row.state,      row.created_by, row.reason,    row.lines,
       row.accepted, row.matched,    row.waiting,    row.duplicate, row.unknown_purpose,
       row.expired,  row.faulty,     row.withdrawn,  row.offset,    row.faults,
       row.at,       row.ended_at});
}
Result<> SqliteLeads::update_file(const LeadFileRow& row) {
  TRY(db_.run(
      "UPDATE lead_files SET state = ?, reason = ?, lines = ?, accepted = ?, matched = ?, waiting = ?,"
      " duplicate = ?, unknown_purpose = ?, expired = ?, faulty = ?, withdrawn = ?, position = ?, faults = ?,"
      " ended_at = ? WHERE id = ?",
      {row.state, row.reason, row.lines, row.accepted, row.matched, row.waiting, row.duplicate, row.unknown_purpose,
       row.expired, row.faulty, row.withdrawn, row.offset, row.faults, row.ended_at, row.id}));
  return need_one(db_, "file " + row.id);
}
Result<bool> SqliteLeads::insert_lead(const LeadRow& row) {
  TRY(db_.run(
      "INSERT OR IGNORE INTO leads(id, partner_id, direction, lead_id, kind, purpose, file_id, token, shown, alert_id,"
      " case_id, measure_id, state, feedback, feedback_by, confidence, observed_at, expires_at, at, feedback_at,"
      " warned_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {row.id,      row.partner_id,  row.direction,   row.lead_id,    row.kind,        row.purpose,
       row.file_id, row.token,       row.shown,       row.alert_id,   row.case_id,     row.measure_id,
       row.state,   row.feedback,    row.feedback_by, row.confidence, row.observed_at, row.expires_at,
       row.at,      row.feedback_at, row.warned_at}));
  return db_.changes() == 1;
}
Result<> SqliteLeads::update_lead(const LeadRow& row) {
  TRY(
      db_.run("UPDATE leads SET token = ?, shown = ?, alert_id = ?, case_id = ?, state = ?, feedback = ?, feedback_by "
              "= ?, feedback_at = ?,"
              " warned_at = ? WHERE id = ?",
              {row.token, row.shown, row.alert_id, row.case_id, row.state, row.feedback, row.feedback_by,
               row.feedback_at, row.warned_at, row.id}));
  return need_one(db_, "lead " + row.id);
}
Result<bool> SqliteLeads::note_seen(const std::string& partner_id, std::uint64_t lead_digest, WallMs at) {
  TRY(db_.run("INSERT OR IGNORE INTO lead_seen(partner_id, digest, at) VALUES (?,?,?)",
              {partner_id, static_cast<std::int64_t>(lead_digest), at}));
  return db_.changes() == 1;
}
Result<> SqliteLeads::insert_waiting(const LeadWaitingRow& row) {
  return db_.run(
      "INSERT INTO lead_waiting(partner_id, key_id, lead_id, hash, kind, purpose, file_id, confidence, observed_at,"
      " expires_at, purge_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
      {row.partner_id, row.key_id, row.lead_id, Bind::blob(row.hash), row.kind, row.purpose, row.file_id,
       row.confidence, row.observed_at, row.expires_at, row.purge_at});
}
Result<> SqliteLeads::remove_waiting(std::int64_t row) {
  return db_.run("DELETE FROM lead_waiting WHERE row = ?", {row});
}
Result<std::int64_t> SqliteLeads::purge_waiting(WallMs now, int limit) {
  TRY(db_.run("DELETE FROM lead_waiting WHERE row IN (SELECT row FROM lead_waiting WHERE purge_at <= ? LIMIT ?)",
              {now, limit}));
  return db_.changes();
}
Result<std::int64_t> SqliteLeads::forget_waiting(const std::string& partner_id) {
  TRY(db_.run("DELETE FROM lead_waiting WHERE partner_id = ?", {partner_id}));
  return db_.changes();
}
Result<> SqliteLeads::drop_waiting(const std::string& partner_id, const std::string& lead_id) {
  return db_.run("DELETE FROM lead_waiting WHERE partner_id = ? AND lead_id = ?", {partner_id, lead_id});
}

}  // namespace pandun::store
