// A device's recent use: the one definition of its features, for detectors and rules.
//
// Units    counts, ratios 0-1, seconds. Windows are detect/window.h's and end at the device's own newest event. Ring times,
//          spreads and regions are of at most 24 h; of the rest each window is told. A ratio without a denominator is NaN.
// Which    devices that at least two numbers used within 30 d (of the window that ends at the newest use). One that a single
//          number uses is in effect that number, and has no features: ask the number. What is counted is what happened from
//          the second number's first use on, and the use before it: as made at the start of its half-hour, its outcome not
//          known, its callee another. When one number is left,
//          the features end, and begin anew when another comes.
// Uses     a call made from it (caller_device), a call received on it (callee_device, where the feed names it) and a message
//          sent from it. Answered, unanswered, short, abroad and night are as for numbers. A switch: its number is not that of
//          the use before; a move: its cell is not that of the last use with a cell; a call back: received from a number
//          that was called on it within 24 h; all three in the order of arrival. Talk times count up to 16,383 s and are kept
//          to 1/64 of those beyond 63 s, of an answered call 0 where none is told; ring times count up to 62 s.
// Numbers  at most 64 numbers and 64 cells are remembered, the least recently used goes first; both for 30 d
//          after their last use. A new number was first used on the device within the window.
// Errors   two numbers fall together once in 2^22, two callees of one region once in 2^15; beyond 8,192 in 24 h, distinct callees are within
//          3.3 % (1 sigma). What the first number did before the second came lies up to half an hour too early: in 5 min and
//          1 h it may be missing. Of 7 d and 30 d see device_days.h; 8,192 callees of 24 h and more let calls back be
//          missed. Two devices fall together as device_singles.h says.
// Shape    the number and the cell of the latest use in the device's own entry, those before in lists. A list of up to 256
//          uses of the last 24 h, 8 bytes each; beyond, counters by step and DistinctWindows, until a day of at most 128 uses
//          has passed. Both equal a brute-force pass.
// Late     a use more than 24 h behind the newest is left out.
// Life     a DeviceActivity is a view for one call of on_event().
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "detect/features/spread.h"
#include "detect/window.h"
#include "model/entity.h"
#include "model/signal.h"

namespace pandun::detect {

struct DeviceRecord;  // features/device_activity_state.h
class DeviceActivities;

// What device state is keyed by, here and in every detector that routes devices.
inline model::EntityKey device_key(std::string_view device) {
  return {0, hash64(device)};
}

struct DeviceTally {
  std::uint32_t calls_out, calls_in, messages_out, answered, unanswered, brief, switches, moves;
  std::uint32_t returned, abroad, roaming, night;  // night: of calls made and messages sent; not known of 5 min and 1 h
  std::uint64_t talk_s;                            // of the answered calls made
};

class DeviceActivity {
 public:
  DeviceActivity(const DeviceActivities& all, const DeviceRecord& record) : all_(&all), record_(&record) {}

  EventMs newest() const;
  // For certain, at the cost of one look: fewer uses within 24 h, or fewer different numbers within 30 d.
  bool fewer_than(std::uint32_t uses, std::uint32_t numbers) const;

  const DeviceTally& tally(Window w) const;
  double calls_out(Window w) const { return tally(w).calls_out; }
  double calls_in(Window w) const { return tally(w).calls_in; }
  double messages_out(Window w) const { return tally(w).messages_out; }
  double switches(Window w) const { return tally(w).switches; }
  double moves(Window w) const { return tally(w).moves; }
  double answered_ratio(Window w) const;  // answered / (answered + unanswered)
  double unanswered(Window w) const { return tally(w).unanswered; }
  double unanswered_ratio(Window w) const;  // unanswered / (answered + unanswered)
  double short_ratio(Window w) const;       // short / answered
  double out_share(Window w) const;         // calls made / calls
  double return_calls(Window w) const { return tally(w).returned; }
  double night_share(Window w) const;          // of calls made and messages sent; 24 h and longer
  double international_share(Window w) const;  // likewise, any window
  double roaming_share(Window w) const;        // of calls made
  double talk_s_mean(Window w) const;          // of answered calls made
  double ring_s_mean(Window w) const;          // of calls made whose ring time is told; up to 24 h, as both below
  double talk_s_spread_24h() const;            // standard deviations
  double ring_s_spread_24h() const;
  double gap_cv_1h() const;  // of the gaps between calls made, of at most 128 latest: spread over mean
  double regions_callee_24h() const;
  double distinct_callees(Window w) const;
  double dispersion(Window w) const;  // different callees / calls made

  double distinct_numbers(Window w) const;
  double distinct_cells(Window w) const;
  double new_numbers(Window w) const;
  double distinct_numbers_30d() const;
  double new_numbers_30d() const;
  double idle_before_s() const;     // the latest silence of 24 h or more, whole hours, for 7 d after it ended; else 0
  double first_seen_age_s() const;  // since the first use by the number it had when the second came, or before

  std::vector<model::EvidencePoint> uses_series(Window w) const;  // per step, zeros included, oldest first

 private:
  const DeviceActivities* all_;
  const DeviceRecord* record_;
  template <typename F>
  void each(F f, Window w) const;  // f(DeviceUse), newest first, of one that is listed
  SpreadSums talks(Window w) const;
  SpreadSums rings(Window w) const;
  mutable std::array<DeviceTally, kWindows> tally_;
  mutable std::uint32_t have_tally_ = 0;
};

}  // namespace pandun::detect
