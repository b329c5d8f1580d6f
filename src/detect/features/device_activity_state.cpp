#include "detect/features/device_activity_state.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "detect/calling_code.h"
#include "detect/features/regions.h"
#include "detect/features/silence.h"

namespace pandun::detect {
namespace {

constexpr std::uint32_t kQuietUses = 128, kSquareStepS = spec(Window::k24h).step_s;
constexpr std::size_t kUsesMax = DeviceRecord::kUsesMax, kCellsMax = DeviceRecord::kCellsMax,
                      kNumbersMax = DeviceRecord::kNumbersMax;
static_assert((kUsesMax + kCellsMax) * sizeof(DeviceThing) * 9 / 8 + DeviceDays::kPackedMost * 9 / 8 <=
              BlockPool::kLargest);

std::uint32_t short_hash(std::uint64_t mixed) {  // never 0: that stands for "none"
  return std::max(1U, peer_hash(mixed));
}

// Of a number: as many bits as are kept of a device's only one.
std::uint32_t number_hash(model::NumberKey number) {
  return std::max(1U, peer_hash(hash_of(model::key_of(number))) & DeviceSingles::kNumberMask);
}

std::uint32_t callee_of(model::NumberKey peer) {
  const auto hash = static_cast<std::uint32_t>(hash_of(model::key_of(peer)) >> 49);
  return (region_of(peer) & 1023U) << 15 | std::max(1U, hash);
}

DeviceUse use_of(const DeviceContact& c) {
  DeviceUse use;
  use.time_s = seconds32(c.time);
  use.kind = static_cast<std::uint16_t>(c.kind);
  if (c.kind != kDeviceCallIn) use.abroad = c.international || other_country(c.number, c.peer);
  if (c.kind != kDeviceCallOut) return use;
  use.answered = outcome_of(c.answered, c.talk_s);
  if (use.is_answered()) use.talk = talk_code(c.talk_s);
  if (c.ring_s >= 0)
    use.ring_s =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(static_cast<std::uint32_t>(c.ring_s), DeviceUse::kRingMost));
  use.roaming = c.roaming;
  use.callee = callee_of(c.peer);
  return use;
}

std::uint32_t set_hash(std::uint32_t callee) {
  return peer_hash(mix64(callee));
}

template <typename Seen>
bool less_recent(const Seen& a, const Seen& b) {
  return a.last_s != b.last_s ? a.last_s < b.last_s : a.hash < b.hash;
}

}  // namespace

// ---- one use ----

// kind and answered 3 bits, then switched, moved, returned or roaming, abroad; talk 9, ring 6, callee 25.
DeviceThing DeviceThing::of(const DeviceUse& use) {
  const std::uint64_t what = use.kind == kDeviceCallOut ? static_cast<std::uint64_t>(use.answered) % 3 : 2U + use.kind;
  std::uint64_t bits = use.time_s & 0x1ffffU;
  bits |= what << 17 | std::uint64_t{use.switched} << 20 | std::uint64_t{use.moved} << 21 |
          std::uint64_t{use.returned || use.roaming} << 22 | std::uint64_t{use.abroad} << 23;
  bits |= std::uint64_t{use.talk} << 24 | std::uint64_t{use.ring_s} << 33 | std::uint64_t{use.callee} << 39;
  return {bits};
}
DeviceUse DeviceThing::use(std::uint32_t newest_s) const {
  DeviceUse use;
  use.time_s = time_s(newest_s);
  const auto what = static_cast<std::uint16_t>(bits >> 17 & 7U);
  use.kind = what < 3 ? std::uint16_t{kDeviceCallOut} : static_cast<std::uint16_t>(what - 2);
  if (what < 3) use.answered = static_cast<model::Answered>(what);
  use.switched = (bits >> 20 & 1U) != 0;
  use.moved = (bits >> 21 & 1U) != 0;
  const bool either = (bits >> 22 & 1U) != 0;
  use.returned = either && use.kind == kDeviceCallIn;
  use.roaming = either && use.kind == kDeviceCallOut;
  use.abroad = (bits >> 23 & 1U) != 0;
  use.talk = bits >> 24 & 511U;
  use.ring_s = bits >> 33 & 63U;
  use.callee = static_cast<std::uint32_t>(bits >> 39);
  return use;
}

// ---- busy devices ----

namespace {

template <std::size_t kSize>
void count_shared(const DeviceUse& use, std::array<std::uint32_t, kSize>& n) {
  using C = DeviceCounters;
  n[use.kind == kDeviceCallOut ? C::kCallsOut : use.kind == kDeviceCallIn ? C::kCallsIn : C::kMessagesOut] = 1;
  const auto set = [&n](C::Shared counter, bool yes) { n[counter] = yes ? 1U : 0U; };
  set(C::kAnswered, use.is_answered());  // of a call made, as all three
  set(C::kUnanswered, use.is_unanswered());
  set(C::kShort, use.is_short());
  set(C::kSwitches, use.switched);
  set(C::kMoves, use.moved);
  set(C::kReturned, use.returned);
  set(C::kAbroad, use.abroad);
  set(C::kRoaming, use.roaming);
}

}  // namespace

void BusyDevice::add(const DeviceUse& use, std::uint32_t now_s) {
  clock_s = std::max(clock_s, now_s);
  counts.advance(clock_s);
  callees.advance(clock_s);
  squares.advance(clock_s, kSquareStepS);
  std::array<std::uint32_t, kCounters> n{};
  count_shared(use, n);
  if (use.kind == kDeviceCallOut) {
    n[kTalk] = use.talk_s();
    squares.add(use.time_s, kSquareStepS, kTalkSquares, std::uint64_t{use.talk_s()} * use.talk_s());
    if (use.ring_s != DeviceUse::kRingUntold) {
      n[kRings] = 1;
      n[kRing] = use.ring_s;
      squares.add(use.time_s, kSquareStepS, kRingSquares, std::uint64_t{use.ring_s} * use.ring_s);
    }
    callees.add(set_hash(use.callee), use.time_s);
    std::uint32_t& step = region_step[use.region()];
    step = std::max(step, use.time_s / kSquareStepS + 1);
    add_call_time(use.time_s);
  }
  counts.add_all(use.time_s, n);
}

void BusyDevice::add_call_time(std::uint32_t time_s) {
  const std::uint32_t hour = start_s(Window::k1h, clock_s);
  std::erase_if(calls_1h, [hour](std::uint32_t t) { return t < hour; });
  if (time_s < hour) return;
  calls_1h.insert(std::upper_bound(calls_1h.begin(), calls_1h.end(), time_s), time_s);
  if (calls_1h.size() > kGapCalls) calls_1h.erase(calls_1h.begin());
}

std::uint64_t BusyDevice::total_24h() const {
  return counts.total(Window::k24h, kCallsOut) + counts.total(Window::k24h, kCallsIn) +
         counts.total(Window::k24h, kMessagesOut);
}

static void save_use(StateWriter& out, const DeviceUse& use) {
  out.u32(use.time_s);
  out.u64(DeviceThing::of(use).bits);
}
static DeviceUse load_use(StateReader& in, std::uint32_t newest_s) {
  const std::uint32_t time_s = in.u32();
  const DeviceThing thing{in.u64()};
  const DeviceUse use = thing.use(time_s);
  if (use.kind > kDeviceMessage || use.talk > kTalkCodeMost || time_s > newest_s || use.time_s != time_s)
    in.fail("a device's use cannot be");
  return use;
}

void BusyDevice::save(StateWriter& out) const {
  out.u32(clock_s);
  counts.save(out);
  squares.save(out);
  callees.save(out);
  std::uint32_t regions = 0;
  const std::uint32_t oldest = start_s(Window::k24h, clock_s) / kSquareStepS;
  for (const std::uint32_t step : region_step) regions += step > oldest ? 1U : 0U;
  out.varint(regions);
  for (std::size_t r = 0; r < kRegions; ++r) {
    if (region_step[r] <= oldest) continue;
    out.varint(r);
    out.varint(region_step[r] - oldest);
  }
  out.varint(calls_1h.size());
  for (const std::uint32_t time_s : calls_1h) out.u32(time_s);
  out.u8(listing ? 1 : 0);
  out.u32(listing_from_s);
  out.varint(list.size());
  for (const DeviceUse& use : list) save_use(out, use);
}

void BusyDevice::load(StateReader& in) {
  clock_s = in.u32();
  counts.load(in);
  squares.load(in);
  if (squares.started() && squares.head_step() > clock_s / kSquareStepS)
    in.fail("a device's squares are newer than its clock");
  callees.load(in);
  const std::uint32_t oldest = start_s(Window::k24h, clock_s) / kSquareStepS;
  const std::uint64_t regions = in.varint();
  if (regions > kRegions) return in.fail("a device called more regions than there are");
  for (std::uint64_t i = 0; i < regions && in.ok(); ++i) {
    const std::uint64_t region = in.varint(), step = in.varint();
    if (region >= kRegions || step > spec(Window::k24h).steps) return in.fail("a device's region cannot be");
    region_step[region] = oldest + static_cast<std::uint32_t>(step);
  }
  const std::uint64_t calls = in.varint();
  if (calls > kGapCalls) return in.fail("a device has more calls of an hour than are kept");
  for (std::uint64_t i = 0; i < calls && in.ok(); ++i) {
    const std::uint32_t time_s = in.u32();
    if (time_s > clock_s || (i > 0 && time_s < calls_1h.back())) return in.fail("a device's calls are out of order");
    calls_1h.push_back(time_s);
  }
  listing = in.u8() != 0;
  listing_from_s = in.u32();
  const std::uint64_t size = in.varint();
  if (size > kQuietUses + 1) return in.fail("more uses listed than a quiet device has");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    list.push_back(load_use(in, clock_s));
  }
}

// ---- all devices of a shard ----

// What was seen before the latest is in no order. The latest goes to the others, and the new one comes from there, as it was, when
// it is there. What is too old no longer counts; with no room left, the least recent goes.
bool DeviceActivities::see_number(DeviceRecord& record, std::uint32_t hash, std::uint32_t time_s) {
  const std::uint32_t from = start_s(Window::k30d, record.newest_s);
  SeenNumber& seen = record.number;
  const bool another = seen.hash != 0 && seen.hash != hash;
  if (another) {
    const std::span<SeenNumber> others = record.numbers.in(blocks_);
    const auto found =
        std::find_if(others.begin(), others.end(), [hash](const SeenNumber& n) { return n.hash == hash; });
    const auto room = [&record] { return record.numbers.size() + 1U < kNumbersMax; };
    if (found != others.end()) {
      std::swap(*found, seen);
    } else {
      if (!room()) record.numbers.drop_if(blocks_, [from](const SeenNumber& n) { return n.last_s < from; });
      if (room()) {
        record.numbers.append(blocks_) = seen;
      } else {
        SeenNumber& least = *std::min_element(others.begin(), others.end(), less_recent<SeenNumber>);
        if (less_recent(least, seen)) least = seen;
      }
      seen = {};
    }
  }
  if (seen.hash == 0 || seen.last_s < from) seen = {hash, time_s, time_s};
  seen.first_s = std::min(seen.first_s, time_s);
  seen.last_s = std::max(seen.last_s, time_s);
  return another;
}

bool DeviceActivities::see_cell(DeviceRecord& record, std::uint32_t hash, std::uint32_t time_s) {
  SeenCell& seen = record.cell;
  const bool another = seen.hash != 0 && seen.hash != hash;
  if (another) {
    const std::span<DeviceThing> others = record.things.in(blocks_).first(record.cells);
    const auto found =
        std::find_if(others.begin(), others.end(), [hash](const DeviceThing& c) { return seen_cell(c).hash == hash; });
    if (found != others.end()) {
      const SeenCell before = seen_cell(*found);
      *found = std::bit_cast<DeviceThing>(seen);
      seen = before;
    } else {
      keep_cell(record, start_s(Window::k30d, record.newest_s));
      seen = {};
    }
  }
  if (seen.hash == 0) seen = {hash, time_s};
  seen.last_s = std::max(seen.last_s, time_s);
  return another;
}

// The latest cell is about to be one of those before.
void DeviceActivities::keep_cell(DeviceRecord& record, std::uint32_t from_s) {
  const auto cells = [&] { return record.things.in(blocks_).first(record.cells); };
  if (record.cells + 1U >= kCellsMax) {
    const auto stay = std::remove_if(cells().begin(), cells().end(),
                                     [from_s](const DeviceThing& c) { return seen_cell(c).last_s < from_s; });
    const auto left = static_cast<std::uint32_t>(stay - cells().begin());
    record.things.erase(blocks_, left, record.cells - left);
    record.cells = left & 0xffU;
  }
  if (record.cells + 1U >= kCellsMax) {
    DeviceThing& least = *std::min_element(
        cells().begin(), cells().end(),
        [](const DeviceThing& a, const DeviceThing& b) { return less_recent(seen_cell(a), seen_cell(b)); });
    if (less_recent(seen_cell(least), record.cell)) least = std::bit_cast<DeviceThing>(record.cell);
    return;
  }
  record.things.insert(blocks_, record.cells, 1);
  record.things.in(blocks_)[record.cells] = std::bit_cast<DeviceThing>(record.cell);
  record.cells = (record.cells + 1U) & 0xffU;
}

// Of a device's list, by its newest time as it stands.
void DeviceActivities::drop_uses(DeviceRecord& record, std::uint32_t before_s) {
  const std::span<DeviceThing> all = uses_of(record);
  std::size_t gone = 0;
  while (gone < all.size() && all[gone].time_s(record.newest_s) < before_s) ++gone;
  record.things.erase(blocks_, record.cells + record.days, gone);
}

void DeviceActivities::append_use(DeviceRecord& record, const DeviceUse& use) {
  record.things.append(blocks_) = DeviceThing::of(use);
  const std::span<DeviceThing> all = uses_of(record);
  for (std::size_t at = all.size() - 1; at > 0 && all[at - 1].time_s(record.newest_s) > use.time_s; --at)
    std::swap(all[at - 1], all[at]);
}

DeviceDays DeviceActivities::days(const DeviceRecord& record) const {
  DeviceDays days;
  const std::span<const DeviceThing> words = record.things.in(blocks_).subspan(record.cells, record.days);
  BitReader in(reinterpret_cast<const std::uint8_t*>(words.data()), words.size_bytes());
  if (!words.empty()) CHECK(days.unpack(in));
  return days;
}

void DeviceActivities::keep_days(DeviceRecord& record, const DeviceDays& days) {
  std::array<std::uint64_t, DeviceDays::kPackedMost / 8> packed{};
  BitWriter out(reinterpret_cast<std::uint8_t*>(packed.data()), sizeof(packed));
  days.pack(out);
  const std::size_t size = out.finish();
  CHECK(size != 0);
  const auto words = static_cast<std::uint32_t>((size + 7) / 8), held = static_cast<std::uint32_t>(record.days);
  if (words > held)
    record.things.insert(blocks_, record.cells, words - held);
  else
    record.things.erase(blocks_, record.cells, held - words);
  record.days = words & 0xffU;
  std::memcpy(record.things.in(blocks_).data() + record.cells, packed.data(), words * sizeof(std::uint64_t));
}

void DeviceActivities::prefetch_more(model::EntityKey device, std::uint64_t hash) const {
  const DeviceRecord* record = table_.peek_hash(DeviceKey{device.lo}, hash);
  if (record == nullptr) return;
  if (record->busy != 0) return busy_.at(record->busy - 1).counts.prefetch();
  if (const std::span<const DeviceThing> things = record->things.in(blocks_); !things.empty()) {
    fetch_line(things.data());
    fetch_line(things.data() + record->cells);  // the days, the oldest use
    fetch_line(things.data() + things.size());  // where the next will stand
  }
  if (record->numbers.size() != 0) fetch_line(numbers(*record).data());
}

// What is known of a device that had one number, when another one comes; null when it does not.
DeviceRecord* DeviceActivities::second_number(DeviceKey key, std::uint64_t hash, const DeviceContact& contact,
                                              EventMs watermark) {
  if (!contact.number.known()) return nullptr;
  const std::uint32_t now = DeviceSingles::step_of(seconds32(watermark)), time_s = seconds32(contact.time);
  const std::uint32_t step = DeviceSingles::step_of(time_s), number = number_hash(contact.number);
  const DeviceSingles::Found found = singles_.find(hash, now);
  if (!found) {
    singles_.put(hash, now, {number, step, step, contact.kind});
    return nullptr;
  }
  const DeviceSingles::Single only = found.single;
  if (step + DeviceSingles::kDaySteps <= only.last) {
    ++too_old_;
    return nullptr;
  }
  const std::uint32_t first_s = only.first * DeviceSingles::kStepS, last_s = only.last * DeviceSingles::kStepS;
  const std::uint32_t newest_s = std::max(last_s, time_s);
  if (only.number == number || last_s < start_s(Window::k30d, newest_s)) {
    DeviceSingles::Single next{number, step, step, contact.kind};
    if (only.number == number) {
      next.first = std::min(only.first, step);
      next.last = std::max(only.last, step);
      if (step < only.last) next.kind = only.kind;
    }
    singles_.change(found, next);
    return nullptr;
  }
  singles_.erase(found);
  DeviceRecord& record = table_.touch_hash(key, hash, watermark, nullptr, [this](DeviceRecord& old) { release(old); });
  release(record);
  record = {};
  record.first_s = first_s;
  record.newest_s = last_s;
  record.number = {only.number, first_s, last_s};
  if (only.kind != DeviceSingles::kNoKind) {
    DeviceUse before;
    before.time_s = last_s;
    before.kind = static_cast<std::uint16_t>(only.kind);
    add_day(record, before);
    if (last_s >= start_s(Window::k24h, newest_s)) append_use(record, before);
  }
  return &record;
}

bool DeviceActivities::shared(const DeviceRecord& record) const {
  const std::uint32_t from = start_s(Window::k30d, record.newest_s);
  std::uint32_t lately = record.number.hash != 0 && record.number.last_s >= from ? 1 : 0;
  for (const SeenNumber& n : numbers(record))
    if (n.last_s >= from && ++lately >= 2) return true;
  return lately >= 2;
}

// The others were silent for 30 days: what is left is the number that was used last.
void DeviceActivities::make_single(DeviceKey key, std::uint64_t hash, DeviceRecord& record,
                                   const DeviceContact& contact, EventMs watermark) {
  SeenNumber left = record.number;
  for (const SeenNumber& n : numbers(record))
    if (left.hash == 0 || less_recent(left, n)) left = n;
  release(record);
  table_.erase(key);
  if (left.hash == 0) return;
  const auto step = [](std::uint32_t time_s) { return DeviceSingles::step_of(time_s); };
  const bool now = contact.number.known() && number_hash(contact.number) == left.hash;
  singles_.put(hash, step(seconds32(watermark)),
               {left.hash, step(left.first_s), step(left.last_s), now ? contact.kind : DeviceSingles::kNoKind});
}

const DeviceRecord* DeviceActivities::update(model::EntityKey device, std::uint64_t hash, const DeviceContact& contact,
                                             EventMs watermark) {
  const DeviceKey key{device.lo};
  DeviceRecord* found = table_.find_hash(key, hash, watermark);
  found = found == nullptr ? second_number(key, hash, contact, watermark)
                           : &table_.touch_hash(key, hash, watermark, nullptr, [](DeviceRecord&) {});
  if (found == nullptr) return nullptr;
  DeviceRecord& record = *found;
  DeviceUse use = use_of(contact);
  advance(record, use.time_s);
  if (use.time_s < start_s(Window::k24h, record.newest_s)) {
    ++too_old_;
    return found;
  }
  record.first_s = std::min(record.first_s, use.time_s);
  if (contact.number.known()) use.switched = see_number(record, number_hash(contact.number), use.time_s);
  if (!shared(record)) {
    make_single(key, hash, record, contact, watermark);
    return nullptr;
  }
  if (contact.cell != 0) use.moved = see_cell(record, short_hash(contact.cell), use.time_s);
  if (use.kind == kDeviceCallIn && contact.peer.known()) use.returned = called(record, callee_of(contact.peer));
  add_day(record, use);
  if (record.busy == 0)
    add_listed(record, use);
  else
    add_busy(record, use);
  return found;
}

// Its clock goes on. Uses are let go at once, because their times are told from the newest one.
void DeviceActivities::advance(DeviceRecord& record, std::uint32_t time_s) {
  if (time_s <= record.newest_s) return;
  note_silence(record, time_s);
  if (const std::span<DeviceThing> all = uses_of(record); !all.empty()) {
    const std::uint32_t oldest = start_s(Window::k24h, time_s);
    if (all.front().time_s(record.newest_s) < oldest) drop_uses(record, oldest);
  }
  record.newest_s = time_s;
}

bool DeviceActivities::called(const DeviceRecord& record, std::uint32_t callee) const {
  const std::uint32_t from = start_s(Window::k24h, record.newest_s);
  if (record.busy != 0) return busy(record).callees.contains_since(set_hash(callee), from);
  const std::span<const DeviceThing> all = uses(record);
  return std::any_of(all.begin(), all.end(), [&](const DeviceThing& thing) {
    const DeviceUse use = thing.use(record.newest_s);
    return use.kind == kDeviceCallOut && use.callee == callee && use.time_s >= from;
  });
}

void DeviceActivities::add_day(DeviceRecord& record, const DeviceUse& use) {
  const bool out = use.kind == kDeviceCallOut, message = use.kind == kDeviceMessage;
  DeviceDays::Counts n{};
  count_shared(use, n);
  n[DeviceDays::kNight] = (out || message) && is_night(use.time_s, local_offset_) ? 1 : 0;
  n[DeviceDays::kTalk] = use.talk_s();
  DeviceDays all = days(record);
  all.advance(record.newest_s);
  all.add(use.time_s, n);
  if (out) all.meet(use.time_s, set_hash(use.callee) >> (32 - DeviceDays::kHashBits));
  keep_days(record, all);
}

void DeviceActivities::add_listed(DeviceRecord& record, const DeviceUse& use) {
  if (record.uses() < kUsesMax) return append_use(record, use);
  record.busy = (busy_.take() + 1) & 0xffffffU;
  BusyDevice& busy = busy_.at(record.busy - 1);
  for (const DeviceThing& u : uses_of(record)) busy.add(u.use(record.newest_s), record.newest_s);
  record.things.erase(blocks_, record.cells + record.days, record.uses());
  busy.add(use, record.newest_s);
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
  for (const DeviceUse& u : list) append_use(record, u);
}

void DeviceActivities::release(DeviceRecord& record) {
  if (record.busy != 0) busy_.give_back(record.busy - 1);
  record.busy = 0;
  record.cells = record.days = 0;
  record.things.clear(blocks_);
  record.numbers.clear(blocks_);
}

void DeviceActivities::evict(EventMs watermark) {
  if (sweeps_++ % 16 == 0) blocks_.thin();
  table_.evict(
      watermark, [this](DeviceRecord& old) { release(old); },
      [this](DeviceRecord& record) {
        record.numbers.settle(blocks_);
        record.things.settle(blocks_);
      });
  singles_.evict(DeviceSingles::step_of(seconds32(watermark)));
}

std::uint64_t DeviceActivities::bytes() const {
  std::uint64_t total = table_.bytes() + singles_.bytes() + blocks_.bytes();
  busy_.for_each([&](const BusyDevice& b) { total += b.bytes() + sizeof(void*); });
  return total;
}

void DeviceActivities::save_record(StateWriter& out, const DeviceRecord& record) const {
  const SeenNumber& number = record.number;
  const SeenCell& cell = record.cell;
  for (const std::uint32_t v :
       {record.first_s, record.newest_s, number.hash, number.first_s, number.last_s, cell.hash, cell.last_s})
    out.u32(v);
  out.u16(record.silence_h);
  out.u16(record.woke_h);
  out.varint(record.numbers.size());
  for (const SeenNumber& n : numbers(record))
    for (const std::uint32_t v : {n.hash, n.first_s, n.last_s}) out.u32(v);
  out.varint(record.cells);
  for (const DeviceThing& c : cells(record))
    for (const std::uint32_t v : {seen_cell(c).hash, seen_cell(c).last_s}) out.u32(v);
  out.varint(record.days);
  for (const DeviceThing& word : record.things.in(blocks_).subspan(record.cells, record.days)) out.u64(word.bits);
  out.u8(record.busy != 0 ? 1 : 0);
  if (record.busy != 0) return busy(record).save(out);
  out.varint(record.uses());
  for (const DeviceThing& use : uses(record)) save_use(out, use.use(record.newest_s));
}

void DeviceActivities::load_days(StateReader& in, DeviceRecord& record) {
  const std::uint64_t words = in.varint();
  if (words == 0 || words > DeviceDays::kPackedMost / 8) return in.fail("a device's days have another size");
  record.things.insert(blocks_, record.cells, words);
  record.days = words & 0xffU;
  const std::span<DeviceThing> held = record.things.in(blocks_).subspan(record.cells, words);
  for (DeviceThing& word : held) word.bits = in.u64();
  DeviceDays days;
  BitReader bits(reinterpret_cast<const std::uint8_t*>(held.data()), held.size_bytes());
  if (!days.unpack(bits) || days.clock_day() != record.newest_s / spec(Window::k7d).step_s)
    in.fail("a device's days cannot be");
}

void DeviceActivities::load_record(StateReader& in, DeviceRecord& record) {
  SeenNumber& number = record.number;
  SeenCell& cell = record.cell;
  for (std::uint32_t* v :
       {&record.first_s, &record.newest_s, &number.hash, &number.first_s, &number.last_s, &cell.hash, &cell.last_s})
    *v = in.u32();
  record.silence_h = in.u16() & 0xfffU;
  record.woke_h = in.u16() & 0xfffU;
  const auto count = [&in](std::uint64_t most) {
    const std::uint64_t n = in.varint();
    if (n > most) in.fail("a device's list is over its bound");
    return n;
  };
  const std::uint64_t numbers = count(kNumbersMax - 1);
  for (std::uint64_t i = 0; i < numbers && in.ok(); ++i) {
    SeenNumber& n = record.numbers.append(blocks_);
    for (std::uint32_t* v : {&n.hash, &n.first_s, &n.last_s}) *v = in.u32();
    if (n.hash > DeviceSingles::kNumberMask) in.fail("a device's number has too many bits");
  }
  if (number.hash > DeviceSingles::kNumberMask) in.fail("a device's number has too many bits");
  const std::uint64_t cells = count(kCellsMax - 1);
  for (std::uint64_t i = 0; i < cells && in.ok(); ++i) {
    SeenCell c;
    for (std::uint32_t* v : {&c.hash, &c.last_s}) *v = in.u32();
    record.things.append(blocks_) = std::bit_cast<DeviceThing>(c);
    record.cells = (record.cells + 1U) & 0xffU;
  }
  load_days(in, record);
  if (in.u8() != 0) {
    record.busy = (busy_.take() + 1) & 0xffffffU;
    busy_.at(record.busy - 1).load(in);
    if (busy_.at(record.busy - 1).clock_s > record.newest_s) in.fail("a device's counters are newer than its clock");
    return;
  }
  const std::uint64_t uses = count(kUsesMax);
  std::uint32_t before = 0;
  for (std::uint64_t i = 0; i < uses && in.ok(); ++i) {
    const DeviceUse use = load_use(in, record.newest_s);
    if (use.time_s < std::max(before, start_s(Window::k24h, record.newest_s)))
      in.fail("a device's uses are out of order");
    before = use.time_s;
    if (in.ok()) record.things.append(blocks_) = DeviceThing::of(use);
  }
}

void DeviceActivities::save(StateWriter& out) const {
  out.u64(too_old_);
  singles_.save(out);
  table_.save(out, [this](StateWriter& o, const DeviceRecord& record) { save_record(o, record); });
}

Result<> DeviceActivities::load(StateReader& in) {
  const std::uint64_t too_old = in.u64();
  singles_.load(in);
  TRY(in.status());
  TRY(table_.load(
      in, [this](StateReader& i, DeviceRecord& record) { load_record(i, record); },
      [this](DeviceRecord& r) { release(r); }));
  too_old_ += too_old;
  return {};
}

}  // namespace pandun::detect
