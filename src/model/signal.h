// A signal: one detector's finding about one entity at one moment, with the evidence that made it.
//
// Order    signals are totally ordered by (position, detector, entity); the same input gives the same sequence whatever
//          the number of shards.
// Episode  signals of one detector about one entity whose gap is at most the detector's `episode_gap` form one alert.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/entity.h"

namespace pandun::model {

// One reason: a named feature, what it was, and the threshold it crossed.
struct Evidence {
  std::string feature;  // a name from the feature catalogue or the detector's own page
  double value = 0;
  double threshold = 0;
  std::string unit;  // "calls", "ratio", "s", "hosts", …
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

// A point of the picture behind the evidence (calls a minute, contacts in time, ports by time).
struct EvidencePoint {
  EventMs time;
  double value = 0;
  friend bool operator==(const EvidencePoint&, const EvidencePoint&) = default;
};

struct SourceRef {
  std::uint32_t source = 0;
  std::uint64_t record = 0;
  friend bool operator==(const SourceRef&, const SourceRef&) = default;
};

struct LocalText {
  std::string zh, en;
  friend bool operator==(const LocalText&, const LocalText&) = default;
};

struct Signal {
  std::uint64_t position = 0;  // of the event that made it
  std::string_view detector;   // points at the spec's static name (or the rule's interned one)
  Entity entity;
  std::vector<Entity> peers;  // at most kPeersMax, the most telling first
  EventMs first, last;        // the behaviour's extent known so far
  std::uint8_t severity = 0;  // 0-100
  double confidence = 0;      // 0-1, what it means is on the detector's page
  std::string topic;          // id from content/topics.toml, empty if none fits
  LocalText title;
  std::vector<Evidence> evidence;
  std::vector<EvidencePoint> series;  // at most kSeriesMax points, in time order
  std::string series_feature;         // what the series plots
  std::vector<SourceRef> records;     // at most kRecordsMax records that show it
  static constexpr std::size_t kPeersMax = 20, kSeriesMax = 120, kRecordsMax = 20;
};

}  // namespace pandun::model
