#include "detect/features/number_state.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace pandun::detect {
namespace {

constexpr std::uint32_t kHour = 3600;
constexpr std::size_t kListStep = 3;       // room for so many more contacts than there are, when a list is made
constexpr std::uint32_t kSweepParts = 16;  // calls of evict() that go through the whole table once

std::uint16_t place_hash(std::string_view text) {
  return text.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(1 + hash64(text) % 0xffff);
}

Contact contact_of(const NumberContact& c, std::uint32_t time_s) {
  Contact out{};
  out.time_s = time_s;
  out.peer = peer_hash(hash_of(model::key_of(c.peer)));
  out.device = place_hash(c.device);
  out.cell = place_hash(c.cell);
  out.message = c.message ? 1U : 0U;
  out.outgoing = c.outgoing ? 1U : 0U;
  if (c.message) return out;
  model::Answered answered = c.answered;
  if (answered == model::Answered::kUnknown && c.talk_s >= 0)
    answered = c.talk_s > 0 ? model::Answered::kYes : model::Answered::kNo;
  out.answered = static_cast<std::uint32_t>(answered) & 3U;
  if (answered == model::Answered::kYes && c.talk_s > 0)
    out.talk_s = std::min(static_cast<std::uint32_t>(c.talk_s), kTalkMaxS) & kTalkMaxS;
  if (c.outgoing) out.region = region_of(c.peer) & 1023U;
  return out;
}

ShortContact shortened(const Contact& c) {
  ShortContact out = c;
  out.has_device = c.device != 0 ? 1U : 0U;
  out.has_cell = c.cell != 0 ? 1U : 0U;
  return out;
}

template <typename C>
void insert_sorted(C* contacts, std::size_t size, const C& contact) {
  std::size_t at = size;
  for (; at > 0 && contacts[at - 1].time_s > contact.time_s; --at) contacts[at] = contacts[at - 1];
  contacts[at] = contact;
}

std::uint32_t oldest_of(const NumberRecord& record) {
  return start_s(kLongest, record.newest_s);
}

// An upper bound in 8 bits, at most a sixteenth too high.
std::uint8_t coded(std::uint32_t n) {
  if (n < 16) return static_cast<std::uint8_t>(n);
  auto e = static_cast<std::uint32_t>(std::bit_width(n)) - 4;  // n >> (e - 1) is 16 to 31
  std::uint32_t m = (n + (1U << (e - 1)) - 1) >> (e - 1);
  if (m == 32) {
    ++e;
    m = 16;
  }
  return e > 15 ? std::uint8_t{255} : static_cast<std::uint8_t>(e << 4 | (m - 16));
}
std::uint32_t decoded(std::uint8_t code) {
  if (code == 255) return 0xffffffff;
  const std::uint32_t e = code >> 4, m = code & 15U;
  return e == 0 ? m : (16 + m) << (e - 1);
}

}  // namespace

bool is_night(std::uint32_t time_s, std::chrono::seconds local_offset) {
  const std::int64_t half_hour = ((static_cast<std::int64_t>(time_s) + local_offset.count()) / 1800) % 48;
  return half_hour < 12 || half_hour >= 44;
}

std::uint32_t region_of(model::NumberKey number) {
  std::uint64_t v = number.value();
  if (number.kind() == model::NumberKind::kService) return static_cast<std::uint32_t>(1 + mix64(v) % 1023);
  if (number.kind() != model::NumberKind::kE164 || v == 0) return 0;
  if (v >= 8613000000000ULL && v <= 8619999999999ULL) return static_cast<std::uint32_t>(1 + mix64(v / 10000) % 1023);
  while (v >= 100000) v /= 10;  // the first five digits tell the rest
  if (v < 10000) return static_cast<std::uint32_t>(1 + mix64(v) % 1023);
  if (v / 1000 == 86) {  // 010 and 02x are two digits, every other area code three
    const std::uint64_t two = v / 10 % 100;
    return static_cast<std::uint32_t>(1 + mix64(two == 10 || two / 10 == 2 ? v / 10 : v) % 1023);
  }
  // ITU-T E.164 Annex, country codes: 1 and 7 have one digit, these have two, the rest three.
  constexpr std::uint64_t kTwoDigits[] = {20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46,
                                          47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63,
                                          64, 65, 66, 81, 82, 84, 90, 91, 92, 93, 94, 95, 98};
  const std::uint64_t first = v / 10000, two = v / 1000;
  const bool is_two = std::find(std::begin(kTwoDigits), std::end(kTwoDigits), two) != std::end(kTwoDigits);
  const std::uint64_t code = first == 1 || first == 7 ? first : is_two ? two : v / 100;
  return static_cast<std::uint32_t>(1 + mix64(code) % 1023);
}

// ---- places ----

void Places::add(bool cell, std::uint16_t hash, std::uint32_t time_s, std::uint32_t newest_s) {
  const std::uint32_t start = start_s(Window::k24h, newest_s);
  if (time_s < start) return;
  std::size_t live = 0;
  Seen* oldest = nullptr;
  Seen* same = nullptr;
  for (Seen& seen : seen_) {
    if (seen.cell != cell || seen.last_s < start) continue;
    if (seen.hash == hash) same = &seen;
    ++live;
    if (oldest == nullptr || seen.last_s < oldest->last_s ||
        (seen.last_s == oldest->last_s && seen.hash < oldest->hash))
      oldest = &seen;
  }
  if (same != nullptr) {
    same->last_s = std::max(same->last_s, time_s);
    return;
  }
  if (live >= (cell ? kCellsMax : kDevicesMax)) {
    *oldest = Seen{time_s, hash, cell};
    return;
  }
  // Expired sights go when room is needed, and an expired sight of this one at once.
  const bool full = seen_.size() == seen_.capacity();
  std::erase_if(seen_, [&](const Seen& seen) {
    return (full && seen.last_s < start) || (seen.cell == cell && seen.hash == hash);
  });
  seen_.push_back(Seen{time_s, hash, cell});
}

std::size_t Places::count(bool cell, std::uint32_t newest_s) const {
  const std::uint32_t start = start_s(Window::k24h, newest_s);
  std::size_t out = 0;
  for (const Seen& seen : seen_) out += seen.cell == cell && seen.last_s >= start ? 1U : 0U;
  return out;
}

void Places::save(StateWriter& out) const {
  out.varint(seen_.size());
  for (const Seen& seen : seen_) {
    out.u32(seen.last_s);
    out.u16(seen.hash);
    out.u8(seen.cell ? 1 : 0);
  }
}

void Places::load(StateReader& in) {
  const std::uint64_t size = in.varint();
  if (size > 4 * (kDevicesMax + kCellsMax)) return in.fail("a number's places are over their bound");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    Seen seen{};
    seen.last_s = in.u32();
    seen.hash = in.u16();
    seen.cell = in.u8() != 0;
    seen_.push_back(seen);
  }
}

// ---- busy numbers ----

void BusyNumber::Peers::advance(std::uint32_t now_s) {
  short_time.advance(now_s);
  long_time.advance(now_s);
}

void BusyNumber::Peers::add(std::uint32_t peer, std::uint32_t time_s) {
  short_time.add(peer, time_s);
  long_time.add(peer, time_s);
  if (met != nullptr) (*met)[peer >> 24] |= std::uint64_t{1} << (peer >> 18 & 63);
}

std::uint64_t BusyNumber::Peers::bytes() const {
  return short_time.bytes() + long_time.bytes() + (met != nullptr ? sizeof(*met) : 0);
}

void BusyNumber::Peers::save(StateWriter& out) const {
  short_time.save(out);
  long_time.save(out);
  if (met != nullptr)
    for (const std::uint64_t word : *met) out.u64(word);
}

void BusyNumber::Peers::load(StateReader& in, bool with_met) {
  short_time.load(in);
  long_time.load(in);
  if (!with_met) return;
  met = std::make_unique<Met>();
  for (std::uint64_t& word : *met) word = in.u64();
}

BusyNumber::Peers* BusyNumber::peers(Ledger::Kind lane) const {
  const auto of = [](const auto& part) { return part == nullptr ? nullptr : &part->peers; };
  switch (lane) {
    case Ledger::kCallOut:
      return of(calls_out);
    case Ledger::kCallIn:
      return of(calls_in);
    case Ledger::kMessageOut:
      return of(messages_out);
    default:
      return of(messages_in);
  }
}

std::uint64_t BusyNumber::total(Window w) const {
  std::uint64_t total = 0;
  if (calls_out != nullptr) total += calls_out->counts.total(w);
  if (calls_in != nullptr) total += calls_in->counts.total(w);
  if (messages_out != nullptr) total += messages_out->counts.total(w);
  if (messages_in != nullptr) total += messages_in->counts.total(w);
  return total;
}

void BusyNumber::advance(std::uint32_t now_s) {
  constexpr std::uint32_t kFinest = kWindowSpecs[0].step_s;  // every other step is a multiple of it
  if (now_s <= clock_s) return;
  const bool moved = now_s / kFinest != clock_s / kFinest;
  clock_s = now_s;
  if (!moved) return;
  const auto move = [now_s](auto& lane) {
    if (lane == nullptr) return;
    lane->counts.advance(now_s);
    lane->peers.advance(now_s);
  };
  move(calls_out);
  move(calls_in);
  move(messages_out);
  move(messages_in);
}

void BusyNumber::see_region(std::uint32_t region, std::uint32_t time_s) {
  if (region == 0) return;
  if (region_step == nullptr) region_step = std::make_unique<std::array<std::uint32_t, kRegions>>();
  std::uint32_t& last = (*region_step)[region % kRegions];
  last = std::max(last, time_s / spec(Window::k24h).step_s + 1);
}

void BusyNumber::add(const Contact& c) {
  const auto open = [&](auto& lane) -> auto& {
    if (lane == nullptr) {
      lane = std::make_unique<typename std::remove_reference_t<decltype(lane)>::element_type>();
      lane->counts.advance(clock_s);
      if (!before.empty()) lane->peers.met = std::make_unique<Met>();
    }
    lane->peers.advance(clock_s);
    lane->counts.add(c.time_s);
    lane->peers.add(c.peer, c.time_s);
    return *lane;
  };
  if (c.message == 1) {
    open(c.outgoing == 1 ? messages_out : messages_in);
  } else if (c.outgoing == 0) {
    CallsIn& lane = open(calls_in);
    if (c.returned == 1) lane.counts.add(c.time_s, 1);
  } else {
    CallsOut& lane = open(calls_out);
    if (c.answered == static_cast<std::uint32_t>(model::Answered::kYes)) {
      lane.counts.add(c.time_s, kAnswered);
      if (c.talk_s <= kShortTalkS) lane.counts.add(c.time_s, kShort);
      lane.counts.add(c.time_s, kTalk, c.talk_s);
    } else if (c.answered == static_cast<std::uint32_t>(model::Answered::kNo)) {
      lane.counts.add(c.time_s, kUnanswered);
    }
    see_region(c.region, c.time_s);
  }
}

std::uint64_t BusyNumber::bytes() const {
  std::uint64_t total = sizeof(*this) + before.capacity() + next.capacity();
  const auto add = [&](const auto& lane) {
    if (lane != nullptr) total += sizeof(*lane) - sizeof(DistinctWindows) - sizeof(PeerSample) + lane->peers.bytes();
  };
  add(calls_out);
  add(calls_in);
  add(messages_out);
  add(messages_in);
  if (region_step != nullptr) total += sizeof(*region_step);
  return total;
}

namespace {
void save_contact(StateWriter& out, const Contact& c) {
  out.u32(c.time_s);
  out.u32(c.peer);
  out.u32(static_cast<std::uint32_t>(c.talk_s | c.region << 14 | c.message << 24 | c.outgoing << 25 | c.answered << 26 |
                                     c.returned << 28));
  out.u16(c.device);
  out.u16(c.cell);
}
Contact load_contact(StateReader& in) {
  Contact c{};
  c.time_s = in.u32();
  c.peer = in.u32();
  const std::uint32_t bits = in.u32();
  c.talk_s = bits & 0x3fff;
  c.region = (bits >> 14) & 0x3ff;
  c.message = (bits >> 24) & 1;
  c.outgoing = (bits >> 25) & 1;
  c.answered = (bits >> 26) & 3;
  c.returned = (bits >> 28) & 1;
  c.device = in.u16();
  c.cell = in.u16();
  return c;
}
void save_list(StateWriter& out, std::span<const Contact> list) {
  out.varint(list.size());
  for (const Contact& c : list) save_contact(out, c);
}
std::vector<Contact> load_list(StateReader& in, std::uint32_t newest_s) {
  const std::uint64_t size = in.varint();
  std::vector<Contact> out;
  if (size > kListedContacts) {
    in.fail("a contact list is over its bound");
    return out;
  }
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    const Contact c = load_contact(in);
    if (c.time_s > newest_s || (!out.empty() && c.time_s < out.back().time_s))
      in.fail("a contact list is out of order");
    out.push_back(c);
  }
  return out;
}
}  // namespace

namespace {
// Packed ledgers are read with a few bytes to spare behind them.
constexpr std::size_t kSpare = 8;
void save_packed(StateWriter& out, std::span<const std::uint8_t> bytes) {
  out.text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
std::vector<std::uint8_t> load_packed(StateReader& in) {
  const std::string text = in.text(BlockPool::kLargest);
  std::vector<std::uint8_t> out(text.begin(), text.end());
  return out;
}
bool unpack(Ledger& ledger, std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, BlockPool::kLargest + kSpare> room;
  if (bytes.size() > BlockPool::kLargest) return false;
  std::copy(bytes.begin(), bytes.end(), room.begin());
  std::fill_n(room.begin() + static_cast<std::ptrdiff_t>(bytes.size()), kSpare, std::uint8_t{0});
  return ledger.unpack(room.data(), bytes.size());
}
bool pack(const Ledger& ledger, std::vector<std::uint8_t>& out) {
  std::array<std::uint8_t, Ledger::kPackedMax + 2 * kSpare> room;
  const std::size_t bytes = ledger.pack(room.data(), Ledger::kPackedMax);
  if (bytes == 0) return false;
  std::vector<std::uint8_t>(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(bytes)).swap(out);
  return true;
}
}  // namespace

void BusyNumber::save(StateWriter& out) const {
  out.u32(clock_s);
  out.u8(static_cast<std::uint8_t>((calls_out != nullptr ? 1U : 0U) | (calls_in != nullptr ? 2U : 0U) |
                                   (messages_out != nullptr ? 4U : 0U) | (messages_in != nullptr ? 8U : 0U)));
  out.u32(before_s);
  save_packed(out, before);
  out.u32(next_from_s);
  save_packed(out, next);
  out.u8(region_step != nullptr ? 1 : 0);
  if (region_step != nullptr)
    for (const std::uint32_t step : *region_step) out.varint(step);
  const auto save_lane = [&out](const auto& lane) {
    if (lane == nullptr) return;
    lane->counts.save(out);
    lane->peers.save(out);
  };
  save_lane(calls_out);
  save_lane(calls_in);
  save_lane(messages_out);
  save_lane(messages_in);
}

void BusyNumber::load(StateReader& in) {
  clock_s = in.u32();
  const std::uint8_t lanes = in.u8();
  before_s = in.u32();
  before = load_packed(in);
  next_from_s = in.u32();
  next = load_packed(in);
  if (before_s > clock_s) return in.fail("a busy number was not busy before its own clock");
  Ledger checked;
  for (const auto* bytes : {&before, &next})
    if (!bytes->empty() &&
        (!unpack(checked, *bytes) || checked.clock_s() > clock_s || (bytes == &before && checked.clock_s() < before_s)))
      return in.fail("a busy number's packed contacts cannot be read");
  const auto load_lane = [&](auto& lane) {
    lane = std::make_unique<typename std::remove_reference_t<decltype(lane)>::element_type>();
    lane->counts.load(in);
    lane->peers.load(in, !before.empty());
  };
  if (in.u8() != 0) {
    region_step = std::make_unique<std::array<std::uint32_t, kRegions>>();
    for (std::uint32_t& step : *region_step) step = static_cast<std::uint32_t>(in.varint());
  }
  if ((lanes & 1U) != 0) load_lane(calls_out);
  if ((lanes & 2U) != 0) load_lane(calls_in);
  if ((lanes & 4U) != 0) load_lane(messages_out);
  if ((lanes & 8U) != 0) load_lane(messages_in);
}

// ---- all numbers of a shard ----

std::span<const Contact> NumberActivities::contacts(const NumberRecord& record, Room& room) const {
  if (record.tier == NumberRecord::kListed) return {list(record), record.listed.size};
  if (record.tier == NumberRecord::kLedger) return {record.ledger.contacts, record.size};
  if (record.tier == NumberRecord::kBusy) return {};
  for (std::uint32_t i = 0; i < record.size; ++i) {
    const ShortContact& c = record.in.contacts[i];
    room[i] = Contact{c, c.has_device == 1 ? record.in.device : std::uint16_t{0},
                      c.has_cell == 1 ? record.in.cell : std::uint16_t{0}};
    room[i].has_device = room[i].has_cell = 0;
  }
  return {room.data(), record.size};
}

namespace {
std::uint32_t bound_in(const NumberRecord::Ledgered& ledger, Window w) {
  return decoded(w <= Window::k1h ? ledger.in_1h : w == Window::k24h ? ledger.in_24h : ledger.in_30d);
}
}  // namespace

bool NumberActivities::fewer_than(const NumberRecord& record, std::uint32_t n, Window w) const {
  if (n == 0) return false;
  const std::uint32_t start = start_s(w, record.newest_s);
  switch (record.tier) {
    case NumberRecord::kInline:
      return record.size < n || record.in.contacts[record.size - n].time_s < start;
    case NumberRecord::kListed:
      return record.listed.size < n || list(record)[record.listed.size - n].time_s < start;
    case NumberRecord::kLedger: {
      std::uint64_t most = bound_in(record.ledger, w);
      for (std::uint32_t i = 0; i < record.size; ++i) most += record.ledger.contacts[i].time_s >= start ? 1U : 0U;
      return most < n;
    }
    default:
      return false;
  }
}

std::uint32_t NumberActivities::contacts_at_most(const NumberRecord& record) const {
  switch (record.tier) {
    case NumberRecord::kInline:
      return record.size;
    case NumberRecord::kListed:
      return record.listed.size;
    case NumberRecord::kLedger: {
      const std::uint32_t packed = decoded(record.ledger.in_30d);
      return packed > 0xfffffff0 ? packed : packed + record.size;
    }
    default:
      return 0xffffffff;
  }
}

NumberActivities::Unpacked& NumberActivities::unpacked(std::uint64_t of) const {
  for (Unpacked& u : unpacked_)
    if (u.of == of) return u;
  Unpacked& u = unpacked_[next_unpacked_];
  next_unpacked_ = (next_unpacked_ + 1) % unpacked_.size();
  u.of = 0;
  return u;
}

Ledger& NumberActivities::ledger_of(const NumberRecord& record, bool whole) const {
  const bool is_busy = record.tier == NumberRecord::kBusy;
  const std::uint64_t of =
      is_busy ? (std::uint64_t{1} << 33) + record.busy.handle : record.ledger.block + std::uint64_t{1};
  Unpacked& u = unpacked(of);
  if (u.of == 0 || (whole && !u.whole)) {
    whole |= is_busy;
    const std::uint8_t* block = is_busy ? nullptr : blocks_.at(record.ledger.block);
    const std::size_t bytes = is_busy ? 0 : BlockPool::size_of(record.ledger.size_class);
    CHECK(is_busy ? unpack(u.ledger, busy(record).before)
          : whole ? u.ledger.unpack(block, bytes)
                  : u.ledger.unpack_recents(block, bytes));
    u.of = of;
    u.whole = whole;
  }
  return u.ledger;
}

const Ledger* NumberActivities::ledger(const NumberRecord& record) const {
  if (record.tier == NumberRecord::kBusy ? busy(record).before.empty() : record.tier != NumberRecord::kLedger)
    return nullptr;
  return &ledger_of(record);
}

const Ledger* NumberActivities::ledger_recents(const NumberRecord& record) const {
  if (record.tier == NumberRecord::kBusy ? busy(record).before.empty() : record.tier != NumberRecord::kLedger)
    return nullptr;
  if (record.tier == NumberRecord::kLedger && record.ledger.in_1h == 0) return nullptr;
  return &ledger_of(record, false);
}

void NumberActivities::forget_unpacked(std::uint64_t of) {
  for (Unpacked& u : unpacked_)
    if (u.of == of) u.of = 0;
}

void NumberActivities::prefetch_more(model::NumberKey number, std::uint64_t hash) const {
  const NumberRecord* record = table_.peek_hash(number, hash);
  if (record == nullptr) return;
  const auto lines = [](const void* from, std::uint32_t bytes) {
    for (std::uint32_t at = 0; at < bytes; at += 64) fetch_line(static_cast<const std::uint8_t*>(from) + at);
  };
  switch (record->tier) {
    case NumberRecord::kInline:
      return;
    case NumberRecord::kListed:
      return lines(list(*record), BlockPool::size_of(record->listed.size_class));
    case NumberRecord::kLedger:
      return lines(blocks_.at(record->ledger.block),
                   std::min<std::uint32_t>(BlockPool::size_of(record->ledger.size_class), 384));
    default:
      fetch_line(&busy_.at(record->busy.handle));
      if (record->busy.places != 0) fetch_line(&places_.at(record->busy.places - 1));
  }
}

void NumberActivities::update(model::NumberKey number, std::uint64_t hash, const NumberContact& c, EventMs watermark) {
  bool fresh = false;
  NumberRecord& record =
      table_.touch_hash(number, hash, watermark, &fresh, [this](NumberRecord& old) { release(old); });
  const std::uint32_t t = seconds32(c.time);
  if (fresh) {
    record.first_s = record.newest_s = t;
  } else if (t > record.newest_s) {
    const std::uint32_t silence = t - record.newest_s;
    if (silence >= kSilenceS) {
      record.silence_h = static_cast<std::uint16_t>(std::min<std::uint32_t>(silence / kHour, 0xffff));
      record.woke_h = (t / kHour) & 0xfff;
    } else if (record.silence_h != 0 && ((t / kHour - record.woke_h) & 0xfff) > 7 * 24) {
      record.silence_h = 0;
    }
    record.newest_s = t;
  } else {
    record.first_s = std::min(record.first_s, t);
  }
  if (t < oldest_of(record)) {
    ++too_old_;
    return;
  }
  Contact contact = contact_of(c, t);
  if (!contact.message && !contact.outgoing && called_before(record, contact.peer)) contact.returned = 1;
  switch (record.tier) {
    case NumberRecord::kInline:
      return add_inline(record, contact);
    case NumberRecord::kListed:
      return add_listed(record, contact);
    case NumberRecord::kLedger:
      return add_ledger(record, contact);
    default:
      return add_busy(record, contact);
  }
}

bool NumberActivities::called_before(const NumberRecord& record, std::uint32_t peer) const {
  const std::uint32_t oldest = start_s(Window::k7d, record.newest_s);
  const auto called = [&](const ShortContact& c) {
    return c.peer == peer && c.outgoing == 1 && c.message == 0 && c.time_s >= oldest;
  };
  switch (record.tier) {
    case NumberRecord::kInline:
      return std::any_of(record.in.contacts, record.in.contacts + record.size, called);
    case NumberRecord::kListed:
      return std::any_of(list(record), list(record) + record.listed.size, called);
    case NumberRecord::kLedger:
      return std::any_of(record.ledger.contacts, record.ledger.contacts + record.size, called) ||
             ledger_of(record).called_since(peer, oldest);
    default: {
      const BusyNumber& b = busy(record);
      if (b.calls_out != nullptr) {
        const BusyNumber::Peers& peers = b.calls_out->peers;
        // What the short set holds beyond its 24 h is chance.
        if (peers.short_time.contains_since(peer, start_s(Window::k24h, record.newest_s)) ||
            peers.long_time.contains_since(peer, oldest))
          return true;
      }
      const Ledger* before = ledger(record);
      return before != nullptr && before->called_since(peer, oldest);
    }
  }
}

void NumberActivities::add_inline(NumberRecord& record, const Contact& contact) {
  const std::uint32_t oldest = oldest_of(record);
  NumberRecord::Inline& in = record.in;
  std::uint32_t kept = 0;
  bool has_device = false, has_cell = false;
  for (std::uint32_t i = 0; i < record.size; ++i) {
    const ShortContact c = in.contacts[i];
    if (c.time_s < oldest) continue;
    in.contacts[kept++] = c;
    has_device |= c.has_device == 1;
    has_cell |= c.has_cell == 1;
  }
  record.size = kept & 3;
  const bool other_device = contact.device != 0 && has_device && in.device != contact.device;
  const bool other_cell = contact.cell != 0 && has_cell && in.cell != contact.cell;
  if (kept == kInlineContacts || other_device || other_cell) {
    list_inline(record);
    return add_listed(record, contact);
  }
  if (contact.device != 0) in.device = contact.device;
  if (contact.cell != 0) in.cell = contact.cell;
  insert_sorted(in.contacts, kept, shortened(contact));
  record.size = (kept + 1) & 3;
}

void NumberActivities::list_inline(NumberRecord& record) {
  Room room;
  const std::span<const Contact> all = contacts(record, room);
  record.tier = NumberRecord::kListed;
  record.size = 0;
  ++listed_;
  set_list(record, all);
}

void NumberActivities::see_places(NumberRecord& record, const Contact& contact) {
  if (contact.device == 0 && contact.cell == 0) return;
  if (record.busy.places == 0) record.busy.places = places_.take() + 1;
  Places& places = places_.at(record.busy.places - 1);
  if (contact.device != 0) places.add(false, contact.device, contact.time_s, record.newest_s);
  if (contact.cell != 0) places.add(true, contact.cell, contact.time_s, record.newest_s);
}

// Contacts that left the longest window go.
void NumberActivities::purge(NumberRecord& record) {
  Contact* block = list(record);
  const std::size_t size = record.listed.size;
  const std::uint32_t oldest = oldest_of(record);
  std::size_t gone = 0;
  while (gone < size && block[gone].time_s < oldest) ++gone;
  if (gone == 0) return;
  std::copy(block + gone, block + size, block);
  record.listed.size = static_cast<std::uint16_t>(size - gone);
}

void NumberActivities::set_list(NumberRecord& record, std::span<const Contact> contacts) {
  const unsigned size_class =
      BlockPool::class_for(std::min<std::size_t>(kListedContacts, contacts.size() + kListStep) * sizeof(Contact));
  record.listed = NumberRecord::Listed{blocks_.take(size_class), static_cast<std::uint16_t>(contacts.size()),
                                       static_cast<std::uint8_t>(size_class)};
  std::copy(contacts.begin(), contacts.end(), list(record));
}

void NumberActivities::add_listed(NumberRecord& record, const Contact& contact) {
  const auto capacity = [&] {
    return BlockPool::size_of(record.listed.size_class) / static_cast<std::uint32_t>(sizeof(Contact));
  };
  if (record.listed.size == std::min(capacity(), kListedContacts)) {
    purge(record);
    if (record.listed.size == kListedContacts) {
      make_ledger(record);
      return add_ledger(record, contact);
    }
    if (record.listed.size == capacity() || record.listed.size * 4U <= capacity()) {
      Contact kept[kListedContacts];
      const std::size_t size = record.listed.size;
      std::copy_n(list(record), size, kept);
      blocks_.give_back(record.listed.block);
      set_list(record, {kept, size});
    }
  }
  insert_sorted(list(record), record.listed.size, contact);
  ++record.listed.size;
  if (record.listed.size <= kInlineContacts) shrink(record);
}

// Back into the record, where nothing would be lost by it. Sights older than a day may be of other places; they count no more.
void NumberActivities::shrink(NumberRecord& record) {
  Contact kept[kInlineContacts];
  const std::size_t size = record.listed.size;
  std::copy_n(list(record), size, kept);
  const std::uint32_t day = start_s(Window::k24h, record.newest_s);
  std::uint16_t device = 0, cell = 0;
  for (std::size_t i = 0; i < size; ++i) {
    Contact& c = kept[i];
    if (c.time_s < day) c.device = c.cell = 0;
    if ((c.device != 0 && device != 0 && c.device != device) || (c.cell != 0 && cell != 0 && c.cell != cell)) return;
    if (c.device != 0) device = c.device;
    if (c.cell != 0) cell = c.cell;
  }
  release(record);
  for (std::size_t i = 0; i < size; ++i) record.in.contacts[i] = shortened(kept[i]);
  record.size = size & 3;
  record.in.device = device;
  record.in.cell = cell;
}

void NumberActivities::make_ledger(NumberRecord& record) {
  Unpacked& u = unpacked(0);
  u.of = 0;
  u.ledger.clear();
  u.ledger.advance(record.newest_s);
  const Contact* contacts = list(record);
  for (std::size_t i = 0; i < record.listed.size; ++i) CHECK(u.ledger.add(contacts[i]));
  blocks_.give_back(record.listed.block);
  --listed_;
  ++ledgers_;
  record.tier = NumberRecord::kLedger;
  record.size = 0;
  record.ledger = NumberRecord::Ledgered{};
  CHECK(store_ledger(record, u, true));
}

// Packs it into a block that fits. False: it is too large; the old block stays as it was.
bool NumberActivities::store_ledger(NumberRecord& record, Unpacked& u, bool fresh) {
  std::array<std::uint8_t, Ledger::kPackedMax + 2 * kSpare> room;
  const std::size_t bytes = u.ledger.pack(room.data(), Ledger::kPackedMax);
  if (bytes == 0) return false;
  NumberRecord::Ledgered& l = record.ledger;
  const unsigned size_class = BlockPool::class_for(bytes);
  if (fresh || size_class != l.size_class) {
    if (!fresh) blocks_.give_back(l.block);
    l.block = blocks_.take(size_class);
    l.size_class = static_cast<std::uint8_t>(size_class);
  }
  std::uint8_t* block = blocks_.at(l.block);
  std::memcpy(block, room.data(), bytes);
  std::memset(block + bytes, 0, BlockPool::size_of(size_class) - bytes);
  const auto contacts = u.ledger.contacts();
  l.in_1h = coded(contacts[static_cast<std::size_t>(Window::k1h)]);
  l.in_24h = coded(contacts[static_cast<std::size_t>(Window::k24h)]);
  l.in_30d = coded(contacts[static_cast<std::size_t>(kLongest)]);
  u.of = l.block + std::uint64_t{1};
  u.whole = true;
  return true;
}

void NumberActivities::add_ledger(NumberRecord& record, const Contact& contact) {
  NumberRecord::Ledgered& l = record.ledger;
  if (record.size < kLedgerContacts) {
    insert_sorted(l.contacts, record.size, contact);
    record.size = (record.size + 1U) & 3;
    return;
  }
  Ledger& ledger = ledger_of(record);
  Unpacked& u = unpacked(l.block + std::uint64_t{1});
  u.of = 0;  // what is unpacked is no more what stands in the block
  ledger.advance(record.newest_s);
  if (ledger.empty()) {  // everything packed is over 30 d old
    const std::array<Contact, 3> all{l.contacts[0], l.contacts[1], contact};
    release(record);
    record.tier = NumberRecord::kListed;
    ++listed_;
    set_list(record, {all.data(), 2});
    return add_listed(record, contact);
  }
  bool fits = true;
  for (const Contact& c : l.contacts) fits = fits && ledger.add(c);
  if (!fits || !store_ledger(record, u, false)) {
    make_busy(record);
    return add_busy(record, contact);
  }
  l.contacts[0] = contact;
  record.size = 1;
}

void NumberActivities::make_busy(NumberRecord& record) {
  const std::uint32_t handle = busy_.take();
  BusyNumber& b = busy_.at(handle);
  const NumberRecord::Ledgered l = record.ledger;
  const std::uint8_t* block = blocks_.at(l.block);
  b.before.assign(block, block + BlockPool::size_of(l.size_class));
  b.clock_s = record.newest_s;
  blocks_.give_back(l.block);
  forget_unpacked(l.block + std::uint64_t{1});
  --ledgers_;
  const std::uint32_t size = record.size;
  record.tier = NumberRecord::kBusy;
  record.size = 0;
  record.busy = NumberRecord::Busy{handle, 0};
  const Ledger& before = ledger_of(record);
  b.before_s = before.clock_s();
  const auto see = [&](bool cell, std::uint16_t hash, std::uint32_t time_s) {
    Contact c{};
    c.time_s = time_s;
    (cell ? c.cell : c.device) = hash;
    see_places(record, c);
  };
  before.each_place([&](Ledger::Kind kind, std::uint16_t hash, std::uint32_t time_s) {
    if (kind == Ledger::kRegion) return b.see_region(hash, time_s);
    see(kind == Ledger::kCell, hash, time_s);
  });
  for (const Contact& c : before.recents()) {
    see_places(record, c);
    b.see_region(c.region, c.time_s);
  }
  for (std::uint32_t i = 0; i < size; ++i) add_busy(record, l.contacts[i]);
}

// Into the packed time before it was busy; true when it had room.
bool NumberActivities::count_late(NumberRecord& record, const Contact& contact) {
  BusyNumber& b = busy_.at(record.busy.handle);
  Ledger ledger = ledger_of(record);
  forget_unpacked((std::uint64_t{1} << 33) + record.busy.handle);
  return ledger.add(contact) && pack(ledger, b.before);
}

void NumberActivities::add_busy(NumberRecord& record, const Contact& contact) {
  BusyNumber& b = busy_.at(record.busy.handle);
  const std::uint32_t step_s = spec(Window::k7d).step_s;
  const bool new_step = record.newest_s / step_s != b.clock_s / step_s;
  b.advance(record.newest_s);
  if (new_step && !b.before.empty()) age_before(record);
  if (!b.before.empty() && contact.time_s < b.before_s && count_late(record, contact)) {
    b.see_region(contact.region, contact.time_s);
  } else {
    b.add(contact);
  }
  see_places(record, contact);
  if (!b.next.empty() || (new_step && b.before.empty() && b.total(Window::k7d) <= kQuietContacts))
    keep_next(record, contact, new_step);
}

void NumberActivities::keep_next(NumberRecord& record, const Contact& contact, bool new_step) {
  BusyNumber& b = busy_.at(record.busy.handle);
  const std::uint32_t step_s = spec(Window::k7d).step_s;
  Ledger next;
  if (b.next.empty()) {
    b.next_from_s = record.newest_s / step_s * step_s;
    next.clear();
  } else {
    CHECK(unpack(next, b.next));
  }
  next.advance(record.newest_s);
  if (!next.add(contact) || !pack(next, b.next)) b.next = {};
  if (new_step && !b.next.empty() && oldest_of(record) >= b.next_from_s) leave_busy(record);
}

// Lets go of what is over 30 d old, once a day.
void NumberActivities::age_before(NumberRecord& record) {
  BusyNumber& b = busy_.at(record.busy.handle);
  Ledger ledger = ledger_of(record);
  forget_unpacked((std::uint64_t{1} << 33) + record.busy.handle);
  ledger.advance(record.newest_s);
  if (!ledger.empty() && pack(ledger, b.before)) return;
  b.before = {};
  for (const Ledger::Kind lane : {Ledger::kCallOut, Ledger::kCallIn, Ledger::kMessageOut, Ledger::kMessageIn})
    if (BusyNumber::Peers* peers = b.peers(lane); peers != nullptr) peers->met.reset();
}

void NumberActivities::leave_busy(NumberRecord& record) {
  Unpacked& u = unpacked(0);
  u.of = 0;
  CHECK(unpack(u.ledger, busy(record).next));
  release(record);
  record.tier = NumberRecord::kLedger;
  record.size = 0;
  record.ledger = NumberRecord::Ledgered{};
  ++ledgers_;
  CHECK(store_ledger(record, u, true));
}

void NumberActivities::release(NumberRecord& record) {
  switch (record.tier) {
    case NumberRecord::kInline:
      return;
    case NumberRecord::kListed:
      blocks_.give_back(record.listed.block);
      --listed_;
      break;
    case NumberRecord::kLedger:
      blocks_.give_back(record.ledger.block);
      forget_unpacked(record.ledger.block + std::uint64_t{1});
      --ledgers_;
      break;
    default:
      busy_.give_back(record.busy.handle);
      forget_unpacked((std::uint64_t{1} << 33) + record.busy.handle);
      if (record.busy.places != 0) places_.give_back(record.busy.places - 1);
  }
  record.tier = NumberRecord::kInline;
  record.size = 0;
  record.in = NumberRecord::Inline{};
}

void NumberActivities::evict(EventMs watermark) {
  if (sweeps_++ % kSweepParts == 0) blocks_.thin();
  table_.evict(
      watermark, [this](NumberRecord& old) { release(old); }, [this](NumberRecord& record) { move_block(record); });
}

// Out of a slab that is to become empty.
void NumberActivities::move_block(NumberRecord& record) {
  const bool is_list = record.tier == NumberRecord::kListed;
  if (!is_list && record.tier != NumberRecord::kLedger) return;
  std::uint32_t& block = is_list ? record.listed.block : record.ledger.block;
  if (!blocks_.leaving(block)) return;
  const unsigned size_class = is_list ? record.listed.size_class : record.ledger.size_class;
  const std::uint32_t to = blocks_.take(size_class);
  std::memcpy(blocks_.at(to), blocks_.at(block), BlockPool::size_of(size_class));
  blocks_.give_back(block);
  if (!is_list) forget_unpacked(block + std::uint64_t{1});
  block = to;
}

NumberActivities::Memory NumberActivities::memory() const {
  Memory out{table_.bytes(), blocks_.used_bytes(), blocks_.bytes(), 0};
  places_.for_each([&](const Places& p) { out.busy += p.bytes() + sizeof(void*); });
  busy_.for_each([&](const BusyNumber& b) { out.busy += b.bytes() + sizeof(void*); });
  return out;
}

std::uint64_t NumberActivities::bytes() const {
  const Memory m = memory();
  return m.table + m.blocks + m.busy;
}

std::uint64_t NumberActivities::bytes_of(const NumberRecord& record) const {
  switch (record.tier) {
    case NumberRecord::kInline:
      return 0;
    case NumberRecord::kListed:
      return BlockPool::size_of(record.listed.size_class);
    case NumberRecord::kLedger:
      return BlockPool::size_of(record.ledger.size_class);
    default:
      return busy(record).bytes() + (record.busy.places == 0 ? 0 : places_.at(record.busy.places - 1).bytes());
  }
}

void NumberActivities::save_record(StateWriter& out, const NumberRecord& record) const {
  out.u32(record.first_s);
  out.u32(record.newest_s);
  out.u16(record.silence_h);
  out.u16(record.woke_h);
  out.u8(record.tier & 3);
  if (record.tier != NumberRecord::kBusy) {
    Room room;
    save_list(out, contacts(record, room));
    if (record.tier == NumberRecord::kLedger)
      save_packed(out, {blocks_.at(record.ledger.block), BlockPool::size_of(record.ledger.size_class)});
    return;
  }
  busy(record).save(out);
  const Places* seen = places(record);
  out.u8(seen != nullptr ? 1 : 0);
  if (seen != nullptr) seen->save(out);
}

void NumberActivities::load_record(StateReader& in, NumberRecord& record) {
  record.first_s = in.u32();
  record.newest_s = in.u32();
  record.silence_h = in.u16();
  record.woke_h = in.u16() & 0xfff;
  const std::uint8_t tier = in.u8();
  if (tier == NumberRecord::kInline) {
    const std::vector<Contact> list = load_list(in, record.newest_s);
    if (list.size() > kInlineContacts) return in.fail("too many contacts in one record");
    for (const Contact& c : list) {
      record.in.contacts[record.size] = shortened(c);
      record.size = (record.size + 1U) & 3;
      if (c.device != 0) record.in.device = c.device;
      if (c.cell != 0) record.in.cell = c.cell;
    }
  } else if (tier == NumberRecord::kListed) {
    const std::vector<Contact> list = load_list(in, record.newest_s);
    record.tier = NumberRecord::kListed;
    set_list(record, list);
    ++listed_;
  } else if (tier == NumberRecord::kLedger) {
    load_ledger(in, record);
  } else if (tier == NumberRecord::kBusy) {
    const std::uint32_t handle = busy_.take();
    record.tier = NumberRecord::kBusy;
    record.busy = NumberRecord::Busy{handle, 0};
    busy_.at(handle).load(in);
    if (busy_.at(handle).clock_s > record.newest_s)
      return in.fail("a busy number's clock is ahead of its newest event");
    if (in.u8() == 0) return;
    const std::uint32_t seen = places_.take();
    record.busy.places = seen + 1;
    places_.at(seen).load(in);
  } else {
    in.fail("a number's record has an unknown form");
  }
}

void NumberActivities::load_ledger(StateReader& in, NumberRecord& record) {
  const std::vector<Contact> list = load_list(in, record.newest_s);
  if (list.size() > kLedgerContacts) return in.fail("too many contacts in one record");
  const std::vector<std::uint8_t> packed = load_packed(in);
  Unpacked& u = unpacked(0);
  u.of = 0;
  if (!in.ok() || !unpack(u.ledger, packed) || u.ledger.clock_s() > record.newest_s)
    return in.fail("a number's packed contacts cannot be read");
  record.ledger = NumberRecord::Ledgered{};
  std::copy(list.begin(), list.end(), record.ledger.contacts);
  if (!store_ledger(record, u, true)) return in.fail("a number's packed contacts are over their bound");
  record.tier = NumberRecord::kLedger;
  record.size = list.size() & 3;
  ++ledgers_;
}

void NumberActivities::save(StateWriter& out) const {
  out.u64(too_old_);
  table_.save(out, [this](StateWriter& o, const NumberRecord& record) { save_record(o, record); });
}

Result<> NumberActivities::load(StateReader& in) {
  const std::uint64_t too_old = in.u64();
  TRY(table_.load(
      in, [this](StateReader& i, NumberRecord& record) { load_record(i, record); },
      [this](NumberRecord& r) { release(r); }));
  too_old_ += too_old;
  return {};
}

}  // namespace pandun::detect
