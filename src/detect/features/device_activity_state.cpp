#include "detect/features/device_activity_state.h"

#include <algorithm>

namespace pandun::detect {
namespace {

constexpr std::uint32_t kListedUses = 64, kQuietUses = 32, kShortS = 10;
static_assert(DeviceRecord::Uses::kCapacityMax == kListedUses);

std::uint32_t short_hash(std::uint64_t mixed) {  // never 0: that stands for "none"
  return std::max(1U, peer_hash(mixed));
}

DeviceUse use_of(const DeviceContact& c) {
  model::Answered answered = c.answered;
  if (answered == model::Answered::kUnknown && c.talk_s >= 0)
    answered = c.talk_s > 0 ? model::Answered::kYes : model::Answered::kNo;
  DeviceUse use{};
  use.time_s = seconds32(c.time);
  use.kind = c.kind & 3U;
  if (c.kind == kDeviceMessage) return use;
  use.answered = static_cast<std::uint32_t>(answered) & 3U;
  use.brief = answered == model::Answered::kYes && c.talk_s <= static_cast<std::int32_t>(kShortS) ? 1U : 0U;
  if (c.kind == kDeviceCallOut)
    use.callee = (static_cast<std::uint32_t>(hash_of(model::key_of(c.peer)) >> 40) | 1U) & 0xffffffU;
  return use;
}

// Seen lists are in no order; what is older than `from_s` no longer counts, and the least recent makes room.
template <typename List, typename Pool>
auto& place_of(List& list, Pool& pool, std::uint32_t hash, std::uint32_t from_s, bool& fresh) {
  fresh = false;
  for (auto& seen : list.in(pool))
    if (seen.hash == hash) {
      fresh = seen.last_s < from_s;
      return seen;
    }
  fresh = true;
  if (list.full()) list.drop_if(pool, [from_s](const auto& seen) { return seen.last_s < from_s; });
  if (!list.full()) return list.append(pool);
  const auto all = list.in(pool);
  return *std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.last_s != b.last_s ? a.last_s < b.last_s : a.hash < b.hash;
  });
}

}  // namespace

// ---- busy devices ----

void BusyDevice::add(const DeviceUse& use, std::uint32_t now_s) {
  clock_s = std::max(clock_s, now_s);
  counts.advance(clock_s);
  callees.advance(clock_s);
  std::array<std::uint32_t, kCounters> n{};
  n[use.kind == kDeviceCallOut ? kCallsOut : use.kind == kDeviceCallIn ? kCallsIn : kMessagesOut] = 1;
  if (use.kind == kDeviceCallOut) {
    n[kAnswered] = use.answered == static_cast<std::uint32_t>(model::Answered::kYes) ? 1U : 0U;
    n[kUnanswered] = use.answered == static_cast<std::uint32_t>(model::Answered::kNo) ? 1U : 0U;
    n[kShort] = use.brief;
    callees.add(peer_hash(mix64(use.callee)), use.time_s);
  }
  n[kSwitches] = use.switched;
  n[kMoves] = use.moved;
  counts.add_all(use.time_s, n);
}

std::uint64_t BusyDevice::total_24h() const {
  return counts.total(Window::k24h, kCallsOut) + counts.total(Window::k24h, kCallsIn) +
         counts.total(Window::k24h, kMessagesOut);
}

void save_use(StateWriter& out, const DeviceUse& use) {
  out.u32(use.time_s);
  out.u32(use.callee | static_cast<std::uint32_t>(use.kind) << 24 | static_cast<std::uint32_t>(use.answered) << 26 |
          static_cast<std::uint32_t>(use.brief) << 28 | static_cast<std::uint32_t>(use.switched) << 29 |
          static_cast<std::uint32_t>(use.moved) << 30);
}
DeviceUse load_use(StateReader& in) {
  DeviceUse use{};
  use.time_s = in.u32();
  const std::uint32_t bits = in.u32();
  use.callee = bits & 0xffffffU;
  use.kind = bits >> 24 & 3U;
  use.answered = bits >> 26 & 3U;
  use.brief = bits >> 28 & 1U;
  use.switched = bits >> 29 & 1U;
  use.moved = bits >> 30 & 1U;
  if (use.kind > kDeviceMessage) in.fail("a device's use is of an unknown kind");
  return use;
}

void BusyDevice::save(StateWriter& out) const {
  out.u32(clock_s);
  counts.save(out);
  callees.save(out);
  out.u8(listing ? 1 : 0);
  out.u32(listing_from_s);
  out.varint(list.size());
  for (const DeviceUse& use : list) save_use(out, use);
}

void BusyDevice::load(StateReader& in) {
  clock_s = in.u32();
  counts.load(in);
  callees.load(in);
  listing = in.u8() != 0;
  listing_from_s = in.u32();
  const std::uint64_t size = in.varint();
  if (size > kQuietUses + 1) return in.fail("more uses listed than a quiet device has");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    list.push_back(load_use(in));
    if (list.back().time_s > clock_s) in.fail("a device's use is newer than its clock");
  }
}

// ---- all devices of a shard ----

void DeviceActivities::see_number(DeviceRecord& record, std::uint32_t hash, std::uint32_t time_s) {
  const std::uint32_t from = start_s(Window::k30d, record.newest_s);
  bool fresh = false;
  SeenNumber& seen = place_of(record.numbers, numbers_, hash, from, fresh);
  if (fresh) seen = {hash, time_s, time_s};
  seen.first_s = std::min(seen.first_s, time_s);
  seen.last_s = std::max(seen.last_s, time_s);
}

void DeviceActivities::see_cell(DeviceRecord& record, std::uint32_t hash, std::uint32_t time_s) {
  const std::uint32_t from = start_s(Window::k7d, record.newest_s);
  bool fresh = false;
  SeenCell& seen = place_of(record.cells, cells_, hash, from, fresh);
  if (fresh) seen = {hash, time_s};
  seen.last_s = std::max(seen.last_s, time_s);
}

void DeviceActivities::update(model::EntityKey device, std::uint64_t hash, const DeviceContact& contact,
                              EventMs watermark) {
  bool fresh = false;
  DeviceRecord& record =
      table_.touch_hash(DeviceKey{device.lo}, hash, watermark, &fresh, [this](DeviceRecord& old) { release(old); });
  DeviceUse use = use_of(contact);
  if (fresh) record.first_s = record.newest_s = use.time_s;
  record.newest_s = std::max(record.newest_s, use.time_s);
  if (use.time_s < start_s(Window::k24h, record.newest_s)) {
    ++too_old_;
    return;
  }
  record.first_s = std::min(record.first_s, use.time_s);
  if (contact.number.known()) {
    const std::uint32_t number = short_hash(hash_of(model::key_of(contact.number)));
    use.switched = record.last_number != 0 && record.last_number != number ? 1U : 0U;
    record.last_number = number;
    see_number(record, number, use.time_s);
  }
  if (!contact.cell.empty()) {
    const std::uint32_t cell = short_hash(mix64(hash64(contact.cell)));
    use.moved = record.last_cell != 0 && record.last_cell != cell ? 1U : 0U;
    record.last_cell = cell;
    see_cell(record, cell, use.time_s);
  }
  if (record.busy == 0) return add_listed(record, use);
  add_busy(record, use);
}

void DeviceActivities::add_listed(DeviceRecord& record, const DeviceUse& use) {
  if (record.uses.size() >= 4) {
    const std::uint32_t oldest = start_s(Window::k24h, record.newest_s);
    if (record.uses.in(uses_).front().time_s < oldest)
      record.uses.drop_if(uses_, [oldest](const DeviceUse& u) { return u.time_s < oldest; });
  }
  if (record.uses.full()) {
    record.busy = busy_.take() + 1;
    BusyDevice& busy = busy_.at(record.busy - 1);
    for (const DeviceUse& u : record.uses.in(uses_)) busy.add(u, record.newest_s);
    record.uses.clear(uses_);
    return busy.add(use, record.newest_s);
  }
  record.uses.append(uses_) = use;
  const std::span<DeviceUse> all = record.uses.in(uses_);
  for (std::size_t at = all.size() - 1; at > 0 && all[at - 1].time_s > all[at].time_s; --at)
    std::swap(all[at - 1], all[at]);
}

void DeviceActivities::add_busy(DeviceRecord& record, const DeviceUse& use) {
  BusyDevice& busy = busy_.at(record.busy - 1);
  busy.add(use, record.newest_s);
  const std::uint32_t day = start_s(Window::k24h, record.newest_s);
  if (!busy.listing) {
    if (busy.total_24h() > kQuietUses) return;
    busy.listing = true;
    // What is counted so far is not in the list: it covers what lies behind all that.
    busy.listing_from_s = record.newest_s + 1;
    return;
  }
  std::erase_if(busy.list, [day](const DeviceUse& u) { return u.time_s < day; });
  if (use.time_s >= busy.listing_from_s) {
    busy.list.push_back(use);
    if (busy.list.size() > kQuietUses) {
      busy.listing = false;
      busy.list.clear();
      return;
    }
  }
  if (day < busy.listing_from_s) return;
  std::stable_sort(busy.list.begin(), busy.list.end(),
                   [](const DeviceUse& a, const DeviceUse& b) { return a.time_s < b.time_s; });
  const std::vector<DeviceUse> list = std::move(busy.list);
  busy_.give_back(record.busy - 1);
  record.busy = 0;
  for (const DeviceUse& u : list) record.uses.append(uses_) = u;
}

void DeviceActivities::release(DeviceRecord& record) {
  if (record.busy != 0) busy_.give_back(record.busy - 1);
  record.busy = 0;
  record.uses.clear(uses_);
  record.numbers.clear(numbers_);
  record.cells.clear(cells_);
}

void DeviceActivities::evict(EventMs watermark) {
  table_.evict(watermark, [this](DeviceRecord& old) { release(old); });
}

std::uint64_t DeviceActivities::bytes() const {
  std::uint64_t total = table_.bytes() + uses_.bytes() + numbers_.bytes() + cells_.bytes();
  busy_.for_each([&](const BusyDevice& b) {
    total += sizeof(b) + sizeof(void*) + b.callees.bytes() + b.list.capacity() * sizeof(DeviceUse);
  });
  return total;
}

void DeviceActivities::save_record(StateWriter& out, const DeviceRecord& record) const {
  for (const std::uint32_t v : {record.first_s, record.newest_s, record.last_number, record.last_cell}) out.u32(v);
  out.varint(record.numbers.size());
  for (const SeenNumber& n : numbers(record))
    for (const std::uint32_t v : {n.hash, n.first_s, n.last_s}) out.u32(v);
  out.varint(record.cells.size());
  for (const SeenCell& c : cells(record))
    for (const std::uint32_t v : {c.hash, c.last_s}) out.u32(v);
  out.u8(record.busy != 0 ? 1 : 0);
  if (record.busy != 0) return busy(record).save(out);
  out.varint(record.uses.size());
  for (const DeviceUse& use : uses(record)) save_use(out, use);
}

void DeviceActivities::load_record(StateReader& in, DeviceRecord& record) {
  for (std::uint32_t* v : {&record.first_s, &record.newest_s, &record.last_number, &record.last_cell}) *v = in.u32();
  const auto count = [&in](std::uint64_t most) {
    const std::uint64_t n = in.varint();
    if (n > most) in.fail("a device's list is over its bound");
    return n;
  };
  const std::uint64_t numbers = count(DeviceRecord::Numbers::kCapacityMax);
  for (std::uint64_t i = 0; i < numbers && in.ok(); ++i) {
    SeenNumber& n = record.numbers.append(numbers_);
    for (std::uint32_t* v : {&n.hash, &n.first_s, &n.last_s}) *v = in.u32();
  }
  const std::uint64_t cells = count(DeviceRecord::Cells::kCapacityMax);
  for (std::uint64_t i = 0; i < cells && in.ok(); ++i) {
    SeenCell& c = record.cells.append(cells_);
    for (std::uint32_t* v : {&c.hash, &c.last_s}) *v = in.u32();
  }
  if (in.u8() != 0) {
    record.busy = busy_.take() + 1;
    busy_.at(record.busy - 1).load(in);
    if (busy_.at(record.busy - 1).clock_s > record.newest_s) in.fail("a device's counters are newer than its clock");
    return;
  }
  const std::uint64_t uses = count(kListedUses);
  std::uint32_t before = 0;
  for (std::uint64_t i = 0; i < uses && in.ok(); ++i) {
    const DeviceUse use = load_use(in);
    if (use.time_s > record.newest_s || use.time_s < before) in.fail("a device's uses are out of order");
    before = use.time_s;
    record.uses.append(uses_) = use;
  }
}

void DeviceActivities::save(StateWriter& out) const {
  out.u64(too_old_);
  table_.save(out, [this](StateWriter& o, const DeviceRecord& record) { save_record(o, record); });
}

Result<> DeviceActivities::load(StateReader& in) {
  const std::uint64_t too_old = in.u64();
  TRY(table_.load(
      in, [this](StateReader& i, DeviceRecord& record) { load_record(i, record); },
      [this](DeviceRecord& r) { release(r); }));
  too_old_ += too_old;
  return {};
}

}  // namespace pandun::detect
