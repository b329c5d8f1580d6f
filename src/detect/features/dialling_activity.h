// How a number dials while it dials at pace: ring times, order and rhythm of its calls, who is new to it. The one definition of
// these features, for rules, scoring and training.
//
// At pace  a call out with which the number's calls_out_1h is at least 8. Only these calls count below; a number that never dials
//          at pace has no record, and all its features here are not known.
// Calls    the latest 128 at pace, none older than 24 h. Windows are detect/window.h's 1 h and 24 h, and end at the number's own
//          newest event. A share without a call in the window is NaN. Callees fall together as 32-bit values (the low ones of
//          their digits), cells once in 2^14; a ring of more than 254 s counts as 254.
// Known    new callee: not called at pace within the 7 d before. First contact: nor heard from (call or message in, while the
//          record stood). By 29 bits of hash: among 8,192 numbers a new one looks known once in 65,536. With more in 7 d they
//          are all forgotten and the count starts anew.
// Suspect  ports say at the time of the call that the callee is presently suspected (NumberFacts::suspected).
// Far      the call was made farther from where the call at pace before was made than anybody travels in between: over 1,000
//          km/h beyond 30 km and a minute (features/travel.h), where the cells' places are known.
// Late     a call more than 24 h behind the newest is left out. Otherwise calls stand in order of time, equal times in order of
//          arrival; device changes and far moves are told in order of arrival.
// Shape    72 bytes a number, 11 to 16 a call and 4 to 7 for each number it called or heard from; forgotten 7 d after its last
//          call at pace.
// Life     a view for one call of on_event().
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/time.h"
#include "detect/window.h"

namespace pandun::detect {

class DialRecord;  // features/dialling_state.h

inline constexpr double kDialPace = 8;  // calls out within 1 h

struct DialCall {
  enum Flag : std::uint8_t {
    kE164 = 1,
    kInternational = 2,
    kRoaming = 4,
    kNew = 8,
    kFirst = 16,
    kSuspect = 32,
    kFar = 64
  };
  std::uint32_t time_s;
  std::uint32_t callee;        // an E.164 number's digits, the low 32 bits; of others a hash
  std::int16_t ring_s;         // -1 = not told
  std::uint16_t region, cell;  // 0 = not known
  std::uint8_t flags;
  bool is(Flag flag) const { return (flags & flag) != 0; }
};

class DiallingActivity {
 public:
  // Windows end at `now_s`, the number's own newest event.
  DiallingActivity(const DialRecord& record, EventMs now);

  double calls(Window w) const;             // at pace
  double ring_s_mean(Window w) const;       // of calls whose ring time is told
  double ring_s_spread(Window w) const;     // standard deviation of the same
  double ring_short_share(Window w) const;  // of the same, those of at most 5 s
  // Of calls to E.164 numbers: the callee is 1 to 10 away from one of the 4 callees before.
  double sequential_share(Window w) const;
  double sequential_run(Window w) const;  // the most calls in a row of which each but the first is so
  double gap_cv_1h() const;               // standard deviation / mean of the gaps between calls; NaN below 4 gaps
  double new_callee_share(Window w) const;
  double first_contact_share(Window w) const;
  double dispersion(Window w) const;           // different callees / calls
  double callee_entropy(Window w) const;       // 0-1: 1 when every call goes to another; NaN below 2 calls
  double region_entropy(Window w) const;       // bits, over the regions that callees' prefixes tell
  double international_share(Window w) const;  // the feed says so, or the callee's country code is another
  double roaming_share_24h() const;
  double distinct_cells_1h() const;
  double top_cell_share_24h() const;  // of calls with a cell: in the one it was in most; NaN without
  double device_changes_7d() const;   // calls from another device than the call before, at most 64
  double suspect_calls_24h() const;
  double suspect_share_24h() const;
  double impossible_moves_24h() const;  // far ones; not known of a number whose places were never told

 private:
  std::span<const DialCall> inside(Window w) const;

  const DialRecord* record_;
  std::uint32_t now_s_;
  mutable std::uint32_t size_ = 0;
  mutable bool unpacked_ = false;
  mutable std::array<DialCall, 128> calls_;
};

}  // namespace pandun::detect
