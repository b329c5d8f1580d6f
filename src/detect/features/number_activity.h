// A telephone number's recent behaviour: the one definition of its features, for detectors, rules, scoring and training.
//
// Units    counts in calls or messages, ratios 0-1, durations in seconds. Windows are detect/window.h's and end at the
//          number's own newest event. A ratio without a denominator is NaN: "not known", and no comparison with it holds.
// Roles    "out": the number called or sent. "in": it was called or received.
// Answered says yes, or unknown with a talk time above 0. Unanswered: no, or unknown with a talk time of 0. Short: answered
//          with a talk time of at most 10 s; long: over 5 min.
// Abroad   the feed calls it international, or the peer's calling code is another than the number's own.
// Shape    bare, listed, packed, busy: number_state.h. Counts are exact in all of them and equal to a brute-force pass.
// Peers    distinct peers of 5 min, 1 h and 24 h are told apart by 16 bits of hash: of 64 different ones, one is missed for
//          another in 1 of 32 numbers. A busy number's are by 32 bits, exact up to 8,192 (exact() tells), then within 3.3 %
//          (1 sigma). Of 7 d and 30 d, who was last met more than 24 h ago is one of up to 16 of 7 d, and 8 before, that are
//          kept; of more a sample is, within about 30 % of that part (1 sigma): number_history.h. Busy: 7 % beyond 96 a step.
//          Devices, cells and regions of 7 d and 30 d likewise, of which 8, 8 and 4 of 7 d are kept, and 6, 4 and 2 before.
// Late     an older event counts in every window its step is still inside of; behind all of them it is only counted as
//          too old. distinct devices, cells and regions, and max_calls_per_minute, follow the same windows.
// Life     a NumberActivity is a view for one call of on_event(); it memoises what was asked.
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "detect/features/contact.h"
#include "detect/window.h"
#include "model/event.h"
#include "model/number.h"
#include "model/signal.h"

namespace pandun::detect {

struct NumberRecord;  // features/number_state.h
class NumberActivities;

// Sums over one window.
struct NumberTally {
  std::uint32_t calls_out, answered_out, unanswered_out, short_out;
  std::uint32_t calls_in, messages_out, messages_in;
  std::uint32_t returns;     // calls in from numbers that this number had called within the 24 hours before
  std::uint64_t talk_out_s;  // talk time of answered calls out, each counted up to 16,383 s
};

// Sums that fewer ask for. Night and abroad: of calls and messages alike.
struct NumberMarks {
  std::uint32_t night_out, long_out, abroad_out, roaming_out, abroad_in;
  std::uint32_t answered_in, unanswered_in, short_in;
};

inline constexpr std::uint32_t kShortTalkS = 10, kLongTalkS = 300, kTalkMaxS = (1U << 14) - 1;
void tally_contacts(std::span<const Contact> contacts, NumberTally& sum);
void mark_contacts(std::span<const Contact> contacts, NumberMarks& sum);

class NumberActivity {
 public:
  NumberActivity(const NumberActivities& all, const NumberRecord& record, model::NumberKey number)
      : all_(&all), record_(&record), number_(number) {}

  model::NumberKey number() const { return number_; }
  EventMs newest() const;  // the number's own clock, in whole seconds
  // An upper bound of every count below, at no cost: detectors and rules that need more can stop here.
  std::uint32_t contacts_at_most() const;
  // Fewer than n contacts of any kind in the window, for certain; false may be too careful. One look, whatever its size.
  bool fewer_than(double n, Window w) const;

  const NumberTally& tally(Window w) const;
  double calls_out(Window w) const { return tally(w).calls_out; }
  double calls_in(Window w) const { return tally(w).calls_in; }
  double messages_out(Window w) const { return tally(w).messages_out; }
  double messages_in(Window w) const { return tally(w).messages_in; }
  double unanswered_out(Window w) const { return tally(w).unanswered_out; }
  double answered_ratio_out(Window w) const;  // answered / (answered + unanswered)
  double short_ratio_out(Window w) const;     // short / answered
  double talk_s_mean_out(Window w) const;     // per answered call
  double out_share(Window w) const;           // calls out / all calls
  double repeat_ratio_out(Window w) const;    // 1 - distinct callees / calls out

  const NumberMarks& marks(Window w) const;
  double unanswered_in(Window w) const { return marks(w).unanswered_in; }
  double answered_ratio_in(Window w) const;        // of calls received
  double short_ratio_in(Window w) const;           // of those answered
  double long_ratio_out(Window w) const;           // of calls made that were answered
  double night_share(Window w) const;              // of calls and messages out, those between 22:00 and 06:00 local
  double international_share_out(Window w) const;  // of calls and messages out, those abroad
  double international_share_in(Window w) const;   // of calls and messages in, those from abroad
  double roaming_share_out(Window w) const;        // of calls out, those made while abroad

  double distinct_callees(Window w) const;
  double distinct_callers(Window w) const;
  double distinct_recipients(Window w) const;  // of messages
  double distinct_senders(Window w) const;     // of messages
  bool exact() const;                          // the four above

  // Whether it had a contact of this lane with the peer: true of every earlier one within 24 h (of a busy number but for peers
  // that share 16 bits of hash), and further back of peers that are still kept. True by chance of 1 stranger in 1,000 for each
  // peer kept.
  bool may_have_met(Lane lane, model::NumberKey peer) const;

  double return_calls(Window w) const { return tally(w).returns; }
  double return_calls_24h() const { return tally(Window::k24h).returns; }
  double distinct_devices(Window w) const;  // it called or sent from; 0 when the feed never says; at most 64
  double distinct_cells(Window w) const;    // it was in, calling or called; at most 256
  double regions_callee(Window w) const;    // regions called, by number prefix; an estimate within about 3 % below 300
  // Of the different numbers called in 24 h, those that it had not called (not met in any way) in the 30 days before these
  // 24 h. Not known of a busy number.
  double new_callee_share_24h() const;
  double first_contact_share_24h() const;
  double max_calls_per_minute_5m() const;  // out, by whole minutes
  double max_messages_per_minute_5m() const;
  double first_seen_age_s() const;
  double idle_before_s() const;  // the latest silence of 24 h or more, whole hours, for 7 d after it ended; else 0

  // Calls (messages) out per step of the window, zeros included, oldest first: what an alert plots.
  std::vector<model::EvidencePoint> calls_out_series(Window w) const;
  std::vector<model::EvidencePoint> messages_out_series(Window w) const;

 private:
  friend class NumberActivities;
  double distinct(Lane lane, Window w) const;
  double distinct_places(bool cell, Window w) const;
  double unmet_share(std::uint8_t lanes) const;
  double most_a_minute(Lane lane) const;
  // f(const Contact&) of each contact of a list that is inside the window.
  template <typename F>
  void each_recent(std::uint32_t start_s, F f) const;
  std::vector<model::EvidencePoint> series(Lane lane, Window w) const;

  const NumberActivities* all_;
  const NumberRecord* record_;
  model::NumberKey number_;
  mutable std::array<NumberTally, kWindows> tally_;
  mutable std::array<NumberMarks, kWindows> marks_;
  mutable std::array<std::array<double, kWindows>, 4> distinct_;  // valid where the bit is set
  mutable std::uint32_t have_tally_ = 0, have_marks_ = 0, have_distinct_ = 0;
};

}  // namespace pandun::detect
