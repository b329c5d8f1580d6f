// How soon a thread gets a processor when it wakes, and which: for doors whose askers count microseconds.
//
// Errors   kBadConfig for a list of processors that cannot be read; kNotAllowed with what is missing when the system refuses.
//          What was granted before a refusal stays.
// Threads  make_urgent() speaks for the calling thread alone.
// Source   sched(7), sched_setattr(2).
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"

namespace pandun::platform {

struct Urgency {
  int realtime = 0;  // SCHED_RR at this priority, 1..99; 0: an ordinary thread that asks for short turns
  std::vector<unsigned> processors{};  // it runs on these alone; empty: on any
};

// "2" or "2,4-6"; empty for "".
Result<std::vector<unsigned>> parse_processors(std::string_view text);

Result<> make_urgent(const Urgency& urgency);

}  // namespace pandun::platform
