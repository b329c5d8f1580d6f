#include "detect/distinct.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace pandun::detect {
namespace {

double sigma(double x) {
  if (x == 1.0) return HUGE_VAL;
  double y = 1, z = x, before = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (z != before);
  return z;
}

double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0;
  double y = 1, z = 1 - x, before = 0;
  do {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (z != before);
  return z / 3;
}

}  // namespace

DistinctSketch::DistinctSketch() : last_(kRegisters * kRanks), views_(std::make_unique<std::array<View, 4>>()) {}

// What is over 7 d older than the newest time counts nowhere.
void DistinctSketch::make_room(std::uint32_t time_s) {
  const std::uint32_t unit = time_s / kUnitS, base = unit < kBehind ? 0 : unit - kBehind, by = base - base_;
  for (std::uint16_t& last : last_) last = last <= by ? std::uint16_t{0} : static_cast<std::uint16_t>(last - by);
  base_ = base;
}

void DistinctSketch::add(std::uint32_t hash, std::uint32_t time_s) {
  if (time_s / kUnitS >= base_ + 0xffffU) make_room(time_s);
  const std::uint32_t index = hash >> (32 - kIndexBits);
  const std::uint32_t rest = hash << kIndexBits;
  const unsigned rank = rest == 0 ? kRanks : static_cast<unsigned>(std::countl_zero(rest)) + 1;
  std::uint16_t& last = last_[index * kRanks + rank - 1];
  if (kept(time_s) <= last) return;
  last = kept(time_s);
  for (View& view : *views_) {
    if (!view.valid || time_s < view.start || view.rank[index] >= rank) continue;
    --view.histogram[view.rank[index]];
    ++view.histogram[rank];
    view.rank[index] = static_cast<std::uint8_t>(rank);
    view.estimate = -1;
  }
}

void DistinctSketch::rebuild(View& view, std::uint32_t start) const {
  view = View{};
  view.start = start;
  view.valid = true;
  const std::uint16_t first = std::max<std::uint16_t>(1, kept(start));
  for (std::size_t i = 0; i < kRegisters; ++i) {
    unsigned rank = kRanks;
    while (rank > 0 && last_[i * kRanks + rank - 1] < first) --rank;
    view.rank[i] = static_cast<std::uint8_t>(rank);
    ++view.histogram[rank];
  }
}

double DistinctSketch::count(Window w, std::uint32_t now_s) const {
  View& view = (*views_)[std::min<std::size_t>(static_cast<std::size_t>(w), views_->size() - 1)];
  const std::uint32_t start = start_s(w, now_s);
  if (!view.valid || view.start != start) rebuild(view, start);
  if (view.estimate >= 0) return view.estimate;
  constexpr double m = kRegisters;
  constexpr double kAlpha = 0.7213475204444817;  // 1 / (2 ln 2)
  double z = m * tau(1 - view.histogram[kRanks] / m);
  for (unsigned k = kRanks - 1; k >= 1; --k) z = 0.5 * (z + view.histogram[k]);
  z += m * sigma(view.histogram[0] / m);
  view.estimate = std::round(kAlpha * m * m / z);
  return view.estimate;
}

std::uint64_t DistinctSketch::bytes() const {
  return last_.capacity() * sizeof(last_[0]) + sizeof(*views_) + sizeof(*this);
}

void DistinctSketch::save(StateWriter& out, std::uint32_t oldest_s) const {
  const std::uint16_t first = std::max<std::uint16_t>(1, kept(oldest_s));
  for (std::size_t i = 0; i < kRegisters; ++i) {
    std::uint32_t present = 0;
    for (unsigned r = 0; r < kRanks; ++r) present |= (last_[i * kRanks + r] >= first ? 1U : 0U) << r;
    out.varint(present);
    for (unsigned r = 0; r < kRanks; ++r)
      if (((present >> r) & 1U) != 0) out.u32((last_[i * kRanks + r] - 1U + base_) * kUnitS + 1);
  }
}

void DistinctSketch::load(StateReader& in) {
  for (View& view : *views_) view.valid = false;
  std::vector<std::uint32_t> times(last_.size());
  std::uint32_t newest = 0;
  for (std::size_t i = 0; i < kRegisters && in.ok(); ++i) {
    const std::uint64_t present = in.varint();
    if (present >> kRanks != 0) return in.fail("a sketch names ranks that do not exist");
    for (unsigned r = 0; r < kRanks; ++r)
      if (((present >> r) & 1U) != 0) newest = std::max(newest, times[i * kRanks + r] = in.u32());
  }
  std::fill(last_.begin(), last_.end(), std::uint16_t{0});
  make_room(newest);
  for (std::size_t i = 0; i < times.size(); ++i)
    if (times[i] != 0) last_[i] = kept(times[i] - 1);
}

void DistinctWindows::advance(std::uint32_t now_s) {
  if (now_s > now_s_) now_s_ = now_s;
  if (last_seen_ != nullptr) last_seen_->advance(now_s_);
}

std::size_t DistinctWindows::find(std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = home(hash);
  while (slots_[at].last != 0 && slots_[at].hash != hash) at = (at + 1) & mask;
  return at;
}

bool DistinctWindows::add(std::uint32_t hash, std::uint32_t time_s) {
  if (time_s < oldest()) return false;
  if (sketch_ != nullptr) {
    sketch_->add(hash, time_s);
    return true;
  }
  if ((used_ + 1) * 4 > slots_.size() * 3) make_room();
  const std::size_t at = find(hash);
  const std::uint32_t last = slots_[at].last;
  if (time_s + 1 <= last) return true;
  // What decides is the count inside the longest window, never how full the set happens to be: that differs after a restart.
  const bool counted = last > oldest();
  if (!counted && last_seen_ != nullptr && last_seen_->total(longest_) >= kExactMax) {
    become_sketch();
    return add(hash, time_s);
  }
  if (last == 0) {
    slots_[at].hash = hash;
    ++used_;
  }
  slots_[at].last = time_s + 1;
  if (last_seen_ == nullptr) return true;
  if (last == 0)
    last_seen_->add(time_s);
  else
    last_seen_->move(last - 1, time_s);
  return true;
}

// Drops what left the longest window, then grows if that was not enough.
void DistinctWindows::make_room() {
  const std::uint32_t start = oldest();
  std::size_t live = 0;
  for (const Slot& slot : slots_) live += slot.last > start ? 1U : 0U;
  std::size_t capacity = 8;
  while (capacity < (live + 1) * 2) capacity *= 2;
  std::vector<Slot> old(capacity);
  old.swap(slots_);
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.last <= start) continue;
    slots_[find(slot.hash)] = slot;
    ++used_;
  }
  if (capacity <= kScanSlots) {
    last_seen_.reset();
  } else if (last_seen_ == nullptr) {
    last_seen_ = std::make_unique<WindowRings<1, std::uint32_t, 3>>();
    last_seen_->advance(now_s_);
    for (const Slot& slot : slots_)
      if (slot.last != 0) last_seen_->add(slot.last - 1);
  }
}

void DistinctWindows::become_sketch() {
  sketch_ = std::make_unique<DistinctSketch>();
  for (const Slot& slot : slots_)
    if (slot.last != 0) sketch_->add(slot.hash, slot.last - 1);
  std::vector<Slot>().swap(slots_);
  used_ = 0;
  last_seen_.reset();
}

double DistinctWindows::count(Window w) const {
  w = std::min(w, longest_);
  if (sketch_ != nullptr) return sketch_->count(w, now_s_);
  if (last_seen_ != nullptr) return static_cast<double>(last_seen_->total(w));
  const std::uint32_t start = start_s(w, now_s_);
  std::uint32_t found = 0;
  for (const Slot& slot : slots_) found += slot.last > start ? 1U : 0U;
  return found;
}

bool DistinctWindows::contains_since(std::uint32_t hash, std::uint32_t since_s) const {
  return !slots_.empty() && slots_[find(hash)].last > since_s;
}

std::uint64_t DistinctWindows::bytes() const {
  return sizeof(*this) + slots_.capacity() * sizeof(Slot) + (last_seen_ != nullptr ? sizeof(*last_seen_) : 0) +
         (sketch_ != nullptr ? sketch_->bytes() : 0);
}

void DistinctWindows::save(StateWriter& out) const {
  out.u32(now_s_);
  out.u8(sketch_ != nullptr ? 1 : 0);
  const std::uint32_t start = oldest();
  if (sketch_ != nullptr) return sketch_->save(out, start);
  std::size_t live = 0;
  for (const Slot& slot : slots_) live += slot.last > start ? 1U : 0U;
  out.varint(live);
  for (const Slot& slot : slots_) {
    if (slot.last <= start) continue;
    out.u32(slot.hash);
    out.u32(slot.last);
  }
}

void DistinctWindows::load(StateReader& in) {
  *this = DistinctWindows(longest_);
  advance(in.u32());
  if (in.u8() != 0) {
    sketch_ = std::make_unique<DistinctSketch>();
    return sketch_->load(in);
  }
  const std::uint64_t live = in.varint();
  if (live > kExactMax) return in.fail("a set of distinct things is larger than its bound");
  for (std::uint64_t i = 0; i < live && in.ok(); ++i) {
    const std::uint32_t hash = in.u32();
    const std::uint32_t last = in.u32();
    if (last == 0 || last - 1 > now_s_) return in.fail("a last-seen time is ahead of its clock");
    add(hash, last - 1);
  }
}

}  // namespace pandun::detect
