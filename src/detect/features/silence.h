// The latest silence of 24 h or more of something whose record has newest_s, silence_h and woke_h: 12 bits of hours each.
#pragma once

#include <algorithm>
#include <cstdint>

namespace pandun::detect {

// Before newest_s moves on to `time_s`, which is newer.
template <typename Record>
void note_silence(Record& record, std::uint32_t time_s) {
  constexpr std::uint32_t kHourS = 3600, kLeastS = 24 * kHourS, kToldH = 7 * 24;
  if (const std::uint32_t silence_s = time_s - record.newest_s; silence_s >= kLeastS) {
    record.silence_h = std::min(silence_s / kHourS, 0xfffU) & 0xfffU;
    record.woke_h = time_s / kHourS & 0xfffU;
  } else if (record.silence_h != 0 && ((time_s / kHourS - record.woke_h) & 0xfffU) > kToldH) {
    record.silence_h = 0;
  }
}

// In whole hours, for 7 d after it ended; else 0.
template <typename Record>
double silence_told_s(const Record& record) {
  const std::uint32_t awake_h = (record.newest_s / 3600 - record.woke_h) & 0xfffU;
  return awake_h > 7 * 24 ? 0 : record.silence_h * 3600.0;
}

}  // namespace pandun::detect
