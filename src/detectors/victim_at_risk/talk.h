// One talk, however often it is told of: a switch reports a call while it lasts, and its record comes when it is over.
//
// Shape    of the latest talk alone: a person talks with one caller at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "detect/state_io.h"

namespace pandun::detectors {

struct Talk {
  std::uint32_t begin_s = 0, end_s = 0;
  bool told = false;  // by reports; its record is still to come

  // Records say when a call began to ring, reports when it was answered.
  bool is(std::uint32_t begin, std::uint32_t end) const {
    constexpr std::uint32_t kRingS = 120;
    return begin < end_s && end > begin_s && std::max(begin, begin_s) - std::min(begin, begin_s) <= kRingS;
  }
  // How much longer it is than was known.
  std::uint32_t grow(std::uint32_t end) {
    const std::uint32_t more = end > end_s ? end - end_s : 0;
    end_s += more;
    return more;
  }

  void save(detect::StateWriter& w) const {
    w.u32(begin_s);
    w.u32(end_s);
    w.u8(told ? 1 : 0);
  }
  void load(detect::StateReader& r) {
    begin_s = r.u32();
    end_s = r.u32();
    told = r.u8() != 0;
  }
};

}  // namespace pandun::detectors
