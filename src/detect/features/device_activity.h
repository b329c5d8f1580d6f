// A device's recent use: the one definition of its features, for detectors and rules.
//
// Units    counts, ratios 0-1, seconds. Windows are detect/window.h's and end at the device's own newest event: 5 min, 1 h and
//          24 h for counts, 7 d and 30 d (5 steps of 6 d) too for different numbers and cells. A ratio without a
//          denominator is NaN.
// Which    devices that at least two numbers used within 30 d (of the window that ends at the newest use). One that a single
//          number uses is in effect that number, and has no features: ask the number. What is counted is what happened from
//          the second number's first use on, and the use before it: as made at the start of its half-hour, its outcome not
//          known, its callee another. When one number is left,
//          the features end, and begin anew when another comes.
// Uses     a call made from it (caller_device), a call received on it (callee_device, where the feed names it) and a message
//          sent from it. Answered, unanswered and short are as for numbers. A switch: its number is not that of the use
//          before; a move: its cell is not that of the last use with a cell; both in the order of arrival.
// Numbers  at most 64 numbers and 64 cells are remembered, the least recently used goes first; a number for 30 d, a cell for
//          7 d after its last use. A new number was first used on the device within the window.
// Errors   two numbers fall together once in 2^22, two callees once in 2^23; beyond 8,192 in 24 h, distinct callees are within
//          3.3 % (1 sigma). What the first number did before the second came lies up to half an hour too early: in 5 min and
//          1 h it may be missing. Two devices fall together as device_singles.h says.
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
};

class DeviceActivity {
 public:
  DeviceActivity(const DeviceActivities& all, const DeviceRecord& record) : all_(&all), record_(&record) {}

  EventMs newest() const;
  // For certain, at the cost of one look: fewer uses within 24 h, or fewer different numbers within 30 d.
  bool fewer_than(std::uint32_t uses, std::uint32_t numbers) const;

  const DeviceTally& tally(Window w) const;  // 7 d answers as 24 h
  double calls_out(Window w) const { return tally(w).calls_out; }
  double calls_in(Window w) const { return tally(w).calls_in; }
  double messages_out(Window w) const { return tally(w).messages_out; }
  double switches(Window w) const { return tally(w).switches; }
  double moves(Window w) const { return tally(w).moves; }
  double answered_ratio(Window w) const;  // answered / (answered + unanswered)
  double short_ratio(Window w) const;     // short / answered
  double out_share(Window w) const;       // calls made / calls
  double distinct_callees(Window w) const;

  double distinct_numbers(Window w) const;
  double distinct_cells(Window w) const;
  double new_numbers(Window w) const;
  double distinct_numbers_30d() const;
  double new_numbers_30d() const;
  double first_seen_age_s() const;  // since the first use by the number it had when the second came, or before

  std::vector<model::EvidencePoint> uses_series(Window w) const;  // per step, zeros included, oldest first

 private:
  const DeviceActivities* all_;
  const DeviceRecord* record_;
  mutable std::array<DeviceTally, 3> tally_;
  mutable std::uint32_t have_tally_ = 0;
};

}  // namespace pandun::detect
