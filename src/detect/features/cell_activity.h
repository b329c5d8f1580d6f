// A radio cell's recent traffic: the one definition of its features, for detectors and rules.
//
// Units    counts, ratios 0-1, seconds. Windows are detect/window.h's and end at the cell's own newest event; outcomes of calls
//          have no 5 min, talk times and roaming begin with 24 h, different devices and new numbers end there. A ratio without
//          a denominator is NaN.
// Contacts a call made in it (caller_cell), a call received in it (callee_cell), a message sent from it (sender_cell). Its
//          numbers are the callers, callees and senders that were in it. Answered, unanswered, short and talk are of calls
//          made, as for numbers; each talk time is kept to 1/64 beyond 63 s.
// New      a number that was not in the cell in the running or the previous span of 7 days (spans begin on Thursdays, 00:00
//          UTC). Kept as 5,120 bits with three marks a number: up to 10 % of new numbers are taken as known. Of a cell with
//          more than 384 numbers in a span one in 2^level is judged, as many as 384, and stands for 2^level: n new ones are
//          off by sqrt((2^level - 1) / n) more (1 sigma; 17 % of 100 where 2,000 are seen in a span).
// Shape    the first 32 contacts as a list of 12 bytes each, then counters by step, SeenThings and the marks: some 2.7 KB
//          where 700 numbers have 3,600 contacts a day, 3.9 KB with ten times as many. Counts are equal to a brute-force
//          pass; different numbers and devices up to 28, then within 14 % (SeenThings; 5 min answers as 1 h; up to 65,536). Forgotten after
//          14 silent days.
// Late     a contact more than 24 h behind the newest is left out.
// Life     a CellActivity is a view for one call of on_event().
// Threads  one owner.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "detect/window.h"
#include "model/signal.h"

namespace pandun::detect {

struct CellRecord;  // features/cell_activity_state.h
class CellActivities;

class CellActivity {
 public:
  CellActivity(const CellActivities& all, const CellRecord& record) : all_(&all), record_(&record) {}

  EventMs newest() const;
  // For certain, at the cost of one look: fewer contacts of these kinds (bits of ContactKind) within the window. The one
  // question that a record may be asked before everything in it is counted.
  bool fewer_than(std::uint32_t least, Window w, std::uint8_t kinds) const;

  double calls_out(Window w) const;
  double calls_in(Window w) const;
  double calls(Window w) const { return calls_out(w) + calls_in(w); }
  double messages(Window w) const;
  double international(Window w) const;  // calls and messages that the feed marks
  double new_numbers(Window w) const;    // counted once, when they first appear
  double distinct_numbers(Window w) const;
  double distinct_devices(Window w) const;
  double new_number_share(Window w) const;  // new / different numbers
  // Messages of the window as a multiple of the mean of windows as long within a longer one: 5 min and 1 h within 24 h, 24 h
  // within 7 d, 7 d within 30 d: 1 is as ever, at most 288 for 5 min.
  double message_rise(Window w) const;
  double answered_ratio(Window w) const;
  double unanswered_ratio(Window w) const;
  double short_ratio(Window w) const;
  double talk_s_mean(Window w) const;
  double roaming_share(Window w) const;  // of calls made
  double night_share_24h() const;        // of all contacts
  double idle_before_s() const;  // the latest silence of 24 h or more, whole hours, for 7 d after it ended; else 0
  double first_seen_age_s() const;

  std::vector<model::EvidencePoint> messages_series(Window w) const;  // per step, zeros included, oldest first
  std::vector<model::EvidencePoint> calls_series(Window w) const;

 private:
  double count(std::size_t counter, Window w) const;
  double contacts(Window w) const;
  double distinct(bool devices, Window w) const;
  std::vector<model::EvidencePoint> series(std::size_t first, std::size_t last, Window w) const;

  const CellActivities* all_;
  const CellRecord* record_;
};

}  // namespace pandun::detect
