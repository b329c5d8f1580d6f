#include "detect/features/number_activity.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <limits>

#include "detect/features/number_state.h"

namespace pandun::detect {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? kUnknown : static_cast<double>(part) / static_cast<double>(whole);
}

// The contacts inside the window: the list is in time order.
std::span<const Contact> inside(std::span<const Contact> all, std::uint32_t start) {
  std::size_t at = all.size();
  while (at > 0 && all[at - 1].time_s >= start) --at;
  return all.subspan(at);
}

// Without branches: what kind of contact comes next cannot be foreseen.
NumberTally tally_list(std::span<const Contact> contacts) {
  constexpr auto kYes = static_cast<std::uint32_t>(model::Answered::kYes);
  constexpr auto kNo = static_cast<std::uint32_t>(model::Answered::kNo);
  NumberTally t{};
  std::uint32_t talk = 0;  // at most kListedContacts * kTalkMaxS
  for (const Contact& c : contacts) {
    const std::uint32_t message = c.message, out = c.outgoing;
    const std::uint32_t call_out = out & (message ^ 1U), call_in = (out | message) ^ 1U;
    const std::uint32_t answered = call_out & (c.answered == kYes ? 1U : 0U);
    t.calls_out += call_out;
    t.calls_in += call_in;
    t.messages_out += message & out;
    t.messages_in += message & (out ^ 1U);
    t.returns += call_in & c.returned;
    t.answered_out += answered;
    t.unanswered_out += call_out & (c.answered == kNo ? 1U : 0U);
    t.short_out += answered & (c.talk_s <= kShortTalkS ? 1U : 0U);
    talk += (0U - answered) & c.talk_s;
  }
  t.talk_out_s = talk;
  return t;
}

NumberTally tally_busy(const BusyNumber& busy, Window w) {
  NumberTally t{};
  const auto narrow = [](std::uint64_t n) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, 0xffffffffU));
  };
  if (busy.calls_out != nullptr) {
    const auto& counts = busy.calls_out->counts;
    t.calls_out = narrow(counts.total(w, BusyNumber::kCalls));
    t.answered_out = narrow(counts.total(w, BusyNumber::kAnswered));
    t.unanswered_out = narrow(counts.total(w, BusyNumber::kUnanswered));
    t.short_out = narrow(counts.total(w, BusyNumber::kShort));
    t.talk_out_s = counts.total(w, BusyNumber::kTalk);
  }
  if (busy.calls_in != nullptr) {
    t.calls_in = narrow(busy.calls_in->counts.total(w, 0));
    t.returns = narrow(busy.calls_in->counts.total(w, 1));
  }
  if (busy.messages_out != nullptr) t.messages_out = narrow(busy.messages_out->counts.total(w));
  if (busy.messages_in != nullptr) t.messages_in = narrow(busy.messages_in->counts.total(w));
  return t;
}

// At most kListedContacts values: a small set on the stack.
std::uint32_t distinct_list(std::span<const Contact> contacts, bool message, bool outgoing) {
  constexpr std::uint32_t kSlots = 2 * kListedContacts;
  std::array<std::uint32_t, kSlots> set;
  if (contacts.size() > 8) set.fill(0);
  std::uint32_t found = 0;
  bool zero = false;
  for (const Contact& c : contacts) {
    if ((c.message == 1) != message || (c.outgoing == 1) != outgoing) continue;
    if (contacts.size() <= 8) {
      if (std::find(set.begin(), set.begin() + found, c.peer) == set.begin() + found) set[found++] = c.peer;
      continue;
    }
    if (c.peer == 0) {
      found += zero ? 0U : 1U;
      zero = true;
      continue;
    }
    std::uint32_t at = (c.peer * 0x9e3779b1U) >> 24;
    while (set[at] != 0 && set[at] != c.peer) at = (at + 1) % kSlots;
    if (set[at] == 0) {
      set[at] = c.peer;
      ++found;
    }
  }
  return found;
}
static_assert(2 * kListedContacts == 256, "distinct_list takes the top 8 bits as the slot");

}  // namespace

EventMs NumberActivity::newest() const {
  return EventMs{static_cast<std::int64_t>(record_->newest_s) * 1000};
}

std::uint32_t NumberActivity::contacts_at_most() const {
  return record_->tier == NumberRecord::kInline   ? record_->size
         : record_->tier == NumberRecord::kListed ? record_->listed.size
                                                  : std::numeric_limits<std::uint32_t>::max();
}

bool NumberActivity::fewer_than(double n, Window w) const {
  if (!(n >= 1)) return false;
  return n > kListedContacts
             ? record_->tier != NumberRecord::kBusy
             : all_->fewer_than(*record_, static_cast<std::uint32_t>(std::ceil(n)), start_s(w, record_->newest_s));
}

std::span<const Contact> NumberActivity::contacts() const {
  return all_->contacts(*record_, inline_);
}

const NumberTally& NumberActivity::tally(Window w) const {
  const auto i = static_cast<std::size_t>(w);
  if ((have_tally_ >> i & 1U) == 0) {
    have_tally_ |= 1U << i;
    tally_[i] = record_->tier == NumberRecord::kBusy ? tally_busy(all_->busy(*record_), w)
                                                     : tally_list(inside(contacts(), start_s(w, record_->newest_s)));
  }
  return tally_[i];
}

double NumberActivity::answered_ratio_out(Window w) const {
  const NumberTally& t = tally(w);
  return ratio(t.answered_out, std::uint64_t{t.answered_out} + t.unanswered_out);
}
double NumberActivity::short_ratio_out(Window w) const {
  return ratio(tally(w).short_out, tally(w).answered_out);
}
double NumberActivity::talk_s_mean_out(Window w) const {
  return ratio(tally(w).talk_out_s, tally(w).answered_out);
}
double NumberActivity::out_share(Window w) const {
  const NumberTally& t = tally(w);
  return ratio(t.calls_out, std::uint64_t{t.calls_out} + t.calls_in);
}
double NumberActivity::repeat_ratio_out(Window w) const {
  const double calls = calls_out(w);
  return calls == 0 ? kUnknown : std::max(0.0, 1 - distinct_callees(w) / calls);
}

double NumberActivity::distinct(Lane lane, Window w) const {
  const auto i = static_cast<std::size_t>(w);
  const std::size_t bit = static_cast<std::size_t>(lane) * kWindows + i;
  if ((have_distinct_ >> bit & 1U) != 0) return distinct_[lane][i];
  have_distinct_ |= 1U << bit;
  double& value = distinct_[lane][i];
  if (record_->tier != NumberRecord::kBusy) {
    value = distinct_list(inside(contacts(), start_s(w, record_->newest_s)), lane == kMessageOut || lane == kMessageIn,
                          lane == kCallOut || lane == kMessageOut);
    return value;
  }
  const BusyNumber& busy = all_->busy(*record_);
  const auto count = [w](const auto& part, auto peers) { return part == nullptr ? 0.0 : ((*part).*peers).count(w); };
  value = lane == kCallOut      ? count(busy.calls_out, &BusyNumber::CallsOut::callees)
          : lane == kCallIn     ? count(busy.calls_in, &BusyNumber::CallsIn::callers)
          : lane == kMessageOut ? count(busy.messages_out, &BusyNumber::Messages::peers)
                                : count(busy.messages_in, &BusyNumber::Messages::peers);
  return value;
}
double NumberActivity::distinct_callees(Window w) const {
  return distinct(kCallOut, w);
}
double NumberActivity::distinct_callers(Window w) const {
  return distinct(kCallIn, w);
}
double NumberActivity::distinct_recipients(Window w) const {
  return distinct(kMessageOut, w);
}
double NumberActivity::distinct_senders(Window w) const {
  return distinct(kMessageIn, w);
}

bool NumberActivity::exact() const {
  if (record_->tier != NumberRecord::kBusy) return true;
  const BusyNumber& busy = all_->busy(*record_);
  const auto exact = [](const auto& part, auto peers) { return part == nullptr || ((*part).*peers).exact(); };
  return exact(busy.calls_out, &BusyNumber::CallsOut::callees) && exact(busy.calls_in, &BusyNumber::CallsIn::callers) &&
         exact(busy.messages_out, &BusyNumber::Messages::peers) &&
         exact(busy.messages_in, &BusyNumber::Messages::peers);
}

double NumberActivity::distinct_places(bool cell) const {
  if (record_->tier == NumberRecord::kBusy) {
    const Places* seen = all_->places(*record_);
    return seen == nullptr ? 0 : static_cast<double>(seen->count(cell, record_->newest_s));
  }
  std::uint32_t found = 0;
  std::array<std::uint16_t, kListedContacts> set;
  for (const Contact& c : inside(contacts(), start_s(Window::k24h, record_->newest_s))) {
    const std::uint16_t place = cell ? c.cell : c.device;
    if (place != 0 && std::find(set.begin(), set.begin() + found, place) == set.begin() + found) set[found++] = place;
  }
  return std::min<double>(found, cell ? Places::kCellsMax : Places::kDevicesMax);
}
double NumberActivity::distinct_devices_24h() const {
  return distinct_places(false);
}
double NumberActivity::distinct_cells_24h() const {
  return distinct_places(true);
}

// Regions are hashed to 1..1023, so some fall together: corrected by linear counting (Whang et al. 1990).
double NumberActivity::regions_callee_24h() const {
  std::bitset<1024> seen;
  const std::uint32_t start = start_s(Window::k24h, record_->newest_s);
  if (record_->tier == NumberRecord::kBusy) {
    const BusyNumber& busy = all_->busy(*record_);
    if (busy.calls_out == nullptr) return 0;
    const std::uint32_t first_step = start / spec(Window::k24h).step_s;
    for (std::size_t r = 1; r < 1024; ++r) seen[r] = busy.calls_out->region_step[r] > first_step;
  } else {
    for (const Contact& c : inside(contacts(), start))
      if (c.region != 0) seen[c.region] = true;
  }
  const double hit = std::min<double>(static_cast<double>(seen.count()), 1022);
  return std::round(-1023 * std::log1p(-hit / 1023));
}

double NumberActivity::night_share_24h() const {
  const auto offset = all_->options().local_offset;
  const NumberTally& t = tally(Window::k24h);
  const std::uint64_t out = std::uint64_t{t.calls_out} + t.messages_out;
  std::uint64_t night = 0;
  if (record_->tier == NumberRecord::kBusy) {
    const BusyNumber& busy = all_->busy(*record_);
    constexpr WindowSpec day = spec(Window::k24h);
    const std::uint32_t head = record_->newest_s / day.step_s;
    for (std::uint32_t back = 0; back < day.steps && back <= head; ++back) {
      if (!is_night((head - back) * day.step_s, offset)) continue;
      if (busy.calls_out != nullptr) night += busy.calls_out->counts.at(Window::k24h, back, BusyNumber::kCalls);
      if (busy.messages_out != nullptr) night += busy.messages_out->counts.at(Window::k24h, back);
    }
  } else {
    for (const Contact& c : inside(contacts(), start_s(Window::k24h, record_->newest_s)))
      night += c.outgoing == 1 && is_night(c.time_s, offset) ? 1U : 0U;
  }
  return ratio(night, out);
}

double NumberActivity::max_calls_per_minute_5m() const {
  std::array<std::uint32_t, 5> minutes{};
  if (record_->tier == NumberRecord::kBusy) {
    const BusyNumber& busy = all_->busy(*record_);
    if (busy.calls_out == nullptr) return 0;
    for (std::uint32_t back = 0; back < 5; ++back)
      minutes[back] = busy.calls_out->counts.at(Window::k1h, back, BusyNumber::kCalls);
  } else {
    const std::uint32_t now = record_->newest_s / 60;
    for (const Contact& c : inside(contacts(), now < 4 ? 0 : (now - 4) * 60))
      if (c.outgoing == 1 && c.message == 0) ++minutes[now - c.time_s / 60];
  }
  return *std::max_element(minutes.begin(), minutes.end());
}

double NumberActivity::first_seen_age_s() const {
  return record_->newest_s - record_->first_s;
}

double NumberActivity::idle_before_s() const {
  if (record_->silence_h == 0) return 0;
  const std::uint32_t awake_h = (record_->newest_s / 3600 - record_->woke_h) & 0xfff;
  return awake_h > 7 * 24 ? 0 : record_->silence_h * 3600.0;
}

std::vector<model::EvidencePoint> NumberActivity::series(Lane lane, Window w) const {
  const WindowSpec& ws = spec(w);
  const std::uint32_t head = record_->newest_s / ws.step_s;
  const std::uint32_t steps = std::min(ws.steps, head + 1);
  std::vector<model::EvidencePoint> points(steps);
  for (std::uint32_t i = 0; i < steps; ++i)
    points[i].time = EventMs{static_cast<std::int64_t>(head + 1 - steps + i) * ws.step_s * 1000};
  if (record_->tier != NumberRecord::kBusy) {
    for (const Contact& c : inside(contacts(), start_s(w, record_->newest_s)))
      if (c.outgoing == 1 && (c.message == 1) == (lane == kMessageOut))
        points[steps - 1 - (head - c.time_s / ws.step_s)].value += 1;
    return points;
  }
  const BusyNumber& busy = all_->busy(*record_);
  for (std::uint32_t i = 0; i < steps; ++i) {
    const std::uint32_t back = steps - 1 - i;
    if (lane == kMessageOut) {
      points[i].value = busy.messages_out == nullptr ? 0 : busy.messages_out->counts.at(w, back);
    } else {
      points[i].value = busy.calls_out == nullptr ? 0 : busy.calls_out->counts.at(w, back, BusyNumber::kCalls);
    }
  }
  return points;
}
std::vector<model::EvidencePoint> NumberActivity::calls_out_series(Window w) const {
  return series(kCallOut, w);
}
std::vector<model::EvidencePoint> NumberActivity::messages_out_series(Window w) const {
  return series(kMessageOut, w);
}

}  // namespace pandun::detect
