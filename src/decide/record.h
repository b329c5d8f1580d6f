// One decision as it was made, for whoever must explain it later.
// Safety   holds clear numbers: memory only. What is written down carries tokens (record_book.h).
#pragma once

#include <cstdint>

#include "base/time.h"
#include "decide/fixed_text.h"
#include "decide/reasons.h"
#include "decide/trunk.h"
#include "decide/velocity.h"
#include "model/number.h"

namespace pandun::decide {

struct DecisionRecord {
  std::uint64_t id = 0;
  WallMs at;
  model::NumberKey from, to, diverted_by;
  std::uint64_t snapshot = 0;  // its version; 0: none
  Rates rates{};
  Verdict verdict = Verdict::kAllow;
  Reason reason = Reason::kClear;
  Direction direction = Direction::kUnknown;
  std::uint8_t score = 0, identity = 0, diversions = 0;
  bool message = false;
  bool ending = false;  // of a call that was already answered
  FixedText<31> trunk;
  FixedText<63> measure;
};

}  // namespace pandun::decide
