#include "province/scenario.h"

#include <fmt/format.h>

#include <string>

#include "base/check.h"
#include "base/toml.h"
#include "province/plant.h"

namespace pandun::province {

std::string_view name(PlantKind kind) {
  constexpr std::array<std::string_view, kPlantKinds> kNames{"fraud_ring",
                                                             "sim_box",
                                                             "wangiri",
                                                             "message_burst",
                                                             "fake_base_station",
                                                             "spoofed_trunk",
                                                             "beacon",
                                                             "dga",
                                                             "horizontal_scan",
                                                             "vertical_scan",
                                                             "slow_scan",
                                                             "brute_force",
                                                             "call_bombing",
                                                             "iot_misuse",
                                                             "message_campaign",
                                                             "many_cards",
                                                             "copied_base_station",
                                                             "unseen_base_station",
                                                             "trunk_relay",
                                                             "premium_abuse",
                                                             "new_cell",
                                                             "company_trunk",
                                                             "calls_abroad"};
  return kNames[static_cast<std::size_t>(kind)];
}

Planting& planting(Scenario& s, PlantKind kind) {
  switch (kind) {
    case PlantKind::kFraudRing:
      return s.fraud_ring;
    case PlantKind::kSimBox:
      return s.sim_box;
    case PlantKind::kWangiri:
      return s.wangiri;
    case PlantKind::kMessageBurst:
      return s.message_burst;
    case PlantKind::kFakeBaseStation:
      return s.fake_base_station;
    case PlantKind::kSpoofedTrunk:
      return s.spoofed_trunk;
    case PlantKind::kBeacon:
      return s.beacon;
    case PlantKind::kDga:
      return s.dga;
    case PlantKind::kHorizontalScan:
      return s.horizontal_scan;
    case PlantKind::kVerticalScan:
      return s.vertical_scan;
    case PlantKind::kSlowScan:
      return s.slow_scan;
    case PlantKind::kBruteForce:
      return s.brute_force;
    case PlantKind::kCallBombing:
      return s.call_bombing;
    case PlantKind::kIotMisuse:
      return s.iot_misuse;
    case PlantKind::kMessageCampaign:
      return s.message_campaign;
    case PlantKind::kManyCards:
      return s.many_cards;
    case PlantKind::kCopiedBaseStation:
      return s.copied_base_station;
    case PlantKind::kUnseenBaseStation:
      return s.unseen_base_station;
    case PlantKind::kTrunkRelay:
      return s.trunk_relay;
    case PlantKind::kPremiumAbuse:
      return s.premium_abuse;
    case PlantKind::kNewCell:
      return s.new_cell;
    case PlantKind::kCompanyTrunk:
      return s.company_trunk;
    case PlantKind::kCallsAbroad:
      return s.calls_abroad;
  }
  CHECK_MSG(false, "a plant without its place in the scenario");
  return s.beacon;
}

Scenario Scenario::standard() {
  Scenario s;
  s.fraud_ring = {8, 1};
  s.sim_box = {2, 1};
  s.wangiri = {3, 1};
  s.message_burst = {6, 1};
  s.fake_base_station = {1, 1};
  s.spoofed_trunk = {2, 1};
  s.beacon = {3, 1};
  s.dga = {3, 1};
  s.horizontal_scan = {6, 1};
  s.vertical_scan = {4, 1};
  s.slow_scan = {1, 1};
  s.brute_force = {3, 1};
  return s;
}

namespace {

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  void fault(const toml::node& node, std::string_view what) {
    if (!faults_.empty()) faults_.push_back('\n');
    faults_ += fmt::format("{}:{}: {}", file_, node.source().begin.line, what);
  }
  void number(const toml::node& node, std::string_view key, double min, double max, double& out) {
    const auto value = node.value<double>();
    if (!value || !(*value >= min) || !(*value <= max))
      fault(node, fmt::format("{} must be a number from {} to {}", key, min, max));
    else
      out = *value;
  }
  const std::string& faults() const { return faults_; }

 private:
  std::string_view file_;
  std::string faults_;
};

void read_planting(Reader& reader, const toml::node& node, std::string_view key, Planting& out) {
  const toml::table* table = node.as_table();
  if (table == nullptr)
    return reader.fault(node, fmt::format("{} must be a table: {{ per_day = 3, strength = 1.0 }}", key));
  for (const auto& [field, value] : *table) {
    if (field.str() == "per_day")
      reader.number(value, "per_day", 0, 100'000, out.per_day);
    else if (field.str() == "strength")
      reader.number(value, "strength", .01, 100, out.strength);
    else
      reader.fault(value, fmt::format("\"{}\" is neither per_day nor strength", field.str()));
  }
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view file, std::string_view text) {
  toml::table root;
  if (const auto bad = read_toml(text, file, root))
    return error(Errc::kBadConfig, fmt::format("{}:{}:{}", file, bad->line, bad->column), bad->message);
  Scenario scenario;
  Reader reader(file);
  for (const auto& [key, node] : root) {
    if (key.str() == "name") {
      if (const auto* text_node = node.as_string();
          text_node != nullptr && text_node->get().find_first_of("\"\\\n") == std::string::npos)
        scenario.name = text_node->get();
      else
        reader.fault(node, "name must be a string without quotes and line ends");
    } else if (key.str() == "activity") {
      reader.number(node, "activity", 0, 100, scenario.activity);
    } else if (key.str() == "hosts_per_number") {
      reader.number(node, "hosts_per_number", 0, 1, scenario.hosts_per_number);
    } else if (key.str() == "plant" && node.is_table()) {
      for (const auto& [plant_key, plant_node] : *node.as_table()) {
        std::size_t k = 0;
        while (k < kPlantKinds && name(static_cast<PlantKind>(k)) != plant_key.str()) ++k;
        if (k == kPlantKinds)
          reader.fault(plant_node, fmt::format("\"{}\" is nothing that can be planted", plant_key.str()));
        else
          read_planting(reader, plant_node, plant_key.str(), planting(scenario, static_cast<PlantKind>(k)));
      }
    } else {
      reader.fault(node, fmt::format("\"{}\" is not known; there are name, activity, hosts_per_number and [plant.…]",
                                     key.str()));
    }
  }
  if (!reader.faults().empty()) return error(Errc::kBadConfig, std::string(file), reader.faults());
  return scenario;
}

Result<Scenario> load_scenario(platform::FileSystem& files, const std::string& path) {
  TRY_ASSIGN(const std::string text, platform::read_file(files, path, 1 << 20));
  return parse_scenario(path, text);
}

}  // namespace pandun::province
