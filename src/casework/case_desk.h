// The durable desk: signals become alerts, incidents and cases; people drive cases to a verified end.
//
// Once     ingest() folds a batch and moves the consumer's position in one transaction; signals at or behind the stored
//          position are skipped, so a replayed batch changes nothing.
// Actors   every write names who; rights are checked here, not only at the door; every write is audited in the same
//          transaction. Refusals that matter (own measure, category outside the closed list) are audited and counted too.
// Safety   the software itself never approves, orders or dismisses: tick() only ends things in the person's favour, marks
//          clocks and records what was or was not seen (safeguard 7).
// Errors   kNotAllowed, kNotFound, kConflict (version), kUsage (a field), kIo / kUnavailable from the store.
// Threads  thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "casework/alert_folder.h"
#include "casework/clock_table.h"
#include "casework/incident_grouper.h"
#include "casework/views.h"
#include "casework/words.h"
#include "casework/workflow.h"
#include "guard/audit.h"
#include "guard/law_library.h"
#include "guard/vault.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "store/store.h"

namespace pandun::casework {

// Safeguard 9: the protected group an entity belongs to, or "".
class ProtectedGroups {
 public:
  virtual ~ProtectedGroups() = default;
  virtual std::string group(const model::Entity& entity) const = 0;
};

// All knowledge the desk runs by; immutable while it runs.
struct CaseworkContent {
  Workflow workflow;
  ClockTable clocks;
  guard::LawLibrary laws;
  GradeTable grades;
};
// From workflows/standard.toml, clocks/{standard,calendar_cn}.toml, grounds/standard.toml and grades/standard.toml below
// the content directory. kBadConfig with the faults of all of them; nothing is half-loaded.
Result<std::unique_ptr<CaseworkContent>> load_casework_content(platform::FileSystem& files,
                                                               const std::string& content_directory);

// Everything the desk stands on; all of it must outlive the desk.
struct DeskParts {
  store::Store& store;
  const guard::Audit& audit;
  const guard::Vault& vault;
  const platform::Clock& clock;
  const CaseworkContent& content;
  const DetectorTable& detectors;
  const Identities& identities;
  const SourceLines& lines;
  const ProtectedGroups* protected_groups = nullptr;
  std::string order_action = "outbox";  // the action that orders are given to
  const FeatureWords* words = nullptr;  // null: evidence keeps its names
};

struct IngestReport {
  std::uint64_t signals = 0, skipped = 0;
  std::vector<std::string> new_alerts, changed_alerts;  // ids
  std::vector<std::string> changed_cases;               // attached, relapsed
};

inline constexpr std::uint64_t kFindingPositions = 1ULL << 52;  // findings from outside the stream stand from here on

struct TickReport {
  int clocks_missed = 0, measures_lapsed = 0, cases_verified = 0, appeals_lapsed = 0;
  std::vector<std::string> changed_cases;
};

struct NewCase {
  std::vector<std::string> alert_ids;
  std::string incident_id, title;
};
struct ActionInput {
  std::int64_t version = 0;
  std::map<std::string, std::string> fields;
  std::string note;
};
struct CasePatch {
  std::int64_t version = 0;
  std::optional<std::string> assignee, title;
  std::optional<std::string> topic{};  // the caller knows that there is such a one
};
// How many cases are filed under a topic.
struct TopicCases {
  std::int64_t open = 0, done = 0;
};
// What a measure is proposed with.
struct MeasureTerms {
  std::string kind, category, ground, scope, reason, skip_reason, expires_at, notice, appeal_channel;
};
struct NewBatch {
  MeasureTerms terms;
  std::vector<std::string> tokens;  // of the case's numbers; empty: all of them
};
struct NewAppeal {
  std::string measure_id, token, decision_id;  // one of the first two; the decision is kept beside it
  std::string claim, channel;
};
struct AppealDecision {
  std::string outcome;  // upheld, partly, rejected
  std::string reason;
  std::string repair;      // upheld, partly: what went wrong and what is restored
  std::string expires_at;  // partly: the measure's earlier end
};
struct CheckResult {
  std::string measure_id, token;  // one of them
  std::string result;             // passed, failed, no_answer
};
struct CheckReport {
  std::uint64_t passed = 0, failed = 0, no_answer = 0;
  struct Refused {
    std::size_t index = 0;
    std::string why;
  };
  std::vector<Refused> refused;  // in order of index
  std::vector<std::string> changed_cases;
};
struct NewEvidence {
  std::string kind, title, value;
};

class CaseDesk {
 public:
  explicit CaseDesk(const DeskParts& parts) : parts_(parts) {}

  // ---- the stream ----
  // Signals in their total order. `position` is where the consumer stands after them.
  Result<IngestReport> ingest_signals(std::span<const model::Signal> signals, const std::string& consumer,
                                      std::uint64_t position);
  Result<std::uint64_t> position(const std::string& consumer) const;
  // A finding that did not come from the event stream (a partner's lead), inside the caller's transaction, who makes sure that it
  // comes once. It is no sighting: a verified or closed case stays as it is. Its position is beyond every one of the log.
  Result<IngestReport> take_finding(store::Tx& tx, const model::Signal& finding, const DetectorFacts& facts) const;
  // Clocks, lapses, verification: call about once a minute.
  Result<TickReport> tick();

  // ---- alerts ----
  struct AlertQuery {
    std::string detector, topic, state, entity_kind, q;
    int severity_min = 0;
    std::optional<std::int64_t> from_ms, to_ms;
    store::PageRequest page;
  };
  Result<AlertPage> alerts(const AlertQuery& query) const;
  Result<AlertView> alert(const std::string& id) const;
  Result<AlertSummary> alert_summary(const std::string& id) const;
  Result<AlertSummary> dismiss_alert(const guard::Actor& actor, const std::string& id, const std::string& reason);
  Result<AlertSummary> reopen_alert(const guard::Actor& actor, const std::string& id, const std::string& reason);

  // ---- incidents ----
  Result<ViewPage<IncidentSummary>> incidents(const std::string& state, const std::string& grade,
                                              const store::PageRequest& page) const;
  Result<IncidentView> incident(const std::string& id) const;

  // ---- cases ----
  struct CaseQuery {
    std::string state, assignee, topic;
    bool overdue_only = false;
    store::PageRequest page;
  };
  Result<ViewPage<CaseSummary>> cases(const CaseQuery& query) const;
  Result<std::map<std::string, TopicCases>> cases_by_topic() const;
  // `actor` decides what `actions` say about being allowed.
  Result<CaseView> case_view(const guard::Actor& actor, const std::string& id) const;
  Result<CaseSummary> case_summary(const std::string& id) const;
  Result<CaseView> open_case(const guard::Actor& actor, const NewCase& wish);
  Result<CaseView> perform(const guard::Actor& actor, const std::string& case_id, const std::string& action,
                           const ActionInput& input);
  Result<CaseView> patch_case(const guard::Actor& actor, const std::string& case_id, const CasePatch& patch);
  Result<NoteView> add_note(const guard::Actor& actor, const std::string& case_id, const std::string& text);
  Result<EvidenceView> add_evidence(const guard::Actor& actor, const std::string& case_id, const NewEvidence& wish);

  // ---- catalogue and figures ----
  std::vector<GroundView> grounds() const;
  std::vector<MeasureKindView> measure_kinds() const;
  std::vector<StateView> workflow_states() const;
  const Workflow& workflow() const;
  Result<CaseworkOverview> overview(int hours) const;

  // ---- measures ----
  Result<std::vector<ActiveMeasure>> active_measures() const;
  Result<MeasureStory> measure(const guard::Actor& actor, const std::string& id) const;

  // ---- several numbers at once: one proposal, a measure of its own for each ----
  Result<std::vector<BatchNumber>> case_numbers(const std::string& case_id) const;  // by risk, at most 500
  Result<BatchView> propose_batch(const guard::Actor& actor, const std::string& case_id, const NewBatch& wish);
  // All that wait but `except` (measure ids), which are refused for `reason`. Members of protected groups need two people.
  Result<BatchView> approve_batch(const guard::Actor& actor, const std::string& id,
                                  const std::vector<std::string>& except, const std::string& reason);
  Result<BatchView> refuse_batch(const guard::Actor& actor, const std::string& id, const std::string& reason);
  Result<BatchView> order_batch(const guard::Actor& actor, const std::string& id);
  Result<BatchView> batch(const guard::Actor& actor, const std::string& id) const;
  Result<ViewPage<BatchSummary>> batches(const std::string& state, const std::string& case_id,
                                         const store::PageRequest& page) const;
  Result<ViewPage<MeasureView>> batch_members(const std::string& id, const store::PageRequest& page) const;
  // Results of re-verification, in one transaction. passed: the measure is lifted; failed: it stands, and may be followed by
  // a new proposal; no_answer is only noted. What cannot be used is refused item by item.
  Result<CheckReport> record_checks(const guard::Actor& actor, std::span<const CheckResult> results);

  // ---- appeals ----
  Result<AppealView> record_appeal(const guard::Actor& actor, const NewAppeal& wish);
  // By somebody who neither proposed nor approved the measure, nor recorded the appeal.
  Result<AppealView> decide_appeal(const guard::Actor& actor, const std::string& id, const AppealDecision& decision);
  Result<AppealView> appeal(const guard::Actor& actor, const std::string& id) const;
  Result<ViewPage<AppealView>> appeals(const guard::Actor& actor, const std::string& state, const std::string& case_id,
                                       const store::PageRequest& page) const;

  // ---- orders: what actions deliver and hear back ----
  struct DueOrder {
    std::string id, verb, action, doc;
    std::int64_t attempts = 0;
  };
  Result<std::vector<DueOrder>> due_orders() const;
  Result<> order_sent(const std::string& id);
  Result<> order_not_sent(const std::string& id, const std::string& error);  // tried again later, longer each time
  // acknowledged, done or failed. A receipt seen before (same bytes) changes nothing: false.
  Result<bool> order_receipt(const std::string& id, const std::string& state, const std::string& detail,
                             const std::string& digest, WallMs at, const std::string& carrier = {});

 private:
  Result<CaseView> view_of(const store::View& view, const guard::Actor& actor, const std::string& id) const;
  Result<AlertSummary> set_alert_state(const guard::Actor& actor, const std::string& id, const std::string& reason,
                                       std::string_view from, std::string_view to);
  DeskParts parts_;
};

}  // namespace pandun::casework
