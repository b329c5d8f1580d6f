// How a number reaches out within a window: to how many, how often somebody talks, whether anybody calls back. What
// tells a dialler from a courier, a clinic or a family.
//
// Units    shares 0-1; conversation is NaN when the feed says of fewer than half of the calls whether they were answered.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "detect/features/number_activity.h"

namespace pandun::detect {

struct Outreach {
  double calls = 0, distinct = 0;
  double dispersion = 0;    // different callees per call
  double conversation = 0;  // of the calls whose end is known: answered and longer than 10 s
  double out_share = 0;     // of all its calls
  double known = 0;         // calls whose end is known
  double return_share = 0;  // calls back within 24 h per different callee of 24 h
};

inline Outreach outreach(const NumberActivity& activity, Window window) {
  const NumberTally& tally = activity.tally(window);
  Outreach out;
  out.calls = tally.calls_out;
  out.distinct = activity.distinct_callees(window);
  out.dispersion = out.calls > 0 ? out.distinct / out.calls : 0;
  out.out_share = out.calls > 0 ? activity.out_share(window) : 0;
  out.return_share = activity.return_calls_24h() / std::max(1.0, activity.distinct_callees(Window::k24h));
  out.known = tally.answered_out + tally.unanswered_out;
  out.conversation = out.known > 0 && out.known * 2 >= out.calls ? (tally.answered_out - tally.short_out) / out.known
                                                                 : std::numeric_limits<double>::quiet_NaN();
  return out;
}

// At most `limit`; where it is not known, the number must show twice what is asked for otherwise.
inline bool few_talk(const Outreach& o, double limit, double seen, double wanted) {
  return std::isfinite(o.conversation) ? o.conversation <= limit : seen >= 2 * wanted;
}

// Whether a share seen in `n` trials is below `limit` for more than luck: `sigmas` standard errors of the limit itself. A call
// centre that talks in two calls of five must not be named for one thin hour of the day's many.
inline bool surely_below(double share, double n, double limit, double sigmas) {
  return n > 0 && share <= limit - sigmas * std::sqrt(limit * (1 - limit) / n);
}

}  // namespace pandun::detect
