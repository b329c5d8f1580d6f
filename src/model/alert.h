// An alert: one entity, one detector, one episode. What duty officers see; identities are already tokens and masks here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/signal.h"

namespace pandun::model {

// An entity as it may leave the engine.
struct ShownEntity {
  EntityKind kind = EntityKind::kIp;
  std::string value;  // masked for numbers and devices ("+86138****8000"), clear for addresses and names
  std::string token;  // keyed one-way hash for numbers and devices; empty for the rest
  std::string note;   // the few facts that may be shown: region, carrier kind, number kind
  friend bool operator==(const ShownEntity&, const ShownEntity&) = default;
};

struct Alert {
  std::string id;  // "A-" + 16 hex of hash(detector, entity, first position): the same in every run
  std::string detector;
  std::string topic;
  LocalText title;
  std::uint8_t severity = 0;
  double confidence = 0;
  ShownEntity entity;
  std::vector<ShownEntity> peers;
  EventMs first, last;
  std::vector<Evidence> evidence;
  std::vector<EvidencePoint> series;
  std::string series_feature;
  std::vector<std::string> techniques;    // ATT&CK ids, from the detector's spec
  std::vector<std::string> source_lines;  // "conn.log:1234"
  std::uint64_t first_position = 0, last_position = 0;
  std::uint32_t signals = 0;  // how many were folded in
};

}  // namespace pandun::model
