// Calls made up for measuring: cheap, in order, the same every time.
#pragma once

#include <cstdint>

#include "base/hash.h"
#include "model/event.h"

namespace pandun::bench {

inline model::NumberKey number(std::uint64_t i) {
  return model::NumberKey::e164(8613000000000ULL + i);
}

inline model::Event call(std::uint64_t position, EventMs time, std::uint64_t caller, std::uint64_t callee,
                         std::int32_t duration_s) {
  model::Event event;
  event.time = event.watermark = time;
  event.position = event.record = position;
  model::Call call;
  call.caller = number(caller);
  call.callee = number(callee);
  call.duration_s = duration_s;
  call.answered = duration_s > 0 ? model::Answered::kYes : model::Answered::kNo;
  event.payload = call;
  return event;
}

}  // namespace pandun::bench
