// Plain words for an alert: what its evidence's names mean, and the sentences that say why it was raised.
//
// Threads  a FeatureWords is asked by many at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/alert.h"

namespace pandun::casework {

struct FeatureWord {
  model::LocalText title;  // both empty: the name stays as it is
  model::LocalText unit;
  bool statement = false;  // no quantity: its title says it all
  // How the value stands to the threshold whenever the item is given as evidence.
  enum class Bound : std::uint8_t { kUnsaid, kAtLeast, kAtMost } bound = Bound::kUnsaid;
};

class FeatureWords {
 public:
  virtual ~FeatureWords() = default;
  virtual FeatureWord word(std::string_view feature) const = 0;
};

// The alert's title and its most telling evidence. `words` null: names as they are.
model::LocalText why_of(const model::Alert& alert, const FeatureWords* words);

}  // namespace pandun::casework
