// Ports for cases and what belongs to them: entities, measures, clocks, notes, evidence, history, orders and receipts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/page.h"

namespace pandun::store {

struct CaseRow {
  std::int64_t seq = 0;
  std::string id, number, title_zh, title_en, state, previous_state, grade, assignee, topic, protected_group;
  std::string workflow;
  std::int64_t workflow_version = 0;
  int severity = 0;
  std::string incident_id, opened_by;
  std::string entity_kind, entity_value, entity_token, entity_note;
  WallMs opened_at, updated_at;
  std::optional<WallMs> due_at, closed_at, verify_until;
  std::int64_t sighting_position = 0;  // log position behind which a sighting is a relapse
  std::int64_t version = 1;
  bool done = false;  // the state's kind is done
};

struct CaseFilter {
  std::string state, assignee, topic;
  bool overdue_only = false;
  WallMs now;
};

struct TopicCount {
  std::string topic;
  bool done = false;
  std::int64_t cases = 0;
};

// What a case is about: its alerts' entities ("subject") and their peers ("peer"), by token or clear value.
struct CaseEntityRow {
  std::string case_id, kind, key, role;
};

class Cases {
 public:
  virtual ~Cases() = default;
  virtual Result<std::optional<CaseRow>> by_id(const std::string& id) const = 0;
  virtual Result<Page<CaseRow>> list(const CaseFilter& filter, const PageRequest& page) const = 0;
  virtual Result<std::int64_t> count_open() const = 0;
  virtual Result<std::vector<TopicCount>> count_by_topic() const = 0;
  virtual Result<std::int64_t> count_overdue(WallMs now) const = 0;
  virtual Result<std::vector<CaseRow>> of_entity(const std::string& kind,
                                                 const std::string& key) const = 0;  // newest first
  virtual Result<std::vector<CaseRow>> verifying_until(WallMs now) const = 0;
  virtual Result<std::vector<CaseEntityRow>> entities(const std::string& case_id) const = 0;
  virtual Result<> insert(const CaseRow& row) = 0;
  // kConflict when the stored version is not row.version; the stored version becomes row.version + 1.
  virtual Result<> update(const CaseRow& row) = 0;
  virtual Result<> add_entity(const CaseEntityRow& row) = 0;  // a repeat is nothing new
};

inline constexpr std::int64_t kListedSeq = 1LL << 50;  // seqs from here on: a measure that stands in its list alone

struct MeasureRow {
  std::int64_t seq = 0;
  std::string id, case_id, kind, category, ground_id, scope, reason, skip_reason;
  std::string state;  // proposed, approved, ordered, in_force, refused, lapsed, appealed, lifted
  std::string proposed_by, approved_by;
  std::vector<std::string> approvals;  // ids of those who approved so far
  std::int64_t approvals_needed = 1;
  std::string refused_reason, lapsed_reason, notice, appeal_channel;
  std::string entity_kind, entity_value, entity_token;
  WallMs proposed_at, expires_at, lapse_at;  // lapse_at: an unapproved proposal ends then
  std::optional<WallMs> approved_at, ended_at;
  // One of a batch, and what it was put there for.
  std::string batch_id, risk_basis, protected_group;
  int risk = 0;              // 0..100
  std::string check_result;  // of a re-verification: "", passed, failed, no_answer
  std::string checked_by;
  std::optional<WallMs> check_due, checked_at;  // no failure by check_due: the measure lapses
};

// One proposal about many numbers; the measures themselves are MeasureRows with its id.
struct BatchRow {
  std::int64_t seq = 0;
  std::string id, case_id, kind, category, ground_id, scope, reason, skip_reason, notice, appeal_channel;
  std::string state;  // proposed, partly (some still wait for a second approver), approved, refused, lapsed
  std::string proposed_by, refused_reason;
  std::string left_out;  // JSON: who was not taken in, and why
  std::int64_t members = 0;
  WallMs proposed_at, expires_at, lapse_at;
  std::optional<WallMs> decided_at;
};

class Batches {
 public:
  virtual ~Batches() = default;
  virtual Result<std::optional<BatchRow>> by_id(const std::string& id) const = 0;
  virtual Result<Page<BatchRow>> list(const std::string& state, const std::string& case_id,
                                      const PageRequest& page) const = 0;
  virtual Result<> insert(const BatchRow& row) = 0;
  virtual Result<> update(const BatchRow& row) = 0;  // state, refused_reason, decided_at
};

struct AppealRow {
  std::int64_t seq = 0;
  std::string id, measure_id, case_id, decision_id, channel, claim, recorded_by;
  bool late = false;         // after the time for appeals; reviewed all the same
  std::string state;         // open, upheld, partly, rejected, lapsed (not answered in time: in the person's favour)
  std::string state_before;  // where the measure stood
  std::string reviewer, reason, repair;
  WallMs received_at, due_at;
  std::optional<WallMs> decided_at;
};

class Appeals {
 public:
  virtual ~Appeals() = default;
  virtual Result<std::optional<AppealRow>> by_id(const std::string& id) const = 0;
  virtual Result<std::optional<AppealRow>> open_of(const std::string& measure_id) const = 0;
  virtual Result<std::vector<AppealRow>> of_measure(const std::string& measure_id) const = 0;
  virtual Result<Page<AppealRow>> list(const std::string& state, const std::string& case_id,
                                       const PageRequest& page) const = 0;
  virtual Result<std::vector<AppealRow>> due_by(WallMs now) const = 0;  // open and past due_at, at most 200
  virtual Result<> insert(const AppealRow& row) = 0;
  virtual Result<> update(const AppealRow& row) = 0;  // state, reviewer, reason, repair, decided_at
};

class Measures {
 public:
  virtual ~Measures() = default;
  virtual Result<std::optional<MeasureRow>> by_id(const std::string& id) const = 0;
  virtual Result<std::vector<MeasureRow>> of_case(const std::string& case_id) const = 0;
  virtual Result<std::vector<MeasureRow>> in_force(
      WallMs now) const = 0;  // approved, ordered, in_force, appealed; not expired
  virtual Result<std::vector<MeasureRow>> ending_by(
      WallMs now) const = 0;  // proposals past lapse_at, others past expires_at
  virtual Result<std::int64_t> count_state(const std::string& state) const = 0;
  virtual Result<Page<MeasureRow>> of_batch(const std::string& batch_id, const PageRequest& page) const = 0;
  // "in_force": 3, "check:passed": 1 …
  virtual Result<std::vector<std::pair<std::string, std::int64_t>>> counts_of_batch(
      const std::string& batch_id) const = 0;
  virtual Result<std::vector<MeasureRow>> of_token(const std::string& token) const = 0;  // newest first, at most 20
  virtual Result<std::vector<MeasureRow>> checks_due_by(WallMs now) const = 0;  // live, no failure so far; at most 200
  // Every measure about a number, in order of seq, behind `after`: rows first, then those that stand in a list alone.
  virtual Result<std::vector<MeasureRow>> walk(std::int64_t after, int limit) const = 0;
  virtual Result<std::int64_t> last_row() const = 0;  // seq of the newest measure with a row of its own
  virtual Result<> insert(const MeasureRow& row) = 0;
  virtual Result<> update(const MeasureRow& row) = 0;
};

struct ClockRow {
  std::int64_t seq = 0;
  std::string id, case_id, clock, title_zh, title_en, source;
  std::string state;  // running, met, missed
  bool unverified = false;
  WallMs started_at, due_at;
  std::optional<WallMs> stopped_at;
};
struct NoteRow {
  std::int64_t seq = 0;
  std::string id, case_id, by, text;
  WallMs at;
};
struct EvidenceRow {
  std::int64_t seq = 0;
  std::string id, case_id, kind, title, value, sha256, added_by;
  WallMs at;
};
struct HistoryRow {
  std::int64_t seq = 0;
  std::string case_id, by, action, title_zh, title_en, from, to, note;
  WallMs at;
};

class CaseFiles {
 public:
  virtual ~CaseFiles() = default;
  virtual Result<std::vector<ClockRow>> clocks(const std::string& case_id) const = 0;
  virtual Result<std::vector<ClockRow>> clocks_due_by(WallMs now) const = 0;  // still running
  virtual Result<std::vector<NoteRow>> notes(const std::string& case_id) const = 0;
  virtual Result<std::vector<EvidenceRow>> evidence(const std::string& case_id) const = 0;
  virtual Result<std::vector<HistoryRow>> history(const std::string& case_id) const = 0;
  virtual Result<> insert_clock(const ClockRow& row) = 0;
  virtual Result<> update_clock(const ClockRow& row) = 0;
  virtual Result<> insert_note(const NoteRow& row) = 0;
  virtual Result<> insert_evidence(const EvidenceRow& row) = 0;
  virtual Result<> insert_history(const HistoryRow& row) = 0;
};

struct OrderRow {
  std::int64_t seq = 0;
  std::string id;  // also the idempotency key
  std::string measure_id, case_id, action;
  std::string verb;   // apply, lift
  std::string state;  // pending, sent, acknowledged, done, failed
  std::int64_t attempts = 0;
  WallMs created_at, updated_at, next_try_at;
  std::string doc, last_error;
};
struct ReceiptRow {
  std::int64_t seq = 0;
  std::string order_id, state, detail, digest;
  WallMs at, received_at;
  std::string carrier{};  // who answered; empty when the receipt does not say
};

class Orders {
 public:
  virtual ~Orders() = default;
  virtual Result<std::optional<OrderRow>> by_id(const std::string& id) const = 0;
  virtual Result<std::vector<OrderRow>> of_case(const std::string& case_id) const = 0;
  virtual Result<std::vector<OrderRow>> due(WallMs now, int limit) const = 0;  // pending and not put off
  virtual Result<std::vector<ReceiptRow>> receipts(const std::string& order_id) const = 0;
  virtual Result<> insert(const OrderRow& row) = 0;
  virtual Result<> update(const OrderRow& row) = 0;
  virtual Result<bool> insert_receipt(const ReceiptRow& row) = 0;  // false: this one (by digest) is known already
};

}  // namespace pandun::store
