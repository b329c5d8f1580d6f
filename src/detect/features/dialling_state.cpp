#include "detect/features/dialling_state.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "detect/calling_code.h"
#include "detect/distinct.h"
#include "detect/features/regions.h"

namespace pandun::detect {
namespace {

constexpr std::uint32_t kDayS = 24 * 3600;
constexpr std::uint8_t kRingMost = 254, kRingUntold = 255;
constexpr std::uint64_t kCellBits = 14, kRegionBits = 10;

// Never 0: that stands for "not known".
std::uint16_t place_hash(std::string_view text, std::uint64_t bits) {
  return text.empty() ? std::uint16_t{0}
                      : static_cast<std::uint16_t>(std::max<std::uint64_t>(1, mix64(hash64(text)) >> (64 - bits)));
}

std::uint32_t who(model::NumberKey number) {
  return peer_hash(hash_of(model::key_of(number)));
}

}  // namespace

// ---- whom it met ----

std::uint32_t* DialSet::find(std::uint32_t hash) const {
  const std::uint32_t wanted = hash & ~kDayBits;
  std::uint32_t at = room_ <= kListed ? 0 : static_cast<std::uint32_t>((std::uint64_t{wanted} * room_) >> 32);
  while (slots_[at] != 0 && (slots_[at] & ~kDayBits) != wanted) at = at + 1 == room_ ? 0 : at + 1;
  return &slots_[at];
}

// Everything is that many days older then; what comes to 7 goes.
void DialSet::rebuild(std::uint32_t room, std::uint32_t older_by) {
  const auto old = std::exchange(slots_, room == 0 ? nullptr : std::make_unique<std::uint32_t[]>(room));
  const std::uint32_t old_room = std::exchange(room_, static_cast<std::uint16_t>(room));
  size_ = 0;
  for (std::uint32_t i = 0; i < old_room; ++i) {
    if (old[i] == 0 || age(old[i]) + older_by >= kDays) continue;
    *find(old[i]) = old[i];
    ++size_;
  }
}

void DialSet::advance(std::uint32_t day) {
  if (day <= day_) return;
  const std::uint32_t by = std::min(kDays, day - day_);
  std::uint32_t stay = 0;
  for (std::uint32_t i = 0; i < room_; ++i) stay += slots_[i] != 0 && age(slots_[i]) + by < kDays ? 1U : 0U;
  if (stay != size_) rebuild(stay == 0 ? 0 : stay + stay / 2 + 1, by);
  day_ = day;
}

void DialSet::add(std::uint32_t hash, std::uint32_t day) {
  if (day > day_ || day_ - day >= kDays) return;
  if (size_ == kMost) rebuild(0, kDays);
  // A free slot always stays; larger sets keep an eighth free, so that searches stay short.
  if (std::uint32_t spare = room_ <= kListed ? 1 : room_ / 8U; size_ + spare >= room_)
    rebuild(std::max(4U, room_ + std::max(2U, room_ / 2U)), 0);
  std::uint32_t& slot = *find(hash);
  if (slot == 0)
    ++size_;
  else if (age(slot) <= day_ - day)
    return;
  slot = (hash & ~kDayBits) | mark(day);
}

void DialSet::save(StateWriter& out) const {
  out.u32(day_);
  out.varint(size_);
  for (std::uint32_t i = 0; i < room_; ++i)
    if (slots_[i] != 0) out.u32(slots_[i]);
}

void DialSet::load(StateReader& in) {
  day_ = in.u32();
  const std::uint64_t size = in.varint();
  if (size > kMost) return in.fail("more numbers than a dialling record remembers");
  if (day_ > 0xffffffffU / kDayS) return in.fail("a dialling record's day lies behind all times");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    const std::uint32_t slot = in.u32();
    if (!in.ok()) return;
    if ((slot & kDayBits) == 0) return in.fail("a dialling record remembers a number without a day");
    if (age(slot) > day_) return in.fail("a dialling record remembers a day before all days");
    add(slot, day_ - age(slot));
  }
}

// ---- its calls ----

DialRecord::Packed DialRecord::pack(const DialCall& call) const {
  const std::uint8_t ring =
      call.ring_s < 0 ? kRingUntold : static_cast<std::uint8_t>(std::min<std::int16_t>(call.ring_s, kRingMost));
  const std::uint64_t low = std::uint64_t{call.callee} | std::uint64_t{call.time_s - base_s_} << 32 |
                            std::uint64_t{call.flags} << (32 + kTimeBits) |
                            std::uint64_t{ring} << (32 + kTimeBits + kFlagBits);
  const std::uint32_t place = call.region | std::uint32_t{call.cell} << kRegionBits;
  Packed out;
  std::memcpy(out.data(), &low, 8);
  std::memcpy(out.data() + 8, &place, 3);
  return out;
}

DialCall DialRecord::unpack(const Packed& packed) const {
  std::uint64_t low = 0;
  std::uint32_t place = 0;
  std::memcpy(&low, packed.data(), 8);
  std::memcpy(&place, packed.data() + 8, 3);
  const auto ring = static_cast<std::uint8_t>(low >> (32 + kTimeBits + kFlagBits));
  DialCall call;
  call.callee = static_cast<std::uint32_t>(low);
  call.time_s = base_s_ + (static_cast<std::uint32_t>(low >> 32) & ((1U << kTimeBits) - 1));
  call.flags = static_cast<std::uint8_t>((low >> (32 + kTimeBits)) & ((1U << kFlagBits) - 1));
  call.ring_s = ring == kRingUntold ? std::int16_t{-1} : std::int16_t{ring};
  call.region = static_cast<std::uint16_t>(place & ((1U << kRegionBits) - 1));
  call.cell = static_cast<std::uint16_t>(place >> kRegionBits);
  return call;
}

std::uint32_t DialRecord::time_of(const Packed& packed) const {
  std::uint32_t time = 0;
  std::memcpy(&time, packed.data() + 4, 4);
  return base_s_ + (time & ((1U << kTimeBits) - 1));
}

std::uint32_t DialRecord::unpack(std::array<DialCall, kCallsMax>& out) const {
  for (std::size_t i = 0; i < size_; ++i) out[i] = unpack(calls_[i]);
  return size_;
}

void DialRecord::resize(std::size_t room) {
  auto next = std::make_unique<Packed[]>(room);
  std::copy_n(calls_.get(), size_, next.get());
  calls_ = std::move(next);
  room_ = static_cast<std::uint8_t>(room);
}

// Lets go what is older than 24 h, or the oldest, and counts times from where this one fits in.
void DialRecord::make_room(std::uint32_t oldest_s, std::uint32_t time_s) {
  std::size_t gone = 0;
  while (gone < size_ && time_of(calls_[gone]) < oldest_s) ++gone;
  if (gone == 0 && size_ == kCallsMax && time_s >= time_of(calls_[0])) gone = 1;
  std::copy(calls_.get() + gone, calls_.get() + size_, calls_.get());
  size_ = static_cast<std::uint8_t>(size_ - gone);
  if (size_ == room_ && room_ < kCallsMax) resize(std::min(kCallsMax, room_ + std::max<std::size_t>(4, room_ / 2U)));
  if (size_ != 0 && time_s >= base_s_ && newest_s_ - base_s_ < 1U << kTimeBits) return;
  std::array<DialCall, kCallsMax> all;
  unpack(all);
  base_s_ = oldest_s;
  for (std::size_t i = 0; i < size_; ++i) calls_[i] = pack(all[i]);
}

void DialRecord::add(const DialCall& call) {
  make_room(start_s(Window::k24h, newest_s_), call.time_s);
  if (size_ == kCallsMax) return;  // older than all of them
  std::size_t at = size_;
  for (; at > 0 && time_of(calls_[at - 1]) > call.time_s; --at) calls_[at] = calls_[at - 1];
  calls_[at] = pack(call);
  ++size_;
}

bool DialRecord::begin(std::uint32_t time_s) {
  newest_s_ = std::max(newest_s_, time_s);
  if (time_s < start_s(Window::k24h, newest_s_)) return false;
  called_.advance(newest_s_ / kDayS);
  heard_s_ = std::max(heard_s_, newest_s_);
  heard_.advance(heard_s_ / kDayS);
  return true;
}

void DialRecord::meet(std::uint32_t callee_hash, std::uint32_t time_s, bool& fresh, bool& first) {
  fresh = !called_.contains(callee_hash);
  first = fresh && !heard_.contains(callee_hash);
  called_.add(callee_hash, time_s / kDayS);
}

void DialRecord::hear(std::uint32_t hash, std::uint32_t time_s) {
  heard_s_ = std::max(heard_s_, time_s);
  heard_.advance(heard_s_ / kDayS);
  heard_.add(hash, time_s / kDayS);
}

void DialRecord::change_device(std::uint16_t device, std::uint32_t time_s) {
  if (device == 0) return;
  const bool changed = last_device_ != 0 && last_device_ != device;
  last_device_ = device;
  if (!changed) return;
  if (changes_ == nullptr) changes_ = std::make_unique<std::vector<std::uint32_t>>();
  const std::uint32_t oldest = start_s(Window::k7d, newest_s_);
  std::erase_if(*changes_, [oldest](std::uint32_t t) { return t < oldest; });
  if (changes_->size() == kChangesMax) changes_->erase(std::min_element(changes_->begin(), changes_->end()));
  changes_->push_back(time_s);
}

bool DialRecord::move(const CellPlace& place, std::uint32_t time_s) {
  if (!place.known || time_s == 0) return false;
  const TravelPoint before = std::exchange(last_place_, TravelPoint::of(place, time_s));
  return before.time_s != 0 && beyond_travel(before, last_place_);
}

void DialRecord::save(StateWriter& out) const {
  out.u32(newest_s_);
  out.u32(heard_s_);
  out.u32(base_s_);
  out.u16(last_device_);
  out.u16(static_cast<std::uint16_t>(last_place_.latitude));
  out.u16(static_cast<std::uint16_t>(last_place_.longitude));
  out.u32(last_place_.time_s);
  out.u8(size_);
  for (std::size_t i = 0; i < size_; ++i)
    for (const std::uint8_t byte : calls_[i]) out.u8(byte);
  const std::span<const std::uint32_t> changes = device_changes();
  out.varint(changes.size());
  for (const std::uint32_t t : changes) out.u32(t);
  called_.save(out);
  heard_.save(out);
}

void DialRecord::load(StateReader& in) {
  newest_s_ = in.u32();
  heard_s_ = in.u32();
  base_s_ = in.u32();
  last_device_ = in.u16();
  last_place_.latitude = static_cast<std::int16_t>(in.u16());
  last_place_.longitude = static_cast<std::int16_t>(in.u16());
  last_place_.time_s = in.u32();
  const std::size_t size = in.u8();
  if (size > kCallsMax) return in.fail("more calls than a dialling record holds");
  if (newest_s_ < base_s_) return in.fail("a dialling record begins after its newest call");
  if (size != 0) resize(size);
  for (std::size_t i = 0; i < size && in.ok(); ++i) {
    for (std::uint8_t& byte : calls_[i]) byte = in.u8();
    const std::uint32_t time_s = time_of(calls_[i]);
    if (time_s < base_s_ || time_s > newest_s_ || (i > 0 && time_s < time_of(calls_[i - 1])))
      return in.fail("a dialling record is out of order");
    ++size_;
  }
  const std::uint64_t times = in.varint();
  if (times > kChangesMax) return in.fail("more device changes than a dialling record holds");
  if (times != 0) changes_ = std::make_unique<std::vector<std::uint32_t>>();
  for (std::uint64_t i = 0; i < times && in.ok(); ++i) changes_->push_back(in.u32());
  called_.load(in);
  heard_.load(in);
}

// ---- of all numbers ----

void DiallingActivities::update(model::NumberKey number, std::uint64_t hash, const model::Call& call, EventMs time,
                                EventMs watermark, bool suspect, const CellPlace& place) {
  std::unique_ptr<DialRecord>& held =
      table_.touch_hash(number, hash, watermark, nullptr, [this](std::unique_ptr<DialRecord>& r) { drop(r); });
  if (held == nullptr) {
    held = std::make_unique<DialRecord>();
    heap_bytes_ += held->bytes();
  }
  DialRecord& record = *held;
  const std::uint32_t time_s = seconds32(time);
  const std::uint64_t before = record.bytes();
  if (record.begin(time_s)) {
    DialCall c;
    c.time_s = time_s;
    c.ring_s = std::max<std::int16_t>(-1, call.ring_s);
    c.region = static_cast<std::uint16_t>(region_of(call.callee));
    c.cell = place_hash(call.caller_cell, kCellBits);
    const std::uint32_t callee = who(call.callee);
    const bool e164 = call.callee.kind() == model::NumberKind::kE164;
    c.callee = e164 ? static_cast<std::uint32_t>(call.callee.value()) : callee;
    const bool abroad = call.international || other_country(number, call.callee);
    bool fresh = false, first = false;
    record.meet(callee, time_s, fresh, first);
    c.flags = static_cast<std::uint8_t>((e164 ? DialCall::kE164 : 0) | (abroad ? DialCall::kInternational : 0) |
                                        (call.roaming ? DialCall::kRoaming : 0) | (fresh ? DialCall::kNew : 0) |
                                        (first ? DialCall::kFirst : 0) | (suspect ? DialCall::kSuspect : 0) |
                                        (record.move(place, time_s) ? DialCall::kFar : 0));
    record.change_device(place_hash(call.caller_device, 16), time_s);
    record.add(c);
  }
  heap_bytes_ += record.bytes() - before;
}

void DiallingActivities::hear(model::NumberKey number, std::uint64_t hash, model::NumberKey from, EventMs time,
                              EventMs watermark) {
  if (!from.known() || table_.size() == 0) return;
  std::unique_ptr<DialRecord>* held = table_.find_hash(number, hash, watermark);
  if (held == nullptr || *held == nullptr) return;
  const std::uint64_t before = (*held)->bytes();
  (*held)->hear(who(from), seconds32(time));
  heap_bytes_ += (*held)->bytes() - before;
}

void DiallingActivities::save(StateWriter& out) const {
  table_.save(out, [](StateWriter& o, const std::unique_ptr<DialRecord>& record) { record->save(o); });
}

Result<> DiallingActivities::load(StateReader& in) {
  TRY(table_.load(in, [](StateReader& i, std::unique_ptr<DialRecord>& record) {
    record = std::make_unique<DialRecord>();
    record->load(i);
  }));
  heap_bytes_ = 0;
  table_.for_each([this](model::NumberKey, const std::unique_ptr<DialRecord>& r) { heap_bytes_ += r->bytes(); });
  return {};
}

}  // namespace pandun::detect
