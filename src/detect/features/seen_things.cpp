#include "detect/features/seen_things.h"

namespace pandun::detect {

std::size_t SeenThings::find(std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = home(hash);
  while (slots_[at].last != 0 && slots_[at].hash != hash) at = (at + 1) & mask;
  return at;
}

std::uint32_t SeenThings::add(std::uint32_t hash, std::uint32_t time_s) {
  if (time_s < oldest()) return 0;
  if (sketch_ != nullptr) {
    sketch_->add(hash, time_s);
    return 0;
  }
  if ((used_ + 1) * 4 > slots_.size() * 3) make_room();
  Slot& slot = slots_[find(hash)];
  const std::uint32_t last = slot.last;
  if (time_s + 1 <= last) return last;
  // What decides is the count inside 24 h, never how full the slots happen to be: that differs after a restart.
  if (last <= oldest() && used_ >= kExactMax && rings().total(Window::k24h) >= kExactMax) {
    become_sketch();
    sketch_->add(hash, time_s);
    return 0;
  }
  if (last == 0) {
    slot.hash = hash;
    ++used_;
  }
  slot.last = time_s + 1;
  if (rings_ != nullptr) {
    if (last == 0)
      rings_->add(time_s);
    else
      rings_->move(last - 1, time_s);
  }
  return last > oldest() ? last : 0;
}

const SeenThings::Rings& SeenThings::rings() const {
  if (rings_ == nullptr) {
    rings_ = std::make_unique<Rings>();
    rings_->advance(now_s_);
    for (const Slot& slot : slots_)
      if (slot.last != 0) rings_->add(slot.last - 1);
  }
  asked_ = true;
  return *rings_;
}

double SeenThings::count(Window w) const {
  w = std::min(w, Window::k24h);
  return sketch_ != nullptr ? sketch_->count(w, now_s_) : static_cast<double>(rings().total(w));
}

void SeenThings::rest() {
  if (!asked_) rings_.reset();
  asked_ = false;
}

// Drops what left the 24 h, then grows if that was not enough.
void SeenThings::make_room() {
  const std::uint32_t start = oldest();
  std::size_t live = 0;
  for (const Slot& slot : slots_) live += slot.last > start ? 1U : 0U;
  std::size_t capacity = kFirstSlots;
  while (capacity < (live + 1) * 2) capacity *= 2;
  std::vector<Slot> old(capacity);
  old.swap(slots_);
  used_ = 0;
  for (const Slot& slot : old) {
    if (slot.last <= start) continue;
    slots_[find(slot.hash)] = slot;
    ++used_;
  }
}

void SeenThings::become_sketch() {
  sketch_ = std::make_unique<DistinctSketch>();
  for (const Slot& slot : slots_)
    if (slot.last != 0) sketch_->add(slot.hash, slot.last - 1);
  slots_ = {};
  used_ = 0;
  rings_.reset();
}

std::uint64_t SeenThings::bytes() const {
  return sizeof(*this) + slots_.capacity() * sizeof(Slot) + (rings_ != nullptr ? sizeof(*rings_) : 0) +
         (sketch_ != nullptr ? sketch_->bytes() : 0);
}

void SeenThings::save(StateWriter& out) const {
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

void SeenThings::load(StateReader& in) {
  *this = SeenThings();
  advance(in.u32());
  if (in.u8() != 0) {
    sketch_ = std::make_unique<DistinctSketch>();
    return sketch_->load(in);
  }
  const std::uint64_t live = in.varint();
  if (live > kExactMax) return in.fail("a set of seen things is larger than its bound");
  for (std::uint64_t i = 0; i < live && in.ok(); ++i) {
    const std::uint32_t hash = in.u32();
    const std::uint32_t last = in.u32();
    if (last == 0 || last - 1 > now_s_) return in.fail("a last-seen time is ahead of its clock");
    add(hash, last - 1);
  }
}

}  // namespace pandun::detect
