// What the API shows beyond casework, gathered from the rooms of the live platform.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "api/platform_port.h"
#include "decide/call_endings.h"
#include "decide/decider.h"
#include "server/archive_loop.h"
#include "server/catalogues.h"
#include "server/content.h"
#include "server/detect_loop.h"
#include "server/indicator_desk.h"
#include "server/intake.h"
#include "server/number_models.h"
#include "server/people_warnings.h"
#include "server/rates.h"
#include "server/settings.h"
#include "server/sip_door.h"
#include "server/sms_gate.h"
#include "server/words.h"
#include "store/store.h"

namespace pandun::server {

struct LiveParts {
  const Settings& settings;
  const Content& content;
  const Catalogues& catalogues;
  platform::Clock& clock;
  eventlog::Log& log;
  Intake& intake;
  DetectLoop& detection;
  ArchiveLoop* archive;  // null: switched off
  IndicatorDesk& indicators;
  const ingest::Numbering& numbering;
  const RuleBook& rules;
  const store::Store& store;
  const decide::Decider& decider;
  const std::vector<detect::EngineConfig::Part>& detectors;
  const Words& words;
};

class LivePlatform final : public api::Platform {
 public:
  explicit LivePlatform(const LiveParts& parts);

  // About once a second, by the ticker.
  void tick(std::uint64_t alerts_total);
  void set_rules(std::shared_ptr<const detect::RuleSet> rules);
  void show(const SmsGate& sms) { sms_ = &sms; }
  void show(const ShelfModels& models) { models_ = &models; }
  void show(const SipDoor& sip) { sip_ = &sip; }
  void show(const PeopleWarnings& people) { people_ = &people; }
  void show(const decide::CallEndings& calls) { calls_ = &calls; }
  void note_fault(std::string where, std::string message);
  void set_waiting_for(std::vector<std::string> what);

  api::EngineFigures figures() const override;
  api::RateSeries rates(unsigned hours) const override;
  std::vector<api::SourceState> sources() const override;
  api::SystemState system() const override;
  std::vector<api::Metric> metrics() const override;
  std::vector<std::string> waiting_for() const override;
  std::vector<api::DetectorEntry> detectors() const override;
  std::vector<api::SourceKindEntry> source_kinds() const override;
  std::vector<api::RuleEntry> rules() const override;
  std::vector<api::TopicEntry> topics() const override { return parts_.catalogues.topics; }
  std::vector<api::TechniqueEntry> techniques() const override { return parts_.catalogues.techniques; }
  api::FraudLibraryEntry fraud_library() const override;
  std::vector<api::FeatureEntry> features() const override;
  Result<api::ArchiveAnswer> archive_events(const api::ArchiveQuery& query) const override;
  std::vector<api::IntelListEntry> intel_lists() const override { return parts_.indicators.lists(); }
  Result<api::IntelImport> add_intel_list(const api::NewIntelList& list) override {
    return parts_.indicators.add(list);
  }
  Result<> delete_intel_list(std::string_view name) override { return parts_.indicators.remove(name); }
  model::NumberKey read_number(std::string_view text) const override { return parts_.numbering.parse(text, false); }
  Result<std::string> redress_card(std::string_view id) const override;

 private:
  void watch_fault(const std::string& where, const std::string& message);

  LiveParts parts_;
  std::chrono::nanoseconds started_;
  Rates rates_;
  std::uint64_t events_before_;  // in the log when this process began
  std::atomic<std::uint64_t> alerts_total_{0};
  std::atomic<const SmsGate*> sms_{nullptr};
  std::atomic<const ShelfModels*> models_{nullptr};
  std::atomic<const SipDoor*> sip_{nullptr};
  std::atomic<const PeopleWarnings*> people_{nullptr};
  std::atomic<const decide::CallEndings*> calls_{nullptr};
  mutable std::mutex mutex_;
  std::vector<api::FaultEntry> faults_;
  std::vector<std::string> waiting_for_{"event log", "engine", "store"};
  std::shared_ptr<const detect::RuleSet> rules_;
  std::map<std::string, std::string> last_fault_;
};

}  // namespace pandun::server
