// The engine room: events in position order in, signals in total order out.
//
// Order    process() must be given each position once, ascending. Signals reach the sink ordered by (position, detector,
//          entity); the sequence depends on the events, options and rules alone, never on shards, batch borders or restarts.
// Threads  one caller. With one shard everything runs on the caller's thread, without a queue. With more, the caller's thread
//          finds out which keys an event concerns and hands each shard its share over bounded queues (full: the caller
//          waits); the sink is called on the caller's thread only, from process(), drain(), save() and finish().
// Life     a rule's signal points at its rule's id: the engine keeps every rule set it was given as long as it lives.
// Memory   shards > 1 keeps at most `chunks_in_flight` chunks of events alive.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "detect/detector.h"
#include "detect/features/options.h"
#include "model/event.h"
#include "model/signal.h"

namespace pandun::platform {
class FileSystem;
class SealKey;
}  // namespace pandun::platform

namespace pandun::detect {

class RuleSet;  // detect/rules/rule_set.h

class SignalSink {
 public:
  virtual ~SignalSink() = default;
  // Every signal of every position up to `done_position` that was not handed on before, in total order; may be none.
  virtual void take(std::vector<model::Signal>&& signals, std::uint64_t done_position) = 0;
  // What rules in state "shadow" would have said; never an alert.
  virtual void take_shadow(std::vector<model::Signal>&& signals) { signals.clear(); }
};

struct EngineConfig {
  struct Part {
    DetectorPart part;
    Options options;
  };
  std::uint32_t shards = 1;
  std::vector<Part> detectors;
  std::shared_ptr<const RuleSet> rules;    // null: none
  Ports ports{nullptr, nullptr, nullptr};  // null members are replaced by ports that know nothing
  NumberOptions numbers;
  HostOptions hosts;
  std::chrono::seconds evict_every{600};  // of watermark time, 1/16 of every table each time
  std::size_t chunk_events = 2048, chunks_in_flight = 16;
};

struct PartStats {
  std::string name;  // detector, rule, or "numbers" / "hosts" / "rules" for the shared state
  std::uint64_t signals = 0, shadow_signals = 0;
  StateSize state;
};
struct EngineStats {
  std::uint64_t position = 0, events = 0, signals = 0;
  std::uint64_t too_old = 0;       // contacts behind every window of their entity
  std::uint64_t queue_chunks = 0;  // in flight now
  std::uint64_t queue_waits = 0;   // times the caller had to wait for a shard
  std::uint64_t state_bytes = 0, quiet_numbers = 0, listed_numbers = 0, packed_numbers = 0, busy_numbers = 0;
  std::vector<PartStats> parts;
};

struct SaveReport {
  std::string name;  // of the checkpoint
  std::uint64_t position = 0, bytes = 0;
};
struct LoadReport {
  std::uint64_t position = 0;  // 0: nothing to load, start from the beginning of the log
  std::string name;
  std::vector<std::string> refused;  // newer checkpoints that could not be used, and why
  bool rules_changed = false;        // the rules now are not those it was written under; their cooldowns go on by id
  std::vector<std::string> started_empty;  // detectors and feature groups without usable state in it, and why
};

class Engine {
 public:
  Engine(EngineConfig config, SignalSink& sink);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void process(const model::EventBatch& batch);  // copies the batch when shards > 1
  void process(std::shared_ptr<const model::EventBatch> batch);
  void drain();   // returns when the sink has everything of what was processed
  void finish();  // drain, then stop the shards; process() must not follow

  // The new rules hold from the first event with position >= from_position (0: from the next event). Calls must not go back
  // in position. After a restart behind that position call it again with the same position: the result is the same.
  void set_rules(std::shared_ptr<const RuleSet> rules, std::uint64_t from_position = 0);
  // Ports are snapshots: swapped between two batches.
  void set_ports(Ports ports);

  std::uint64_t position() const;  // of the last event taken in
  EngineStats stats();             // drains first when shards > 1

  // detect/checkpoint.h says what stands on disk. `key` null: not sealed (tests, and replays that keep nothing).
  Result<SaveReport> save(platform::FileSystem& files, const std::string& directory, const platform::SealKey* key);
  // Into a new engine only. Nothing usable there is not an error: position 0 and the reasons.
  Result<LoadReport> load(platform::FileSystem& files, const std::string& directory, const platform::SealKey* key);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pandun::detect
