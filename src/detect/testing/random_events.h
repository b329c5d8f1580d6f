// Streams of events for tests: seeded, with every kind, quiet and busy entities, ties and late arrivals.
#pragma once

#include <cstdint>
#include <memory>

#include "model/event.h"

namespace pandun::detect::testing {

struct StreamShape {
  std::uint64_t seed = 1;
  std::size_t events = 5000;
  std::uint64_t numbers = 300, hosts = 60;  // how many there are; the first few are the busiest
  std::int64_t gap_ms = 400;                // between events, at most
  std::int64_t late_ms = 5000;              // how far behind the watermark some arrive
  double calls_share = 0.6;                 // the rest are flows, look-ups and log-ins
};
model::EventBatch random_events(const StreamShape& shape);

}  // namespace pandun::detect::testing
