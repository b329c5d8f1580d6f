// One shard: its own tables, its own detectors, one thread's worth of work.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/engine.h"
#include "detect/features/cell_activity_state.h"
#include "detect/features/device_activity_state.h"
#include "detect/features/dialling_state.h"
#include "detect/features/host_state.h"
#include "detect/features/number_state.h"
#include "detect/rules/rule_runner.h"
#include "detect/state_io.h"
#include "model/event.h"

namespace pandun::detect {

// One thing to do for one event: count it in an entity's activity, or show it to a detector.
struct WorkItem {
  static constexpr std::uint16_t kNumberOut = 0xfff0, kNumberIn = 0xfff1, kHost = 0xfff2, kDeviceOut = 0xfff3,
                                 kDeviceIn = 0xfff4, kCellOut = 0xfff5, kCellIn = 0xfff6;
  std::uint64_t hash;
  std::uint64_t beside;  // of a device, the hash of the cell it was used in; of a cell, of the device; 0 = not known
  RoutedKey key;
  std::uint32_t event;    // index in the chunk's events
  std::uint16_t target;   // a detector's index, or one of the above
  std::uint16_t ordinal;  // place among the event's keys: the last tie-break of the total order
  bool activity() const { return target >= kNumberOut; }
};

struct FoundSignal {
  model::Signal signal;
  std::uint16_t ordinal = 0;
  bool shadow = false;
};

// Finds out whom an event concerns. The same on every run; no state but scratch.
class Router {
 public:
  Router(const EngineConfig& config, std::span<const std::unique_ptr<Detector>> detectors);
  void use(const RuleSet* rules);
  // Appends to work[shard], activities before detectors. Devices and cells are work only while somebody wants them.
  void route(const model::Event& event, std::uint32_t index, std::span<std::vector<WorkItem>> work);

 private:
  void add(const RoutedKey& key, std::uint64_t hash, std::uint32_t index, std::uint16_t target,
           std::span<std::vector<WorkItem>> work, std::uint64_t beside = 0);
  void add_places(const model::Event& event, std::uint32_t index, std::span<std::vector<WorkItem>> work);
  bool wants_devices_ = false, wants_cells_ = false;  // now
  bool detectors_want_devices_ = false, detectors_want_cells_ = false;
  std::vector<const Detector*> detectors_;
  std::vector<std::uint16_t> by_kind_[model::kEventKinds];
  KeyList keys_;
  std::uint16_t ordinal_ = 0;
};

std::vector<std::unique_ptr<Detector>> make_detectors(const EngineConfig& config);

class Shard {
 public:
  explicit Shard(const EngineConfig& config);
  ~Shard();

  // `items` belong to `events` in ascending order; signals are appended in that order.
  void run(std::span<const model::Event> events, std::span<const WorkItem> items, std::vector<FoundSignal>& found);
  void use(std::shared_ptr<const RuleSet> rules);
  const std::shared_ptr<const RuleSet>& rules() const { return rules_.shared(); }
  void use(const Ports& ports) { ports_ = ports; }
  std::span<const std::unique_ptr<Detector>> detectors() const { return detectors_; }

  // State, section by section: "numbers", "hosts", "rules", "devices", "cells", "dialling", then one per detector.
  struct Section {
    std::string name;
    std::uint32_t version;
  };
  std::vector<Section> sections() const;
  void save(std::size_t section, StateWriter& out) const;
  Result<> load(std::size_t section, StateReader& in);
  void reset(std::size_t section);  // forgets what was loaded

  void add_to(EngineStats& stats) const;

 private:
  class ShardContext;
  static constexpr std::size_t kSharedSections = 6;
  void prefetch(const model::Event& event, const WorkItem& item, unsigned stage) const;
  void run_event(const model::Event& event, std::span<const WorkItem> items, ShardContext& context);
  bool count(const model::Event& event, const WorkItem& item);        // false: no rule can speak of it
  bool count_place(const model::Event& event, const WorkItem& item);  // may a rule speak of it?
  void count_dialling(const model::Event& event, const WorkItem& item, const ShardContext& context);
  // `wanted`: bits of the items that a rule may speak of.
  void ask_rules(const model::Event& event, std::span<const WorkItem> items, std::uint32_t wanted,
                 ShardContext& context);
  void evict(EventMs watermark);

  const EngineConfig& config_;
  std::unique_ptr<NumberActivities> numbers_;
  std::unique_ptr<HostActivities> hosts_;
  std::unique_ptr<DeviceActivities> devices_;
  std::unique_ptr<CellActivities> cells_;
  std::unique_ptr<DiallingActivities> dialling_;
  bool detectors_want_devices_ = false, detectors_want_cells_ = false, detectors_want_dialling_ = false;
  bool wants_dialling_ = false;  // now
  RuleRunner rules_;
  std::vector<std::unique_ptr<Detector>> detectors_;
  std::vector<unsigned> prefetch_stages_;  // by detector
  Ports ports_;
  std::vector<std::uint64_t> signals_;  // by detector
  std::uint64_t rule_signals_ = 0, shadow_signals_ = 0;
  EventMs evict_at_{INT64_MIN};
};

}  // namespace pandun::detect
