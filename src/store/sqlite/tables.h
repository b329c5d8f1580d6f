// The adapter's repositories, one a noun, each over the connection it is given.
#pragma once

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace pandun::store {

class SqliteUsers final : public Users {
 public:
  explicit SqliteUsers(Connection& db) : db_(db) {}
  Result<std::optional<UserRow>> by_id(const std::string& id) const override;
  Result<std::optional<UserRow>> by_username(const std::string& username) const override;
  Result<std::vector<UserRow>> all() const override;
  Result<> insert(const UserRow& user) override;
  Result<> update(const UserRow& user) override;

 private:
  Connection& db_;
};

class SqliteSessions final : public Sessions {
 public:
  explicit SqliteSessions(Connection& db) : db_(db) {}
  Result<std::optional<SessionRow>> find(const std::string& id_hash) const override;
  Result<> insert(const SessionRow& session) override;
  Result<> touch(const std::string& id_hash, WallMs seen_at) override;
  Result<> remove(const std::string& id_hash) override;
  Result<> remove_of_user(const std::string& user_id, const std::string& except_id_hash) override;
  Result<std::int64_t> remove_expired(WallMs now, WallMs idle_since) override;

 private:
  Connection& db_;
};

class SqliteApiTokens final : public ApiTokens {
 public:
  explicit SqliteApiTokens(Connection& db) : db_(db) {}
  Result<std::optional<ApiTokenRow>> by_hash(const std::string& token_hash) const override;
  Result<std::optional<ApiTokenRow>> by_id(const std::string& id) const override;
  Result<std::vector<ApiTokenRow>> all() const override;
  Result<> insert(const ApiTokenRow& token) override;
  Result<> revoke(const std::string& id, WallMs at) override;

 private:
  Connection& db_;
};

class SqliteAlerts final : public Alerts {
 public:
  explicit SqliteAlerts(Connection& db) : db_(db) {}
  Result<std::optional<AlertRow>> by_id(const std::string& id) const override;
  Result<std::optional<AlertRow>> newest_of(const std::string& detector, const std::string& entity_kind,
                                            const std::string& entity_key) const override;
  Result<Page<AlertRow>> list(const AlertFilter& filter, const PageRequest& page) const override;
  Result<std::int64_t> count(const AlertFilter& filter) const override;
  Result<std::vector<AlertRow>> linked(const std::vector<std::string>& keys, EventMs from, EventMs to,
                                       int limit) const override;
  Result<std::int64_t> created_since(WallMs since) const override;
  Result<std::vector<AlertBucket>> created_per(WallMs since, std::int64_t step_ms) const override;
  Result<std::vector<Count>> count_by_detector(WallMs since) const override;
  Result<std::vector<Count>> count_by_severity(WallMs since) const override;
  Result<std::int64_t> insert(const AlertRow& alert) override;
  Result<> update(const AlertRow& alert) override;
  Result<> set_links(const std::string& id, const std::vector<std::string>& keys) override;

 private:
  Connection& db_;
};

class SqliteIncidents final : public Incidents {
 public:
  explicit SqliteIncidents(Connection& db) : db_(db) {}
  Result<std::optional<IncidentRow>> by_id(const std::string& id) const override;
  Result<Page<IncidentRow>> list(const std::string& state, const std::string& grade,
                                 const PageRequest& page) const override;
  Result<std::int64_t> count(const std::string& state) const override;
  Result<std::vector<Count>> count_by_grade() const override;
  Result<> insert(const IncidentRow& incident) override;
  Result<> update(const IncidentRow& incident) override;

 private:
  Connection& db_;
};

class SqliteCases final : public Cases {
 public:
  explicit SqliteCases(Connection& db) : db_(db) {}
  Result<std::optional<CaseRow>> by_id(const std::string& id) const override;
  Result<Page<CaseRow>> list(const CaseFilter& filter, const PageRequest& page) const override;
  Result<std::int64_t> count_open() const override;
  Result<std::vector<TopicCount>> count_by_topic() const override;
  Result<std::int64_t> count_overdue(WallMs now) const override;
  Result<std::vector<CaseRow>> of_entity(const std::string& kind, const std::string& key) const override;
  Result<std::vector<CaseRow>> verifying_until(WallMs now) const override;
  Result<std::vector<CaseEntityRow>> entities(const std::string& case_id) const override;
  Result<> insert(const CaseRow& row) override;
  Result<> update(const CaseRow& row) override;
  Result<> add_entity(const CaseEntityRow& row) override;

 private:
  Connection& db_;
};

class SqliteMeasures final : public Measures {
 public:
  explicit SqliteMeasures(Connection& db) : db_(db) {}
  Result<std::optional<MeasureRow>> by_id(const std::string& id) const override;
  Result<std::vector<MeasureRow>> of_case(const std::string& case_id) const override;
  Result<std::vector<MeasureRow>> in_force(WallMs now) const override;
  Result<std::vector<MeasureRow>> ending_by(WallMs now) const override;
  Result<std::int64_t> count_state(const std::string& state) const override;
  Result<Page<MeasureRow>> of_batch(const std::string& batch_id, const PageRequest& page) const override;
  Result<std::vector<std::pair<std::string, std::int64_t>>> counts_of_batch(const std::string& batch_id) const override;
  Result<std::vector<MeasureRow>> of_token(const std::string& token) const override;
  Result<std::vector<MeasureRow>> checks_due_by(WallMs now) const override;
  Result<std::vector<MeasureRow>> walk(std::int64_t after, int limit) const override;
  Result<std::int64_t> last_row() const override;
  Result<> insert(const MeasureRow& row) override;
  Result<> update(const MeasureRow& row) override;

 private:
  Connection& db_;
};

class SqliteBatches final : public Batches {
 public:
  explicit SqliteBatches(Connection& db) : db_(db) {}
  Result<std::optional<BatchRow>> by_id(const std::string& id) const override;
  Result<Page<BatchRow>> list(const std::string& state, const std::string& case_id,
                              const PageRequest& page) const override;
  Result<> insert(const BatchRow& row) override;
  Result<> update(const BatchRow& row) override;

 private:
  Connection& db_;
};

class SqliteAppeals final : public Appeals {
 public:
  explicit SqliteAppeals(Connection& db) : db_(db) {}
  Result<std::optional<AppealRow>> by_id(const std::string& id) const override;
  Result<std::optional<AppealRow>> open_of(const std::string& measure_id) const override;
  Result<std::vector<AppealRow>> of_measure(const std::string& measure_id) const override;
  Result<Page<AppealRow>> list(const std::string& state, const std::string& case_id,
                               const PageRequest& page) const override;
  Result<std::vector<AppealRow>> due_by(WallMs now) const override;
  Result<> insert(const AppealRow& row) override;
  Result<> update(const AppealRow& row) override;

 private:
  Connection& db_;
};

class SqliteCaseFiles final : public CaseFiles {
 public:
  explicit SqliteCaseFiles(Connection& db) : db_(db) {}
  Result<std::vector<ClockRow>> clocks(const std::string& case_id) const override;
  Result<std::vector<ClockRow>> clocks_due_by(WallMs now) const override;
  Result<std::vector<NoteRow>> notes(const std::string& case_id) const override;
  Result<std::vector<EvidenceRow>> evidence(const std::string& case_id) const override;
  Result<std::vector<HistoryRow>> history(const std::string& case_id) const override;
  Result<> insert_clock(const ClockRow& row) override;
  Result<> update_clock(const ClockRow& row) override;
  Result<> insert_note(const NoteRow& row) override;
  Result<> insert_evidence(const EvidenceRow& row) override;
  Result<> insert_history(const HistoryRow& row) override;

 private:
  Connection& db_;
};

class SqliteOrders final : public Orders {
 public:
  explicit SqliteOrders(Connection& db) : db_(db) {}
  Result<std::optional<OrderRow>> by_id(const std::string& id) const override;
  Result<std::vector<OrderRow>> of_case(const std::string& case_id) const override;
  Result<std::vector<OrderRow>> due(WallMs now, int limit) const override;
  Result<std::vector<ReceiptRow>> receipts(const std::string& order_id) const override;
  Result<> insert(const OrderRow& row) override;
  Result<> update(const OrderRow& row) override;
  Result<bool> insert_receipt(const ReceiptRow& row) override;

 private:
  Connection& db_;
};

class SqliteCardBatches final : public CardBatches {
 public:
  explicit SqliteCardBatches(Connection& db) : db_(db) {}
  Result<std::optional<CardBatchRow>> by_id(const std::string& id) const override;
  Result<std::optional<CardBatchRow>> of_digest(const std::string& case_id, const std::string& digest) const override;
  Result<Page<CardBatchRow>> list(const std::string& state, const PageRequest& page) const override;
  Result<std::vector<std::pair<std::string, std::int64_t>>> counts(const std::string& id) const override;
  Result<> insert(const CardBatchRow& row) override;
  Result<> update(const CardBatchRow& row) override;
  Result<std::optional<CardChunk>> chunk(std::int64_t batch_seq, std::int64_t run, std::int64_t after) const override;
  Result<std::int64_t> runs(std::int64_t batch_seq) const override;
  Result<std::int64_t> members(const CardBatchRow& row, std::int64_t after, int chunks,
                               const std::function<void(const CardMember&)>& each) const override;
  Result<> add_chunk(std::int64_t batch_seq, std::int64_t run, const CardChunk& chunk) override;
  Result<> drop_list(std::int64_t batch_seq) override;
  Result<std::int64_t> drop_items(int limit) override;
  Result<std::vector<std::pair<std::string, std::int64_t>>> lapse_due(WallMs now, int limit) override;

 private:
  Connection& db_;
};

class SqliteLeads final : public Leads {
 public:
  explicit SqliteLeads(Connection& db) : db_(db) {}
  Result<std::optional<LeadPartnerRow>> partner(const std::string& id) const override;
  Result<std::vector<LeadPartnerRow>> partners() const override;
  Result<std::vector<LeadKeyRow>> keys(const std::string& partner_id) const override;
  Result<std::optional<LeadFileRow>> file(const std::string& id) const override;
  Result<std::optional<LeadFileRow>> file_of_digest(const std::string& partner_id, const std::string& direction,
                                                    const std::string& digest) const override;
  Result<Page<LeadFileRow>> files(const std::string& partner_id, const PageRequest& page) const override;
  Result<std::optional<LeadRow>> lead(const std::string& id) const override;
  Result<std::optional<LeadRow>> lead_of(const std::string& partner_id, const std::string& direction,
                                         const std::string& lead_id) const override;
  Result<Page<LeadRow>> leads(const LeadFilter& filter, const PageRequest& page) const override;
  Result<std::vector<LeadRow>> warnings_due(WallMs now, int limit) const override;
  Result<std::vector<LeadWaitingRow>> waiting_of(const std::string& key_id, const std::string& hash) const override;
  Result<LeadFigures> figures(const std::string& partner_id) const override;

  Result<> insert_partner(const LeadPartnerRow& row) override;
  Result<> update_partner(const LeadPartnerRow& row) override;
  Result<> insert_key(const LeadKeyRow& row) override;
  Result<> update_key(const LeadKeyRow& row) override;
  Result<> insert_file(const LeadFileRow& row) override;
  Result<> update_file(const LeadFileRow& row) override;
  Result<bool> insert_lead(const LeadRow& row) override;
  Result<> update_lead(const LeadRow& row) override;

  Result<bool> note_seen(const std::string& partner_id, std::uint64_t lead_digest, WallMs at) override;
  Result<> insert_waiting(const LeadWaitingRow& row) override;
  Result<> remove_waiting(std::int64_t row) override;
  Result<std::int64_t> purge_waiting(WallMs now, int limit) override;
  Result<std::int64_t> forget_waiting(const std::string& partner_id) override;
  Result<> drop_waiting(const std::string& partner_id, const std::string& lead_id) override;

 private:
  Connection& db_;
};

class SqliteVault final : public VaultRows {
 public:
  explicit SqliteVault(Connection& db) : db_(db) {}
  Result<std::optional<SealedRow>> sealed(const std::string& token) const override;
  Result<std::vector<SealedRow>> sealed_from(const std::string& token, int limit) const override;
  Result<std::int64_t> sealed_count() const override;
  Result<std::vector<SealedRow>> walk_numbers(std::int64_t after, int limit) const override;
  Result<std::optional<GrantRow>> grant(const std::string& id) const override;
  Result<std::vector<GrantRow>> grants(const std::string& case_id) const override;
  Result<> keep(const SealedRow& row) override;
  Result<> insert_grant(const GrantRow& row) override;
  Result<> update_grant(const GrantRow& row) override;

 private:
  Connection& db_;
};

class SqliteAudit final : public AuditRows {
 public:
  explicit SqliteAudit(Connection& db) : db_(db) {}
  Result<std::optional<AuditRow>> last() const override;
  Result<Page<AuditRow>> list(const AuditFilter& filter, const PageRequest& page) const override;
  Result<> walk(std::int64_t from_seq, const std::function<bool(const AuditRow&)>& each) const override;
  Result<std::optional<AuditRow>> last_before(WallMs at) const override;
  Result<std::vector<AnchorRow>> anchors() const override;
  Result<> append(const AuditRow& row) override;
  Result<> insert_anchor(const AnchorRow& row) override;

 private:
  Connection& db_;
};

class SqliteValues final : public KeyValues {
 public:
  explicit SqliteValues(Connection& db) : db_(db) {}
  Result<std::optional<std::string>> find(const std::string& key) const override;
  Result<std::int64_t> counter(const std::string& key) const override;
  Result<> put(const std::string& key, const std::string& value) override;
  Result<std::int64_t> add(const std::string& key, std::int64_t by) override;

 private:
  Connection& db_;
};

class SqliteConsumers final : public Consumers {
 public:
  explicit SqliteConsumers(Connection& db) : db_(db) {}
  Result<std::uint64_t> position(const std::string& consumer) const override;
  Result<> advance(const std::string& consumer, std::uint64_t position) override;

 private:
  Connection& db_;
};

}  // namespace pandun::store
