#include "detect/features/cell_activity.h"

#include <algorithm>
#include <limits>

#include "detect/features/cell_activity_state.h"
#include "detect/features/regions.h"
#include "detect/features/silence.h"

namespace pandun::detect {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double ratio(double part, double whole) {
  return whole == 0 ? kUnknown : part / whole;
}

constexpr Window held(Window w) {
  return w == Window::k5m || w == Window::k1h ? w : Window::k24h;
}

}  // namespace

EventMs CellActivity::newest() const {
  return EventMs{static_cast<std::int64_t>(record_->newest_s) * 1000};
}

bool CellActivity::fewer_than(std::uint32_t least, Window w, std::uint8_t kinds) const {
  if (record_->busy == 0) return record_->noted < least;
  std::uint32_t most = 0;
  for (std::size_t kind = 0; kind < record_->counted.size(); ++kind) {
    if ((kinds >> kind & 1U) == 0) continue;
    const std::uint16_t counted = record_->counted[kind][static_cast<std::size_t>(held(w))];
    if (counted == 0xffff) return false;
    most += counted + std::uint32_t{record_->noted_of[kind]};
  }
  return most < least;
}

double CellActivity::count(std::size_t counter, Window w) const {
  if (record_->busy != 0) {
    const BusyCell& busy = all_->busy(*record_);
    if (w <= Window::k24h || counter == CellContact::kNew)
      return static_cast<double>(busy.counts.total(held(w), counter));
    // They stand in the same order, without the new ones.
    return busy.days.total(w)[counter < CellContact::kNew ? counter : counter - 1];
  }
  const std::uint32_t start = start_s(w, record_->newest_s);
  double n = 0;
  for (const CellContact& c : all_->contacts(*record_))
    if (c.time_s >= start) n += c.counts()[counter];
  return n;
}
double CellActivity::calls_out(Window w) const {
  return count(CellContact::kCallsOut, w);
}
double CellActivity::calls_in(Window w) const {
  return count(CellContact::kCallsIn, w);
}
double CellActivity::messages(Window w) const {
  return count(CellContact::kMessages, w);
}
double CellActivity::international(Window w) const {
  return count(CellContact::kInternational, w);
}
double CellActivity::new_numbers(Window w) const {
  return std::min(count(CellContact::kNew, w), contacts(w));
}
// An estimate is never above it: fewer_than() relies on that.
double CellActivity::contacts(Window w) const {
  return calls(w) + messages(w);
}

double CellActivity::distinct(bool devices, Window w) const {
  if (devices) w = held(w);
  if (record_->busy != 0) {
    const BusyCell& busy = all_->busy(*record_);
    w = std::max(w, Window::k1h);
    return std::min(devices ? busy.devices.count(w) : busy.numbers.count(w), contacts(w));
  }
  const std::uint32_t start = start_s(w, record_->newest_s);
  std::array<std::uint32_t, CellRecord::kListedMost> seen;
  std::size_t size = 0;
  for (const CellContact& c : all_->contacts(*record_)) {
    const std::uint32_t thing = devices ? std::uint32_t{c.device} : c.number;
    if (c.time_s >= start && thing != 0) seen[size++] = thing;
  }
  const auto end = seen.begin() + static_cast<std::ptrdiff_t>(size);
  std::sort(seen.begin(), end);
  return static_cast<double>(std::unique(seen.begin(), end) - seen.begin());
}
double CellActivity::distinct_numbers(Window w) const {
  return distinct(false, w);
}
double CellActivity::distinct_devices(Window w) const {
  return distinct(true, w);
}

double CellActivity::new_number_share(Window w) const {
  const double numbers = distinct_numbers(w);
  return numbers == 0 ? kUnknown : std::min(1.0, new_numbers(w) / numbers);
}

double CellActivity::message_rise(Window w) const {
  w = std::min(w, Window::k7d);
  const Window usual = w == Window::k7d ? Window::k30d : w == Window::k24h ? Window::k7d : Window::k24h;
  const double all = messages(usual);
  if (all == 0) return kUnknown;
  return messages(w) * (static_cast<double>(spec(usual).width_s()) / spec(w).width_s()) / all;
}

double CellActivity::answered_ratio(Window w) const {
  const double yes = count(CellContact::kAnswered, w);
  return ratio(yes, yes + count(CellContact::kUnanswered, w));
}
double CellActivity::unanswered_ratio(Window w) const {
  const double no = count(CellContact::kUnanswered, w);
  return ratio(no, no + count(CellContact::kAnswered, w));
}
double CellActivity::short_ratio(Window w) const {
  return ratio(count(CellContact::kShort, w), count(CellContact::kAnswered, w));
}
double CellActivity::talk_s_mean(Window w) const {
  w = std::max(w, Window::k24h);
  return ratio(count(CellContact::kTalk, w), count(CellContact::kAnswered, w));
}
double CellActivity::roaming_share(Window w) const {
  w = std::max(w, Window::k24h);
  return ratio(count(CellContact::kRoaming, w), calls_out(w));
}

double CellActivity::night_share_24h() const {
  double night = 0;
  if (record_->busy != 0) {
    const BusyCell& busy = all_->busy(*record_);
    constexpr WindowSpec day = spec(Window::k24h);
    const std::uint32_t head = busy.counts.clock_s() / day.step_s;
    for (std::uint32_t back = 0; back < day.steps && back <= head; ++back)
      if (is_night((head - back) * day.step_s, all_->local_offset()))
        for (const auto c : {CellContact::kCallsOut, CellContact::kCallsIn, CellContact::kMessages})
          night += busy.counts.at(Window::k24h, back, c);
  } else {
    for (const CellContact& c : all_->contacts(*record_))
      night += c.time_s >= start_s(Window::k24h, record_->newest_s) && is_night(c.time_s, all_->local_offset()) ? 1 : 0;
  }
  return ratio(night, contacts(Window::k24h));
}

double CellActivity::idle_before_s() const {
  return silence_told_s(*record_);
}

double CellActivity::first_seen_age_s() const {
  return record_->newest_s - record_->first_s;
}

std::vector<model::EvidencePoint> CellActivity::series(std::size_t first, std::size_t last, Window w) const {
  w = held(w);
  const WindowSpec& ws = spec(w);
  const std::uint32_t head = record_->newest_s / ws.step_s, steps = std::min(ws.steps, head + 1);
  std::vector<model::EvidencePoint> points(steps);
  for (std::uint32_t i = 0; i < steps; ++i) {
    points[i].time = EventMs{static_cast<std::int64_t>(head + 1 - steps + i) * ws.step_s * 1000};
    if (record_->busy == 0) continue;
    for (std::size_t c = first; c <= last; ++c) points[i].value += all_->busy(*record_).counts.at(w, steps - 1 - i, c);
  }
  if (record_->busy != 0) return points;
  const std::uint32_t start = start_s(w, record_->newest_s);
  for (const CellContact& c : all_->contacts(*record_))
    if (c.time_s >= start && c.kind >= first && c.kind <= last)
      points[steps - 1 - (head - c.time_s / ws.step_s)].value += 1;
  return points;
}
std::vector<model::EvidencePoint> CellActivity::messages_series(Window w) const {
  return series(CellContact::kMessages, CellContact::kMessages, w);
}
std::vector<model::EvidencePoint> CellActivity::calls_series(Window w) const {
  return series(CellContact::kCallsOut, CellContact::kCallsIn, w);
}

}  // namespace pandun::detect
