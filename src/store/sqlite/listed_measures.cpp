#include "store/sqlite/listed_measures.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "store/sqlite/tables.h"
#include "store/sqlite/where.h"

namespace pandun::store {
namespace {

constexpr int kPlaceBits = 23;  // more than the lines a list may have
constexpr std::int64_t kPlaceMask = (1LL << kPlaceBits) - 1;
constexpr int kChunksPerRead = 20;
constexpr std::size_t kShownChars = 10;

std::string listed_id(const CardBatchRow& batch, std::int64_t place) {
  return fmt::format("M-{}-{:07d}", std::string_view(batch.id).substr(2), place);
}

MeasureRow listed_measure(const CardBatchRow& batch, std::int64_t place, std::string_view token) {
  MeasureRow out;
  out.seq = kListedSeq + (batch.seq << kPlaceBits) + place;
  out.id = listed_id(batch, place);
  out.case_id = batch.case_id;
  out.kind = batch.kind;
  out.category = batch.category;
  out.ground_id = batch.ground_id;
  out.scope = batch.scope;
  out.reason = batch.reason;
  out.skip_reason = batch.skip_reason;
  out.state = batch.rest_state;
  out.proposed_by = batch.proposed_by;
  out.approved_by = batch.approvals.empty() ? std::string() : batch.approvals.back();
  out.approvals = batch.approvals;
  if (out.state == "lapsed") out.lapsed_reason = "its time was over";
  out.notice = batch.notice;
  out.appeal_channel = batch.appeal_channel;
  out.entity_kind = "number";
  out.entity_value = std::string(token.substr(0, kShownChars)) + "…";
  out.entity_token = token;
  out.proposed_at = batch.proposed_at;
  out.expires_at = batch.expires_at;
  out.lapse_at = batch.lapse_at;
  out.approved_at = batch.decided_at;
  out.ended_at = batch.rest_ended_at;
  out.batch_id = batch.id;
  out.check_due = batch.check_due;
  return out;
}

// "M-<list>-0000123": the list's id and the place; nothing for ids of another form.
std::optional<std::pair<std::string, std::int64_t>> parse_listed(const std::string& id) {
  const std::size_t dash = id.rfind('-');
  if (!id.starts_with("M-") || dash < 3 || dash + 8 > id.size()) return std::nullopt;
  std::int64_t place = 0;
  const char* end = id.data() + id.size();
  const auto [stop, wrong] = std::from_chars(id.data() + dash + 1, end, place);
  if (wrong != std::errc() || stop != end || place < 1 || place > kPlaceMask) return std::nullopt;
  return std::pair("C-" + id.substr(2, dash - 2), place);
}

}  // namespace

Result<std::optional<MeasureRow>> listed_by_id(Connection& db, const std::string& id) {
  const auto parts = parse_listed(id);
  std::optional<MeasureRow> out;
  if (!parts) return out;
  const SqliteCardBatches lists(db);
  TRY_ASSIGN(const auto batch, lists.by_id(parts->first));
  if (!batch || batch->state != "done" || listed_id(*batch, parts->second) != id) return out;
  TRY(lists.members(*batch, parts->second - 1, 1, [&](const CardMember& member) {
    if (member.place == parts->second && member.own_row == 0) out = listed_measure(*batch, member.place, member.token);
  }));
  return out;
}

Result<std::vector<MeasureRow>> listed_of_token(Connection& db, const std::string& token) {
  std::vector<std::pair<std::string, std::int64_t>> places;
  const std::string line = '\n' + token + '\n';
  TRY(db.query(
      "SELECT b.id, c.first, substr(c.tokens, 1, instr(c.tokens, ?2)) FROM card_batches b JOIN card_chunks c ON c.id ="
      " (SELECT id FROM card_chunks WHERE batch = b.seq AND run = 0 AND first_token <= ?1 ORDER BY first_token DESC"
      " LIMIT 1) WHERE b.state = 'done' AND instr(c.tokens, ?2) > 0 ORDER BY b.seq DESC",
      {token, line}, [&](const Row& row) {
        const std::string before = row.text(2);
        places.emplace_back(row.text(0), row.integer(1) + std::count(before.begin(), before.end(), '\n') - 1);
      }));
  std::vector<MeasureRow> out;
  for (const auto& [id, place] : places) {
    TRY_ASSIGN(const auto batch, SqliteCardBatches(db).by_id(id));
    if (!batch) continue;
    const std::string measure = listed_id(*batch, place);
    TRY_ASSIGN(const std::int64_t own_row, db.integer("SELECT count(*) FROM measures WHERE id = ?", {measure}));
    if (own_row == 0) out.push_back(listed_measure(*batch, place, token));
  }
  return out;
}

Result<std::vector<MeasureRow>> listed_behind(Connection& db, std::int64_t after_seq, int limit) {
  std::vector<MeasureRow> out;
  const SqliteCardBatches lists(db);
  const std::int64_t from = after_seq < kListedSeq ? 0 : after_seq - kListedSeq;
  std::int64_t place = from & kPlaceMask;
  std::int64_t behind = (from >> kPlaceBits) - 1;  // the list that `place` is of comes first
  while (static_cast<int>(out.size()) < limit) {
    std::optional<CardBatchRow> batch;
    std::string id;
    TRY(db.query("SELECT id FROM card_batches WHERE state = 'done' AND seq > ? ORDER BY seq LIMIT 1", {behind},
                 [&](const Row& row) { id = row.text(0); }));
    if (id.empty()) break;
    TRY_ASSIGN(batch, lists.by_id(id));
    if (batch->seq != from >> kPlaceBits) place = 0;
    while (static_cast<int>(out.size()) < limit) {
      TRY_ASSIGN(const std::int64_t last, lists.members(*batch, place, kChunksPerRead, [&](const CardMember& member) {
        if (member.own_row == 0 && static_cast<int>(out.size()) < limit)
          out.push_back(listed_measure(*batch, member.place, member.token));
      }));
      if (last == 0) break;
      place = last;
    }
    behind = batch->seq;
  }
  return out;
}

Result<bool> keep_listed(Connection& db, const std::string& id) {
  TRY_ASSIGN(const std::int64_t known, db.integer("SELECT count(*) FROM measures WHERE id = ?", {id}));
  if (known > 0) return true;
  TRY_ASSIGN(const auto row, listed_by_id(db, id));
  if (!row) return false;
  // The texts stay with the list.
  TRY(db.run(
      "INSERT INTO measures(id, case_id, kind, category, ground_id, scope, reason, skip_reason, state,"
      " proposed_by, approved_by, approvals, approvals_needed, refused_reason, lapsed_reason, notice,"
      " appeal_channel, entity_kind, entity_value, entity_token, proposed_at, expires_at, lapse_at, approved_at,"
      " ended_at, batch_id, check_due, bulk)"
      " VALUES (?, ?, ?, ?, ?, '', '', '', ?, ?, ?, ?, 1, '', ?, '', '', 'number', ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
      {row->id, row->case_id, row->kind, row->category, row->ground_id, row->state, row->proposed_by, row->approved_by,
       join_words(row->approvals), row->lapsed_reason, row->entity_value, row->entity_token, row->proposed_at,
       row->expires_at, row->lapse_at, row->approved_at, row->ended_at, row->batch_id, row->check_due}));
  return true;
}

}  // namespace pandun::store
