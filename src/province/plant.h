// Planted things: each is a small process of its own that ends.
//
// Rule     everything a plant will do follows from its own seed; truth is written with the first act of each entity.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "province/world.h"

namespace pandun::province {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

class Plant {
 public:
  virtual ~Plant() = default;
  // Acts at next_ms() and moves it on; kNever when it is over.
  virtual void act(World& world) = 0;
  std::int64_t next_ms() const { return next_ms_; }

 protected:
  Plant(std::int64_t start_ms, std::uint64_t seed) : random_(seed), next_ms_(start_ms) {}
  Prng random_;
  std::int64_t next_ms_;
};

enum class PlantKind : std::uint8_t {
  kFraudRing,
  kSimBox,
  kWangiri,
  kMessageBurst,
  kFakeBaseStation,
  kSpoofedTrunk,
  kBeacon,
  kDga,
  kHorizontalScan,
  kVerticalScan,
  kSlowScan,
  kBruteForce,
  kCallBombing,
  kIotMisuse,
  kMessageCampaign,
  kManyCards,
  kCopiedBaseStation,
  kUnseenBaseStation,
  kTrunkRelay,
  kPremiumAbuse,
  kNewCell,  // from here on look-alikes, of which the truth says benign
  kCompanyTrunk,
  kCallsAbroad,
};
inline constexpr std::size_t kPlantKinds = 23;  // a new one goes to the end: its number seeds what it does
std::string_view name(PlantKind kind);          // "fraud_ring", …, as in the scenario file
Planting& planting(Scenario& scenario, PlantKind kind);
inline const Planting& planting(const Scenario& scenario, PlantKind kind) {
  return planting(const_cast<Scenario&>(scenario), kind);
}

std::unique_ptr<Plant> telephone_plant(PlantKind kind, const World& world, std::int64_t start_ms, double strength,
                                       std::uint64_t seed);
std::unique_ptr<Plant> nuisance_plant(PlantKind kind, const World& world, std::int64_t start_ms, double strength,
                                      std::uint64_t seed);
std::unique_ptr<Plant> cell_plant(PlantKind kind, const World& world, std::int64_t start_ms, double strength,
                                  std::uint64_t seed);
std::unique_ptr<Plant> trunk_plant(PlantKind kind, const World& world, std::int64_t start_ms, double strength,
                                   std::uint64_t seed);
std::unique_ptr<Plant> abroad_plant(PlantKind kind, const World& world, std::int64_t start_ms, double strength,
                                    std::uint64_t seed);
std::unique_ptr<Plant> network_plant(PlantKind kind, const World& world, std::int64_t start_ms, double strength,
                                     std::uint64_t seed);

}  // namespace pandun::province
