#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "detect/detector.h"
#include "detect/state_table.h"
#include "detectors/sim_box/cell.h"
#include "detectors/sim_box/routes.h"
#include "detectors/sim_box/state.h"
#include "detectors/sim_box/trunk.h"

namespace pandun::detectors::sim_box {

class SimBox final : public detect::Detector {
 public:
  explicit SimBox(const detect::Options& options);

  void route(const model::Event& event, detect::KeyList& keys) const override;
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override;
  unsigned prefetch_stages() const override { return 3; }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override;
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override;

 private:
  enum Role : std::uint8_t { kCaller, kDevice, kCallerCell, kCalleeCell, kCalleeDevice, kTrunk };
  struct Limits {
    double calls_24h, devices, cells, out_share, dispersion, returns, device_numbers, number_calls, cohort,
        cohort_calls, mirrored, factor, trunk_numbers, trunk_calls;
  };
  struct NumberMark {
    detect::Said said;  // of the calls in 24 h
    detect::LatestRecords<8> records;
    Routes routes;
  };

  void look_at_number(const model::Event& event, detect::Context& context);
  void look_at_device(const model::Event& event, DeviceKey key, detect::Context& context);
  void hear_device(const model::Event& event, DeviceKey key, const detect::Context& context);
  void judge_device(const model::Event& event, Device& device, const detect::DeviceActivity& use,
                    detect::Context& context) const;
  bool goes_round(const detect::DeviceActivity& use) const;
  std::vector<model::Evidence> turns(const Device& device, const std::vector<const DeviceNumber*>& used,
                                     std::uint32_t now_s) const;
  void name_device(const model::Event& event, Device& device, std::vector<const DeviceNumber*>& used,
                   std::vector<model::Evidence> evidence, double least, detect::Context& context) const;
  void look_at_cell(const model::Event& event, const detect::RoutedKey& key, detect::Context& context);
  void judge_cohort(const model::Event& event, Cell& cell, detect::Context& context) const;
  void count_in_seat(const model::Event& event, const detect::RoutedKey& key, Cell& cell, std::size_t place,
                     detect::Context& context) const;
  void find_mirror(const model::Event& event, const detect::RoutedKey& key, Cell& cell, std::size_t place,
                   const Talk& latest, detect::Context& context) const;
  void look_at_trunk(const model::Event& event, const detect::RoutedKey& key, detect::Context& context);
  void judge_trunk(const model::Event& event, Trunk& trunk, detect::Context& context) const;
  static std::string_view group_of(model::NumberKey number, detect::Context& context);
  void drop(NumberMark& mark);
  void drop(std::unique_ptr<Device>& device);
  void drop(Cell& cell);
  void drop(std::unique_ptr<Trunk>& trunk);

  Limits limits_;
  detect::StateTable<model::NumberKey, NumberMark> numbers_;
  detect::StateTable<DeviceKey, std::unique_ptr<Device>> devices_;
  detect::StateTable<model::EntityKey, Cell> cells_;
  detect::StateTable<model::EntityKey, std::unique_ptr<Trunk>> trunks_;
  std::uint64_t heap_bytes_ = 0;
};

}  // namespace pandun::detectors::sim_box
