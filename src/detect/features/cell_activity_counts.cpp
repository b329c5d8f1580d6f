#include "detect/features/cell_activity_counts.h"

#include <cstring>

namespace pandun::detect {
namespace {

std::uint32_t bytes_for(std::uint32_t steps, unsigned width) {
  return (steps * width + 7) / 8;
}

unsigned width_for(std::uint32_t value) {
  return value < 4 ? 2 : value < 16 ? 4 : value < 256 ? 8 : value < 65536 ? 16 : 32;
}

std::uint32_t read(const std::uint8_t* lane, unsigned width, std::uint32_t slot) {
  if (width < 8) {
    const std::uint32_t bit = slot * width;
    return static_cast<std::uint32_t>(lane[bit / 8] >> (bit % 8)) & ((1U << width) - 1);
  }
  std::uint32_t value = 0;
  std::memcpy(&value, lane + std::size_t{slot} * (width / 8), width / 8);
  return value;
}

void write(std::uint8_t* lane, unsigned width, std::uint32_t slot, std::uint32_t value) {
  if (width < 8) {
    const std::uint32_t bit = slot * width, mask = ((1U << width) - 1) << (bit % 8);
    lane[bit / 8] = static_cast<std::uint8_t>((lane[bit / 8] & ~mask) | value << (bit % 8));
  } else {
    std::memcpy(lane + std::size_t{slot} * (width / 8), &value, width / 8);
  }
}

}  // namespace

std::uint32_t CellCounts::get(std::size_t lane, std::uint32_t slot) const {
  return width_[lane] == 0 ? 0 : read(bits_.get() + begin_[lane], width_[lane], slot);
}

void CellCounts::set(std::size_t lane, std::uint32_t slot, std::uint32_t value) {
  if (width_[lane] < 32 && value >> width_[lane] != 0) widen(lane, value);
  if (width_[lane] != 0) write(bits_.get() + begin_[lane], width_[lane], slot, value);
}

void CellCounts::widen(std::size_t lane, std::uint32_t value) {
  const unsigned width = width_for(value);
  const std::uint32_t more = bytes_for(steps_of(lane), width) - bytes_for(steps_of(lane), width_[lane]);
  auto next = std::make_unique<std::uint8_t[]>(bytes_ + more);
  std::uint16_t at = 0;
  for (std::size_t l = 0; l < kLanes; ++l) {
    const std::uint32_t old = bytes_for(steps_of(l), width_[l]);
    if (l == lane)
      for (std::uint32_t slot = 0; slot < steps_of(l); ++slot) write(next.get() + at, width, slot, get(l, slot));
    else if (old != 0)
      std::memcpy(next.get() + at, bits_.get() + begin_[l], old);
    begin_[l] = at;
    at = static_cast<std::uint16_t>(at + (l == lane ? old + more : old));
  }
  width_[lane] = static_cast<std::uint8_t>(width);
  bytes_ = at;
  bits_ = std::move(next);
}

// The steps after `from_step` to `to_step` begin empty.
void CellCounts::pass(std::size_t lane, std::uint32_t from_step, std::uint32_t to_step) {
  const std::uint32_t steps = steps_of(lane);
  if (to_step - from_step >= steps) {
    std::memset(bits_.get() + begin_[lane], 0, bytes_for(steps, width_[lane]));
    sums_[lane] = 0;
    return;
  }
  std::uint32_t slot = from_step % steps;
  for (std::uint32_t step = from_step; step < to_step && sums_[lane] != 0; ++step) {
    slot = slot + 1 == steps ? 0 : slot + 1;
    const std::uint32_t value = get(lane, slot);
    if (value == 0) continue;
    sums_[lane] -= value;
    write(bits_.get() + begin_[lane], width_[lane], slot, 0);
  }
}

void CellCounts::advance(std::uint32_t now_s) {
  if (now_s <= clock_s_) return;
  const std::uint32_t before = clock_s_;
  clock_s_ = now_s;
  for (std::size_t w = 0; w < kWindowCount; ++w) {
    const std::uint32_t from = before / kWindowSpecs[w].step_s, to = now_s / kWindowSpecs[w].step_s;
    if (from == to) break;  // nor in a longer one
    for (std::size_t lane = kFirst[w]; lane < kFirst[w] + kHas[w]; ++lane)
      if (sums_[lane] != 0) pass(lane, from, to);
  }
}

void CellCounts::add(std::uint32_t time_s, const Counts& n) {
  for (std::size_t w = 0; w < kWindowCount; ++w) {
    const WindowSpec& ws = kWindowSpecs[w];
    const std::uint32_t step = time_s / ws.step_s;
    if (clock_s_ / ws.step_s - step >= ws.steps) continue;
    const std::uint32_t slot = step % ws.steps;
    for (std::size_t c = 0; c < kHas[w]; ++c) {
      if (n[c] == 0) continue;
      const std::size_t lane = lane_of(w, c);
      set(lane, slot, get(lane, slot) + n[c]);
      sums_[lane] += n[c];
    }
  }
}

std::uint32_t CellCounts::at(Window w, std::uint32_t back, std::size_t counter) const {
  if (counter >= kHas[index(w)]) return 0;
  const std::size_t lane = lane_of(index(w), counter);
  const std::uint32_t step = clock_s_ / step_s_of(lane);
  return back >= steps_of(lane) || back > step ? 0 : get(lane, (step - back) % steps_of(lane));
}

void CellCounts::save(StateWriter& out) const {
  out.u32(clock_s_);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    out.u8(sums_[lane] != 0 ? 1 : 0);
    if (sums_[lane] == 0) continue;
    for (std::uint32_t slot = 0; slot < steps_of(lane); ++slot) out.varint(get(lane, slot));
  }
}

void CellCounts::load(StateReader& in) {
  *this = CellCounts();
  clock_s_ = in.u32();
  for (std::size_t lane = 0; lane < kLanes && in.ok(); ++lane) {
    if (in.u8() == 0) continue;
    std::uint64_t sum = 0;
    for (std::uint32_t slot = 0; slot < steps_of(lane) && in.ok(); ++slot) {
      const std::uint64_t value = in.varint();
      sum += value;
      if (value >> 32 != 0 || sum >> 32 != 0) return in.fail("a cell's counter is over its bound");
      set(lane, slot, static_cast<std::uint32_t>(value));
    }
    sums_[lane] = static_cast<std::uint32_t>(sum);
  }
}

}  // namespace pandun::detect
