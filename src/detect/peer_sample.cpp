#include "detect/peer_sample.h"

#include <algorithm>

namespace pandun::detect {

void PeerSample::advance(std::uint32_t now_s) {
  if (now_s <= now_s_) return;
  now_s_ = now_s;
  if (now_s_ / kDay.step_s == settled_day_) return;
  settled_day_ = now_s_ / kDay.step_s;
  rebuild();
}

std::size_t PeerSample::find(std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = (hash * 0x85ebca6bU >> 8) & mask;
  while (slots_[at].day != 0 && slots_[at].hash != hash) at = (at + 1) & mask;
  return at;
}

const PeerSample::Step* PeerSample::find_step(std::uint32_t day) const {
  for (const Step& step : steps_)
    if (step.first_day == day) return &step;
  return nullptr;
}

PeerSample::Step& PeerSample::step_of(std::uint32_t day) {
  for (Step& step : steps_)
    if (step.first_day == day) return step;
  steps_.push_back({day, 0, 0});
  return steps_.back();
}

// A day that left the 7 d becomes part of its span, which takes the higher level of both. A span's first day is never one of
// the 7 d's own: something of it left them.
void PeerSample::rebuild() {
  const std::uint32_t first = oldest_day(), oldest = oldest_span_day();
  const auto place = [&](std::uint32_t day) { return day >= first ? day : day / kDaysInSpan * kDaysInSpan; };
  std::vector<Step> before = std::move(steps_);
  steps_.clear();
  for (const Step& step : before) {
    if (place(step.first_day) < oldest) continue;
    Step& now = step_of(place(step.first_day));
    now.level = std::max(now.level, step.level);
  }
  std::size_t live = 0;
  for (const Slot& slot : slots_) live += slot.day > kNoStep && place(slot.day - 1U) >= oldest ? 1U : 0U;
  std::size_t capacity = 8;
  while (capacity * 2 < (live + 1) * 3) capacity *= 2;
  std::vector<Slot> old(live == 0 ? 0 : capacity);
  old.swap(slots_);
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.day <= kNoStep) continue;
    const std::uint32_t day = place(slot.day - 1U);
    if (day < oldest) continue;
    Step& step = step_of(day);
    if (!passes(slot.hash, step.level)) continue;
    slots_[find(slot.hash)] = {slot.hash, static_cast<std::uint16_t>(day + 1)};
    ++used_;
    ++step.kept;
  }
  for (std::size_t i = 0; i < steps_.size(); ++i) thin(steps_[i]);
}

void PeerSample::thin(Step& step) {
  if (step.kept <= kStepMost) return;
  while (step.kept > kStepMost && step.level < 31) {
    ++step.level;
    step.kept = 0;
    for (const Slot& slot : slots_)
      if (slot.day == step.first_day + 1 && passes(slot.hash, step.level)) ++step.kept;
  }
  std::vector<Slot> old(slots_.size());
  old.swap(slots_);
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.day == 0 || (slot.day == step.first_day + 1 && !passes(slot.hash, step.level))) continue;
    slots_[find(slot.hash)] = slot;
    ++used_;
  }
}

void PeerSample::add(std::uint32_t hash, std::uint32_t time_s) {
  std::uint32_t day = time_s / kDay.step_s;
  if (day < oldest_day()) day = day / kDaysInSpan * kDaysInSpan;
  if (time_s < start_s(Window::k30d, now_s_) || day >= 0xfffe) return;
  if ((used_ + 1) * 4 > slots_.size() * 3) {
    std::vector<Slot> old(std::max<std::size_t>(8, slots_.size() * 2));
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.day != 0) slots_[find(slot.hash)] = slot;
  }
  Step& step = step_of(day);
  Slot& slot = slots_[find(hash)];
  if (slot.day == 0) {
    if (!passes(hash, step.level)) return;
    slot = {hash, static_cast<std::uint16_t>(day + 1)};
    ++used_;
  } else {
    if (slot.day >= day + 1) return;
    if (slot.day > kNoStep) --step_of(slot.day - 1U).kept;
    const bool kept = passes(hash, step.level);
    slot.day = kept ? static_cast<std::uint16_t>(day + 1) : kNoStep;
    if (!kept) return;
  }
  ++step.kept;
  thin(step);
}

double PeerSample::count(Window w) const {
  double sum = 0;
  const std::uint32_t from = w == Window::k7d ? oldest_day() : oldest_span_day();
  for (const Step& step : steps_)
    if (step.first_day >= from) sum += static_cast<double>(std::uint64_t{step.kept} << step.level);
  return sum;
}

bool PeerSample::exact() const {
  return std::all_of(steps_.begin(), steps_.end(), [](const Step& step) { return step.level == 0; });
}

bool PeerSample::contains_since(std::uint32_t hash, std::uint32_t since_s) const {
  return !slots_.empty() && slots_[find(hash)].day > since_s / kDay.step_s;
}

void PeerSample::save(StateWriter& out) const {
  out.u32(now_s_);
  out.u8(static_cast<std::uint8_t>(steps_.size()));
  for (const Step& step : steps_) {
    out.varint(step.first_day);
    out.u8(step.level);
  }
  std::size_t live = 0;
  for (const Slot& slot : slots_) live += slot.day > kNoStep ? 1U : 0U;
  out.varint(live);
  for (const Slot& slot : slots_) {
    if (slot.day <= kNoStep) continue;
    out.u32(slot.hash);
    out.u16(slot.day);
  }
}

void PeerSample::load(StateReader& in) {
  *this = PeerSample();
  advance(in.u32());
  const std::uint8_t steps = in.u8();
  if (steps > 2 * (kDay.steps + kSpan.steps)) return in.fail("a sample of peers has too many steps");
  for (std::uint8_t i = 0; i < steps && in.ok(); ++i) {
    const std::uint64_t day = in.varint();
    const std::uint8_t level = in.u8();
    if (day > now_s_ / kDay.step_s || level > 31) return in.fail("a sample of peers has a step that cannot be");
    step_of(static_cast<std::uint32_t>(day)).level = level;
  }
  const std::uint64_t live = in.varint();
  if (live > 2 * (kDay.steps + kSpan.steps) * kStepMost) return in.fail("a sample of peers is over its bound");
  for (std::uint64_t i = 0; i < live && in.ok(); ++i) {
    const std::uint32_t hash = in.u32();
    const std::uint32_t day = in.u16();
    if (day <= kNoStep || day - 1 > now_s_ / kDay.step_s) return in.fail("a peer's day is ahead of its clock");
    add(hash, (day - 1) * kDay.step_s);
  }
}

}  // namespace pandun::detect
