// The detect loop: event log → engine → casework. One thread, one way.
//
// Once     casework commits a signal's position with its alert; a checkpoint is written only for positions that casework has.
//          After a restart the engine goes back to its checkpoint and the signals it makes again are skipped.
// Errors   a store or disk that refuses is tried again each second: events wait in the log, nothing is lost. A corrupt log stops
//          the loop, and the fault is shown.
// Threads  run() on one thread; figures() from any.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "casework/case_desk.h"
#include "detect/engine.h"
#include "eventlog/log.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/seal.h"
#include "server/rule_book.h"

namespace pandun::server {

struct DetectFigures {
  std::uint64_t position = 0, lag = 0, events = 0, signals = 0;
  std::optional<EventMs> watermark;
  std::optional<WallMs> checkpoint_at;
  std::uint64_t checkpoint_position = 0, checkpoint_bytes = 0;
  detect::EngineStats engine;
  std::string fault;
};

struct DetectLoopOptions {
  std::string checkpoint_directory;
  std::uint64_t checkpoint_events = 2'000'000;
  std::chrono::seconds checkpoint_every{300};
  // Signals of these detectors are never given to casework: on_report sees them once, and they are gone.
  bool (*aside)(std::string_view detector) = nullptr;
  // Other rules hold from now on; on the loop's thread, between two hand-overs.
  std::function<void(const detect::RuleSet&)> on_rules;
  // Asked every few seconds on the loop's thread, with the first position that the engine has not been given: what it changes may
  // hold from there on. An error is a fault that is shown.
  std::function<Result<>(std::uint64_t next_position)> look = nullptr;
};

class DetectLoop final : public detect::SignalSink {
 public:
  struct Handed {
    const casework::IngestReport& report;
    std::span<const model::Signal> kept;   // what the report is about
    std::span<const model::Signal> aside;  // and what casework never saw
  };
  using OnReport = std::function<void(const Handed&)>;

  DetectLoop(platform::FileSystem& files, platform::Clock& clock, const platform::SealKey& key, eventlog::Log& log,
             casework::CaseDesk& desk, RuleBook& rules, DetectLoopOptions options, OnReport on_report);
  ~DetectLoop() override;

  // Before run(): the newest whole checkpoint that casework has reached, and the rules that held there.
  Result<> open(detect::EngineConfig config);
  void run(std::stop_token stop);
  DetectFigures figures() const;
  std::shared_ptr<const detect::RuleSet> rules() const;  // in force now

  // Takes effect between two batches.
  void set_ports(detect::Ports ports);

  void take(std::vector<model::Signal>&& signals, std::uint64_t done_position) override;

 private:
  bool hand_over(std::stop_token stop, bool force);
  void checkpoint(std::stop_token stop);
  void maintain(std::stop_token stop);
  void publish();
  void fault(std::string text);

  platform::FileSystem& files_;
  platform::Clock& clock_;
  const platform::SealKey& key_;
  eventlog::Log& log_;
  casework::CaseDesk& desk_;
  RuleBook& rules_;
  DetectLoopOptions options_;
  OnReport on_report_;
  std::unique_ptr<detect::Engine> engine_;
  std::unique_ptr<eventlog::Reader> reader_;
  std::vector<model::Signal> waiting_, aside_;
  std::uint64_t done_ = 0, handed_ = 0, checkpointed_ = 0;
  std::chrono::nanoseconds checkpoint_time_{0}, look_time_{0}, publish_time_{0}, hand_time_{0};
  DetectFigures running_;
  mutable std::mutex mutex_;
  DetectFigures published_;
  std::optional<detect::Ports> new_ports_;
  std::shared_ptr<const detect::RuleSet> rules_in_force_;
};

}  // namespace pandun::server
