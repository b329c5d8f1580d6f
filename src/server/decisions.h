// The decision room of the live platform: gathers what decisions may rest on, keeps the decider's snapshot true, and writes every
// decision down.
//
// Sources  approved measures from casework (looked at five times a second, read only after the audit chain grew), subscribers'
//          choices and labels, lists below DATA/decide/lists, trunks and policies; open alerts and model scores.
// Errors   open(): kBadConfig with every fault of trunks and policies, kCorrupt for a damaged subscriber book. A bad list is a
//          fault that is shown and the list is not used; so is a disk that takes no records: decisions go on.
// Threads  run() by one thread; the Desk's calls and note_alerts() from any.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "casework/case_desk.h"
#include "decide/decider.h"
#include "decide/desk.h"
#include "guard/audit.h"
#include "guard/number_tokens.h"
#include "guard/vault.h"
#include "ingest/numbering.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/seal.h"
#include "platform/thread.h"
#include "server/call_reports.h"
#include "server/content.h"
#include "server/settings.h"
#include "store/store.h"

namespace pandun::server {

decide::DeciderLimits decider_limits(const Settings& settings);

struct DecisionParts {
  platform::FileSystem& files;
  platform::Clock& clock;
  const Settings& settings;
  const Content& content;
  const std::string& data;
  const platform::SealKey& key;
  const guard::NumberTokens& tokens;
  const ingest::Numbering& numbering;
  store::Store& store;
  const guard::Audit& audit;
  const guard::Vault& vault;
  const casework::CaseDesk& desk;
  decide::Decider& decider;
  decide::CallEndings& calls;
  CallReports& reports;
  std::function<void(std::string where, std::string message)> note_fault;
  std::function<void(const decide::Findings& findings)> tell_findings{};  // detection asks who is suspected
};

class DecisionRoom final : public decide::Desk {
 public:
  static Result<std::unique_ptr<DecisionRoom>> open(DecisionParts parts);
  ~DecisionRoom() override;
  void run(std::stop_token stop);
  // Alerts that began or changed; from any thread.
  void note_alerts(const std::vector<std::string>& alerts);

  Result<decide::Explanation> explain(std::uint64_t id) override;
  Result<decide::CalleeSettings> callee(model::NumberKey callee) override;
  Result<> set_callees(const std::vector<decide::CalleeSettings>& settings, std::string_view by) override;
  Result<> set_labels(const std::vector<decide::NumberLabel>& labels, std::string_view by) override;
  Result<decide::Label> label(model::NumberKey number) override;
  Totals totals() override;
  Result<> report_calls(const std::vector<decide::CallReport>& reports) override;
  decide::CallEndings::Page endings(std::uint64_t cursor, std::string_view call_prefix, std::size_t most) override;
  Result<std::size_t> note_endings(const std::vector<decide::EndingReceipt>& receipts, std::string_view by) override;

 private:
  struct Rooms;
  explicit DecisionRoom(std::unique_ptr<Rooms> rooms);
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace pandun::server
