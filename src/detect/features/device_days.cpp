#include "detect/features/device_days.h"

#include <algorithm>

namespace pandun::detect {
namespace {

void add_to(DeviceDay& step, const DeviceDay::Counts& n, std::uint32_t talk_s) {
  for (std::size_t c = 0; c < DeviceDay::kCounters; ++c)
    step.counts[c] = static_cast<std::uint16_t>(std::min<std::uint32_t>(std::uint32_t{step.counts[c]} + n[c], 0xffff));
  step.talk_s += std::min(talk_s, 0xffffffffU - step.talk_s);
}

}  // namespace

DeviceDay* DeviceDays::find(const BlockPool& pool, std::uint32_t day, bool span) const {
  for (DeviceDay& step : steps_.in(pool))
    if (step.day == day && (step.span != 0) == span) return &step;
  return nullptr;
}

DeviceDay& DeviceDays::open(BlockPool& pool, std::uint32_t day, bool span) {
  if (DeviceDay* step = find(pool, day, span); step != nullptr) return *step;
  DeviceDay& step = steps_.append(pool);
  step.day = static_cast<std::uint16_t>(day);
  step.span = span ? 1 : 0;
  return step;
}

void DeviceDays::advance(BlockPool& pool, std::uint32_t now_s) {
  const std::uint32_t day = now_s / kDayS;
  if (day <= clock_day_) return;
  clock_day_ = static_cast<std::uint16_t>(day);
  const std::uint32_t first = first_day(), first_span = first_span_day();
  const auto gone = [&](const DeviceDay& step) { return step.day < first_span; };
  const std::span<const DeviceDay> steps = steps_.in(pool);
  if (std::any_of(steps.begin(), steps.end(), gone)) {
    steps_.drop_if(pool, gone);
    callees_.drop_if(pool, [&](std::uint32_t callee) { return day_of(callee) < first_span; });
  }
  const auto left = [&](const DeviceDay& step) { return step.span == 0 && step.day < first; };
  for (;;) {
    const std::span<DeviceDay> all = steps_.in(pool);
    const auto found = std::find_if(all.begin(), all.end(), left);
    if (found == all.end()) break;
    const DeviceDay moved = *found;
    *found = all.back();
    const DeviceDay* last = &all.back();
    steps_.drop_if(pool, [last](const DeviceDay& step) { return &step == last; });
    DeviceDay& span = open(pool, moved.day / kSpanDays * kSpanDays, true);
    add_to(span, moved.counts, moved.talk_s);
    span.level = std::max(span.level, moved.level);
    thin(pool, span);
  }
}

// Lets go what does not pass the level of its step, and raises that until few enough are left.
void DeviceDays::thin(BlockPool& pool, DeviceDay& step) {
  for (;; ++step.level) {
    std::size_t kept = 0, gone = 0;
    for (const std::uint32_t callee : callees_.in(pool)) {
      if (step_of(day_of(callee)) != step.day) continue;
      ++(passes(hash_of(callee), step.level) ? kept : gone);
    }
    if (gone != 0)
      callees_.drop_if(pool, [&](std::uint32_t callee) {
        return step_of(day_of(callee)) == step.day && !passes(hash_of(callee), step.level);
      });
    if (kept <= kStepMost || step.level >= kLevelMost) return;
  }
}

void DeviceDays::add(BlockPool& pool, std::uint32_t time_s, const DeviceDay::Counts& n, std::uint32_t talk_s) {
  add_to(open(pool, time_s / kDayS, false), n, talk_s);
}

void DeviceDays::meet(BlockPool& pool, std::uint32_t time_s, std::uint32_t callee) {
  const std::uint32_t day = time_s / kDayS;
  DeviceDay* step = find(pool, day, false);
  if (step == nullptr) return;
  const std::span<std::uint32_t> all = callees_.in(pool);
  const auto found = std::find_if(all.begin(), all.end(), [callee](std::uint32_t c) { return hash_of(c) == callee; });
  if (found != all.end()) {
    if (day_of(*found) >= day) return;
    *found = thing(callee, day);
  } else if (passes(callee, step->level)) {
    callees_.append(pool) = thing(callee, day);
  } else {
    return;
  }
  thin(pool, *step);
}

double DeviceDays::callees(const BlockPool& pool, Window w) const {
  const std::uint32_t first = first_day();
  double different = 0;
  for (const std::uint32_t callee : callees_.in(pool)) {
    const std::uint32_t day = day_of(callee);
    if (w != Window::k30d && day < first) continue;
    const DeviceDay* step = find(pool, step_of(day), day < first);
    different += step == nullptr ? 1 : static_cast<double>(1U << step->level);
  }
  return different;
}

void DeviceDays::save(const BlockPool& pool, StateWriter& out) const {
  const std::span<const DeviceDay> steps = steps_.in(pool);
  out.varint(steps.size());
  for (const DeviceDay& step : steps) {
    out.u16(step.day);
    out.u8(step.level);
    out.u8(step.span);
    for (const std::uint16_t n : step.counts) out.varint(n);
    out.varint(step.talk_s);
  }
  const std::span<const std::uint32_t> callees = callees_.in(pool);
  out.varint(callees.size());
  for (const std::uint32_t callee : callees) out.u32(callee);
}

void DeviceDays::load(BlockPool& pool, StateReader& in, std::uint32_t now_s) {
  clear(pool);
  clock_day_ = static_cast<std::uint16_t>(now_s / kDayS);
  const std::uint64_t size = in.varint();
  if (size > kStepsMost) return in.fail("a device has more days than a month");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    const std::uint32_t day = in.u16();
    const std::uint8_t level = in.u8(), span = in.u8();
    const bool spans = span != 0;
    if (span > 1 || level > kLevelMost || day > clock_day_ || day < (spans ? first_span_day() : first_day()) ||
        (spans && day % kSpanDays != 0) || find(pool, day, spans) != nullptr)
      return in.fail("a device's day cannot be");
    DeviceDay& step = open(pool, day, spans);
    step.level = level;
    for (std::uint16_t& n : step.counts) n = static_cast<std::uint16_t>(std::min<std::uint64_t>(in.varint(), 0xffff));
    step.talk_s = static_cast<std::uint32_t>(std::min<std::uint64_t>(in.varint(), 0xffffffff));
  }
  const std::uint64_t callees = in.varint();
  if (callees > kStepsMost * kStepMost) return in.fail("a device has more callees than its days hold");
  for (std::uint64_t i = 0; i < callees && in.ok(); ++i) {
    const std::uint32_t callee = in.u32(), day = day_of(callee);
    const DeviceDay* step = day > clock_day_ ? nullptr : find(pool, step_of(day), day < first_day());
    if (step == nullptr || !passes(hash_of(callee), step->level)) return in.fail("a device's callee is of no day");
    callees_.append(pool) = callee;
  }
}

}  // namespace pandun::detect
