// A call's outcome and talk time, in few bits.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "detect/features/number_activity.h"
#include "model/event.h"

namespace pandun::detect {

// What is not told follows from the talk time, where that is.
constexpr model::Answered outcome_of(model::Answered told, std::int32_t talk_s) {
  if (told != model::Answered::kUnknown || talk_s < 0) return told;
  return talk_s > 0 ? model::Answered::kYes : model::Answered::kNo;
}

// 9 bits of up to kTalkMaxS: exact up to 63 s, then within 1/64: five bits below the highest one.
inline constexpr std::uint16_t kTalkCodeMost = 319;
constexpr std::uint16_t talk_code(std::int32_t talk_s) {
  const std::uint32_t talk = std::min(static_cast<std::uint32_t>(std::max(0, talk_s)), kTalkMaxS);
  if (talk < 64) return static_cast<std::uint16_t>(talk);
  const auto e = static_cast<std::uint32_t>(std::bit_width(talk)) - 6;
  return static_cast<std::uint16_t>(e * 32 + (talk >> e));
}
constexpr std::uint32_t talk_of(std::uint16_t code) {
  if (code < 64) return code;
  const std::uint32_t e = code / 32U - 1;
  return ((32 + code % 32U) << e) + (1U << (e - 1));
}
static_assert(talk_code(kTalkMaxS) == kTalkCodeMost);

}  // namespace pandun::detect
