#include "detect/features/device_activity.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <limits>

#include "detect/features/device_activity_state.h"
#include "detect/features/regions.h"
#include "detect/features/silence.h"

namespace pandun::detect {
namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(part) / static_cast<double>(whole);
}

constexpr Window held(Window w) {
  return w == Window::k5m || w == Window::k1h ? w : Window::k24h;
}

// f(DeviceUse) of each use at or after `start`, newest first.
template <typename F>
void each_use(std::span<const DeviceThing> all, std::uint32_t newest_s, std::uint32_t start, F f) {
  for (std::size_t at = all.size(); at-- > 0 && all[at].time_s(newest_s) >= start;) f(all[at].use(newest_s));
}

void tally_use(const DeviceUse& u, std::chrono::seconds local_offset, DeviceTally& t) {
  const bool out = u.kind == kDeviceCallOut, in = u.kind == kDeviceCallIn;
  t.calls_out += out ? 1U : 0U;
  t.calls_in += in ? 1U : 0U;
  t.messages_out += u.kind == kDeviceMessage ? 1U : 0U;
  t.answered += u.is_answered() ? 1U : 0U;
  t.unanswered += u.is_unanswered() ? 1U : 0U;
  t.brief += u.is_short() ? 1U : 0U;
  t.switches += u.switched ? 1U : 0U;
  t.moves += u.moved ? 1U : 0U;
  t.returned += u.returned ? 1U : 0U;
  t.abroad += u.abroad ? 1U : 0U;
  t.roaming += u.roaming ? 1U : 0U;
  t.night += !in && is_night(u.time_s, local_offset) ? 1U : 0U;
  t.talk_s += u.talk_s();
}

template <typename Count>
void add_shared(DeviceTally& t, Count count) {
  t.calls_out += count(DeviceCounters::kCallsOut);
  t.calls_in += count(DeviceCounters::kCallsIn);
  t.messages_out += count(DeviceCounters::kMessagesOut);
  t.answered += count(DeviceCounters::kAnswered);
  t.unanswered += count(DeviceCounters::kUnanswered);
  t.brief += count(DeviceCounters::kShort);
  t.switches += count(DeviceCounters::kSwitches);
  t.moves += count(DeviceCounters::kMoves);
  t.returned += count(DeviceCounters::kReturned);
  t.abroad += count(DeviceCounters::kAbroad);
  t.roaming += count(DeviceCounters::kRoaming);
}

DeviceTally tally_busy(const BusyDevice& busy, Window w, std::chrono::seconds local_offset) {
  const auto count = [&](std::size_t counter) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(busy.counts.total(w, counter), 0xffffffffU));
  };
  DeviceTally t{};
  add_shared(t, count);
  t.talk_s = busy.counts.total(w, BusyDevice::kTalk);
  if (w != Window::k24h) return t;
  constexpr WindowSpec day = spec(Window::k24h);
  const std::uint32_t head = busy.clock_s / day.step_s;
  for (std::uint32_t back = 0; back < day.steps && back <= head; ++back)
    if (is_night((head - back) * day.step_s, local_offset))
      t.night += busy.counts.at(w, back, BusyDevice::kCallsOut) + busy.counts.at(w, back, BusyDevice::kMessagesOut);
  return t;
}

DeviceTally tally_days(const DeviceDays& days, Window w) {
  DeviceTally t{};
  days.each(w, [&t](std::uint32_t, const DeviceDays::Counts& n) {
    add_shared(t, [&n](std::size_t counter) { return n[counter]; });
    t.night += n[DeviceDays::kNight];
    t.talk_s += n[DeviceDays::kTalk];
  });
  return t;
}

// Of the numbers before and the one of the latest use.
template <typename Test>
double count_if(std::span<const SeenNumber> before, const SeenNumber& latest, Test test) {
  return static_cast<double>(std::count_if(before.begin(), before.end(), test)) +
         (latest.hash != 0 && test(latest) ? 1 : 0);
}

}  // namespace

template <typename F>
void DeviceActivity::each(F f, Window w) const {
  each_use(all_->uses(*record_), record_->newest_s, start_s(w, record_->newest_s), f);
}

EventMs DeviceActivity::newest() const {
  return EventMs{static_cast<std::int64_t>(record_->newest_s) * 1000};
}

bool DeviceActivity::fewer_than(std::uint32_t uses, std::uint32_t numbers) const {
  if (record_->numbers.size() + (record_->number.hash != 0 ? 1U : 0U) < numbers) return true;
  return record_->busy == 0 && record_->uses() < uses;
}

const DeviceTally& DeviceActivity::tally(Window w) const {
  const auto i = static_cast<std::size_t>(w);
  if ((have_tally_ >> i & 1U) != 0) return tally_[i];
  have_tally_ |= 1U << i;
  tally_[i] = {};
  if (w >= Window::k7d)
    tally_[i] = tally_days(all_->days(*record_), w);
  else if (record_->busy != 0)
    tally_[i] = tally_busy(all_->busy(*record_), w, all_->local_offset());
  else
    each([&](const DeviceUse& u) { tally_use(u, all_->local_offset(), tally_[i]); }, w);
  return tally_[i];
}

double DeviceActivity::answered_ratio(Window w) const {
  const DeviceTally& t = tally(w);
  return ratio(t.answered, std::uint64_t{t.answered} + t.unanswered);
}
double DeviceActivity::unanswered_ratio(Window w) const {
  const DeviceTally& t = tally(w);
  return ratio(t.unanswered, std::uint64_t{t.answered} + t.unanswered);
}
double DeviceActivity::short_ratio(Window w) const {
  return ratio(tally(w).brief, tally(w).answered);
}
double DeviceActivity::out_share(Window w) const {
  const DeviceTally& t = tally(w);
  return ratio(t.calls_out, std::uint64_t{t.calls_out} + t.calls_in);
}

double DeviceActivity::night_share(Window w) const {
  const DeviceTally& t = tally(std::max(w, Window::k24h));
  return ratio(t.night, std::uint64_t{t.calls_out} + t.messages_out);
}
double DeviceActivity::international_share(Window w) const {
  const DeviceTally& t = tally(w);
  return ratio(t.abroad, std::uint64_t{t.calls_out} + t.messages_out);
}
double DeviceActivity::roaming_share(Window w) const {
  return ratio(tally(w).roaming, tally(w).calls_out);
}
double DeviceActivity::talk_s_mean(Window w) const {
  return ratio(tally(w).talk_s, tally(w).answered);
}

SpreadSums DeviceActivity::talks(Window w) const {
  SpreadSums sums;
  if (record_->busy != 0) {
    const BusyDevice& busy = all_->busy(*record_);
    return {busy.counts.total(w, BusyDevice::kAnswered), busy.counts.total(w, BusyDevice::kTalk),
            busy.squares.total(BusyDevice::kTalkSquares)};
  }
  each(
      [&sums](const DeviceUse& u) {
        if (u.is_answered()) sums.add(u.talk_s());
      },
      w);
  return sums;
}
SpreadSums DeviceActivity::rings(Window w) const {
  SpreadSums sums;
  if (record_->busy != 0) {
    const BusyDevice& busy = all_->busy(*record_);
    return {busy.counts.total(w, BusyDevice::kRings), busy.counts.total(w, BusyDevice::kRing),
            busy.squares.total(BusyDevice::kRingSquares)};
  }
  each(
      [&sums](const DeviceUse& u) {
        if (u.ring_s != DeviceUse::kRingUntold) sums.add(u.ring_s);
      },
      w);
  return sums;
}
double DeviceActivity::ring_s_mean(Window w) const {
  const SpreadSums sums = rings(held(w));
  return ratio(sums.sum, sums.n);
}
double DeviceActivity::talk_s_spread_24h() const {
  return talks(Window::k24h).spread().deviation;
}
double DeviceActivity::ring_s_spread_24h() const {
  return rings(Window::k24h).spread().deviation;
}

double DeviceActivity::gap_cv_1h() const {
  const std::uint32_t hour = start_s(Window::k1h, record_->newest_s);
  if (record_->busy != 0) {
    const std::span<const std::uint32_t> all = all_->busy(*record_).calls_1h;
    const auto calls =
        all.subspan(static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), hour) - all.begin()));
    return gap_cv(calls.size(), [calls](std::size_t i) { return calls[i]; });
  }
  std::array<std::uint32_t, BusyDevice::kGapCalls> latest;  // backwards
  std::size_t size = 0;
  each(
      [&](const DeviceUse& u) {
        if (u.kind == kDeviceCallOut && size < latest.size()) latest[size++] = u.time_s;
      },
      Window::k1h);
  return gap_cv(size, [&](std::size_t i) { return latest[size - 1 - i]; });
}

// Corrected for regions that fall together, as of numbers.
double DeviceActivity::regions_callee_24h() const {
  std::bitset<BusyDevice::kRegions> seen;
  const std::uint32_t start = start_s(Window::k24h, record_->newest_s);
  if (record_->busy != 0) {
    const auto& steps = all_->busy(*record_).region_step;
    for (std::size_t r = 1; r < steps.size(); ++r) seen[r] = steps[r] > start / spec(Window::k24h).step_s;
  } else {
    each([&seen](const DeviceUse& u) { seen[u.region()] = true; }, Window::k24h);
    seen[0] = false;
  }
  const double hit = std::min<double>(static_cast<double>(seen.count()), 1022);
  return std::round(-1023 * std::log1p(-hit / 1023));
}

double DeviceActivity::dispersion(Window w) const {
  const double calls = calls_out(w);
  return calls == 0 ? std::numeric_limits<double>::quiet_NaN() : distinct_callees(w) / calls;
}

double DeviceActivity::idle_before_s() const {
  return silence_told_s(*record_);
}

double DeviceActivity::distinct_callees(Window w) const {
  if (w >= Window::k7d) return all_->days(*record_).callees(w);
  if (record_->busy != 0) return all_->busy(*record_).callees.count(w);
  std::array<std::uint32_t, DeviceRecord::kUsesMax> seen;
  std::size_t size = 0;
  each(
      [&](const DeviceUse& u) {
        if (u.kind == kDeviceCallOut) seen[size++] = u.callee;
      },
      w);
  const auto end = seen.begin() + static_cast<std::ptrdiff_t>(size);
  std::sort(seen.begin(), end);
  return static_cast<double>(std::unique(seen.begin(), end) - seen.begin());
}

double DeviceActivity::distinct_numbers(Window w) const {
  return count_if(all_->numbers(*record_), record_->number,
                  [from = start_s(w, record_->newest_s)](const SeenNumber& n) { return n.last_s >= from; });
}
double DeviceActivity::distinct_cells(Window w) const {
  const std::uint32_t from = start_s(w, record_->newest_s);
  const std::span<const DeviceThing> before = all_->cells(*record_);
  return static_cast<double>(
             std::count_if(before.begin(), before.end(),
                           [from](const DeviceThing& thing) { return seen_cell(thing).last_s >= from; })) +
         (record_->cell.hash != 0 && record_->cell.last_s >= from ? 1 : 0);
}
double DeviceActivity::new_numbers(Window w) const {
  return count_if(all_->numbers(*record_), record_->number,
                  [from = start_s(w, record_->newest_s)](const SeenNumber& n) { return n.first_s >= from; });
}
double DeviceActivity::distinct_numbers_30d() const {
  return count_if(all_->numbers(*record_), record_->number,
                  [from = start_s(Window::k30d, record_->newest_s)](const SeenNumber& n) { return n.last_s >= from; });
}
double DeviceActivity::new_numbers_30d() const {
  return count_if(all_->numbers(*record_), record_->number,
                  [from = start_s(Window::k30d, record_->newest_s)](const SeenNumber& n) { return n.first_s >= from; });
}
double DeviceActivity::first_seen_age_s() const {
  return record_->newest_s - record_->first_s;
}

std::vector<model::EvidencePoint> DeviceActivity::uses_series(Window w) const {
  const WindowSpec& ws = spec(w);
  const std::uint32_t head = record_->newest_s / ws.step_s, steps = std::min(ws.steps, head + 1);
  std::vector<model::EvidencePoint> points(steps);
  const bool days = w >= Window::k7d;
  for (std::uint32_t i = 0; i < steps; ++i) {
    points[i].time = EventMs{static_cast<std::int64_t>(head + 1 - steps + i) * ws.step_s * 1000};
    if (record_->busy == 0 || days) continue;
    for (const std::size_t c : {BusyDevice::kCallsOut, BusyDevice::kCallsIn, BusyDevice::kMessagesOut})
      points[i].value += all_->busy(*record_).counts.at(w, steps - 1 - i, c);
  }
  if (days) {
    all_->days(*record_).each(w, [&](std::uint32_t from_s, const DeviceDays::Counts& n) {
      const std::uint32_t back = head - from_s / ws.step_s;
      for (const std::size_t c : {DeviceDays::kCallsOut, DeviceDays::kCallsIn, DeviceDays::kMessagesOut})
        if (back < steps) points[steps - 1 - back].value += n[c];
    });
    return points;
  }
  if (record_->busy != 0) return points;
  each([&](const DeviceUse& u) { points[steps - 1 - (head - u.time_s / ws.step_s)].value += 1; }, w);
  return points;
}

}  // namespace pandun::detect
