#include "detect/features/device_activity.h"

#include <algorithm>
#include <limits>

#include "detect/features/device_activity_state.h"

namespace pandun::detect {
namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(part) / static_cast<double>(whole);
}

constexpr Window held(Window w) {
  return w == Window::k5m || w == Window::k1h ? w : Window::k24h;
}

std::span<const DeviceUse> inside(std::span<const DeviceUse> all, std::uint32_t start) {
  std::size_t at = all.size();
  while (at > 0 && all[at - 1].time_s >= start) --at;
  return all.subspan(at);
}

DeviceTally tally_list(std::span<const DeviceUse> uses) {
  constexpr auto kYes = static_cast<std::uint32_t>(model::Answered::kYes);
  constexpr auto kNo = static_cast<std::uint32_t>(model::Answered::kNo);
  DeviceTally t{};
  for (const DeviceUse& u : uses) {
    const bool out = u.kind == kDeviceCallOut;
    t.calls_out += out ? 1U : 0U;
    t.calls_in += u.kind == kDeviceCallIn ? 1U : 0U;
    t.messages_out += u.kind == kDeviceMessage ? 1U : 0U;
    t.answered += out && u.answered == kYes ? 1U : 0U;
    t.unanswered += out && u.answered == kNo ? 1U : 0U;
    t.brief += out ? u.brief : 0U;
    t.switches += u.switched;
    t.moves += u.moved;
  }
  return t;
}

DeviceTally tally_busy(const BusyDevice& busy, Window w) {
  const auto count = [&](std::size_t counter) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(busy.counts.total(w, counter), 0xffffffffU));
  };
  return {count(BusyDevice::kCallsOut), count(BusyDevice::kCallsIn),    count(BusyDevice::kMessagesOut),
          count(BusyDevice::kAnswered), count(BusyDevice::kUnanswered), count(BusyDevice::kShort),
          count(BusyDevice::kSwitches), count(BusyDevice::kMoves)};
}

// Of the numbers before and the one of the latest use.
template <typename Test>
double count_if(std::span<const SeenNumber> before, const SeenNumber& latest, Test test) {
  return static_cast<double>(std::count_if(before.begin(), before.end(), test)) +
         (latest.hash != 0 && test(latest) ? 1 : 0);
}

}  // namespace

EventMs DeviceActivity::newest() const {
  return EventMs{static_cast<std::int64_t>(record_->newest_s) * 1000};
}

bool DeviceActivity::fewer_than(std::uint32_t uses, std::uint32_t numbers) const {
  if (record_->numbers.size() + (record_->number.hash != 0 ? 1U : 0U) < numbers) return true;
  return record_->busy == 0 && record_->uses() < uses;
}

const DeviceTally& DeviceActivity::tally(Window w) const {
  w = held(w);
  const auto i = static_cast<std::size_t>(w);
  if ((have_tally_ >> i & 1U) == 0) {
    have_tally_ |= 1U << i;
    tally_[i] = record_->busy != 0 ? tally_busy(all_->busy(*record_), w)
                                   : tally_list(inside(all_->uses(*record_), start_s(w, record_->newest_s)));
  }
  return tally_[i];
}

double DeviceActivity::answered_ratio(Window w) const {
  const DeviceTally& t = tally(w);
  return ratio(t.answered, std::uint64_t{t.answered} + t.unanswered);
}
double DeviceActivity::short_ratio(Window w) const {
  return ratio(tally(w).brief, tally(w).answered);
}
double DeviceActivity::out_share(Window w) const {
  const DeviceTally& t = tally(w);
  return ratio(t.calls_out, std::uint64_t{t.calls_out} + t.calls_in);
}

double DeviceActivity::distinct_callees(Window w) const {
  w = held(w);
  if (record_->busy != 0) return all_->busy(*record_).callees.count(w);
  std::array<std::uint32_t, DeviceRecord::kUsesMax> seen;
  std::size_t size = 0;
  for (const DeviceUse& u : inside(all_->uses(*record_), start_s(w, record_->newest_s)))
    if (u.kind == kDeviceCallOut) seen[size++] = u.callee;
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
  const std::span<const DeviceUse> before = all_->cells(*record_);
  return static_cast<double>(
             std::count_if(before.begin(), before.end(),
                           [from](const DeviceUse& thing) { return seen_cell(thing).last_s >= from; })) +
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
  w = held(w);
  const WindowSpec& ws = spec(w);
  const std::uint32_t head = record_->newest_s / ws.step_s, steps = std::min(ws.steps, head + 1);
  std::vector<model::EvidencePoint> points(steps);
  for (std::uint32_t i = 0; i < steps; ++i) {
    points[i].time = EventMs{static_cast<std::int64_t>(head + 1 - steps + i) * ws.step_s * 1000};
    if (record_->busy == 0) continue;
    for (const std::size_t c : {BusyDevice::kCallsOut, BusyDevice::kCallsIn, BusyDevice::kMessagesOut})
      points[i].value += all_->busy(*record_).counts.at(w, steps - 1 - i, c);
  }
  if (record_->busy != 0) return points;
  for (const DeviceUse& u : inside(all_->uses(*record_), start_s(w, record_->newest_s)))
    points[steps - 1 - (head - u.time_s / ws.step_s)].value += 1;
  return points;
}

}  // namespace pandun::detect
