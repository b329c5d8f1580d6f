// A scenario: how many of each thing are planted in the province, and how strong. content/scenarios/*.toml.
//
// Errors   every fault at once with file:line; an unknown key is a fault.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/file_system.h"

namespace pandun::province {

struct Planting {
  double per_day = 0;   // how many begin in 24 h of event time
  double strength = 1;  // rate of the planted behaviour against its documented default
};

struct Scenario {
  std::string name = "default";
  double activity = 1;             // rate of the benign population against its documented default
  double hosts_per_number = 0.02;  // computers seen by the probe, for each number
  // telephone
  Planting fraud_ring, sim_box, wangiri, message_burst, fake_base_station, spoofed_trunk;
  Planting call_bombing, iot_misuse, message_campaign, many_cards,
      copied_base_station;                                   // none in the standard scenario
  Planting unseen_base_station, trunk_relay, premium_abuse;  // the same
  Planting new_cell, company_trunk, calls_abroad;            // the same; these are look-alikes: an alert is a false one
  // network
  Planting beacon, dga, horizontal_scan, vertical_scan, slow_scan, brute_force;

  static Scenario standard();  // equal to content/scenarios/default.toml
};

Result<Scenario> parse_scenario(std::string_view name, std::string_view toml);
Result<Scenario> load_scenario(platform::FileSystem& files, const std::string& path);

}  // namespace pandun::province
