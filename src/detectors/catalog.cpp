#include "detectors/catalog.h"

namespace pandun::detectors {

// A part defines <name>_spec() and make_<name>() in this namespace; nothing else of it is visible here.
#define DETECTOR(name)                                                             \
  {                                                                                \
    const detect::DetectorSpec& name##_spec();                                     \
    std::unique_ptr<detect::Detector> make_##name(const detect::Options& options); \
    parts.push_back({&name##_spec, &make_##name});                                 \
  }

const std::vector<detect::DetectorPart>& catalog() {
  static const std::vector<detect::DetectorPart> kParts = [] {
    std::vector<detect::DetectorPart> parts;
    // clang-format off
    DETECTOR(beacon)
    DETECTOR(burst_calling)
    DETECTOR(call_bombing)
    DETECTOR(dormant_burst)
    DETECTOR(foreign_burst)
    DETECTOR(indicator_sighting)
    DETECTOR(message_burst)
    DETECTOR(new_number_burst)
    DETECTOR(one_ring)
    DETECTOR(port_scan)
    DETECTOR(spoofed_caller)
    DETECTOR(sim_box)
    DETECTOR(ring)
    DETECTOR(risk_propagation)
    DETECTOR(victim_at_risk)
    DETECTOR(message_campaign)
    DETECTOR(fake_base_station)
    DETECTOR(iot_card_misuse)
    DETECTOR(many_cards)
    DETECTOR(model_score)
    DETECTOR(premium_calls)
    // clang-format on
    return parts;
  }();
  return kParts;
}

}  // namespace pandun::detectors
