#include "detect/features/number_state.h"

#include <algorithm>

namespace pandun::detect {
namespace {

constexpr std::uint32_t kHour = 3600;

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
  return start_s(Window::k7d, record.newest_s);
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

std::uint64_t BusyNumber::total_7d() const {
  std::uint64_t total = 0;
  if (calls_out != nullptr) total += calls_out->counts.total(Window::k7d);
  if (calls_in != nullptr) total += calls_in->counts.total(Window::k7d);
  if (messages_out != nullptr) total += messages_out->counts.total(Window::k7d);
  if (messages_in != nullptr) total += messages_in->counts.total(Window::k7d);
  return total;
}

void BusyNumber::advance(std::uint32_t now_s) {
  constexpr std::uint32_t kFinest = kWindowSpecs[0].step_s;  // every other step is a multiple of it
  if (now_s <= clock_s) return;
  const bool moved = now_s / kFinest != clock_s / kFinest;
  clock_s = now_s;
  if (!moved) return;
  const auto move = [now_s](auto& lane, auto& distinct) {
    lane.counts.advance(now_s);
    distinct.advance(now_s);
  };
  if (calls_out != nullptr) move(*calls_out, calls_out->callees);
  if (calls_in != nullptr) move(*calls_in, calls_in->callers);
  if (messages_out != nullptr) move(*messages_out, messages_out->peers);
  if (messages_in != nullptr) move(*messages_in, messages_in->peers);
}

void BusyNumber::add(const Contact& c) {
  const auto open = [this](auto& lane) -> auto& {
    if (lane == nullptr) {
      lane = std::make_unique<typename std::remove_reference_t<decltype(lane)>::element_type>();
      lane->counts.advance(clock_s);
    }
    return *lane;
  };
  if (c.message == 1) {
    Messages& lane = open(c.outgoing == 1 ? messages_out : messages_in);
    lane.peers.advance(clock_s);
    lane.counts.add(c.time_s);
    lane.peers.add(c.peer, c.time_s);
  } else if (c.outgoing == 0) {
    CallsIn& lane = open(calls_in);
    lane.callers.advance(clock_s);
    lane.counts.add(c.time_s, 0);
    if (c.returned == 1) lane.counts.add(c.time_s, 1);
    lane.callers.add(c.peer, c.time_s);
  } else {
    CallsOut& lane = open(calls_out);
    lane.callees.advance(clock_s);
    lane.counts.add(c.time_s, kCalls);
    if (c.answered == static_cast<std::uint32_t>(model::Answered::kYes)) {
      lane.counts.add(c.time_s, kAnswered);
      if (c.talk_s <= kShortTalkS) lane.counts.add(c.time_s, kShort);
      lane.counts.add(c.time_s, kTalk, c.talk_s);
    } else if (c.answered == static_cast<std::uint32_t>(model::Answered::kNo)) {
      lane.counts.add(c.time_s, kUnanswered);
    }
    lane.callees.add(c.peer, c.time_s);
    if (c.region != 0) {
      std::uint32_t& last = lane.region_step[c.region];
      last = std::max(last, c.time_s / spec(Window::k24h).step_s + 1);
    }
  }
}

std::uint64_t BusyNumber::bytes() const {
  std::uint64_t total = sizeof(*this) + list.capacity() * sizeof(Contact);
  const auto add = [&](const auto& lane, const DistinctWindows* distinct) {
    if (lane != nullptr) total += sizeof(*lane) - sizeof(DistinctWindows) + distinct->bytes();
  };
  add(calls_out, calls_out != nullptr ? &calls_out->callees : nullptr);
  add(calls_in, calls_in != nullptr ? &calls_in->callers : nullptr);
  add(messages_out, messages_out != nullptr ? &messages_out->peers : nullptr);
  add(messages_in, messages_in != nullptr ? &messages_in->peers : nullptr);
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

void BusyNumber::save(StateWriter& out) const {
  out.u32(clock_s);
  out.u8(static_cast<std::uint8_t>((calls_out != nullptr ? 1U : 0U) | (calls_in != nullptr ? 2U : 0U) |
                                   (messages_out != nullptr ? 4U : 0U) | (messages_in != nullptr ? 8U : 0U)));
  if (calls_out != nullptr) {
    calls_out->counts.save(out);
    calls_out->callees.save(out);
    for (const std::uint32_t step : calls_out->region_step) out.varint(step);
  }
  if (calls_in != nullptr) {
    calls_in->counts.save(out);
    calls_in->callers.save(out);
  }
  for (const Messages* lane : {messages_out.get(), messages_in.get()}) {
    if (lane == nullptr) continue;
    lane->counts.save(out);
    lane->peers.save(out);
  }
  out.u8(listing ? 1 : 0);
  out.u32(listing_from_s);
  save_list(out, list);
}

void BusyNumber::load(StateReader& in) {
  clock_s = in.u32();
  const std::uint8_t lanes = in.u8();
  if ((lanes & 1U) != 0) {
    calls_out = std::make_unique<CallsOut>();
    calls_out->counts.load(in);
    calls_out->callees.load(in);
    for (std::uint32_t& step : calls_out->region_step) step = static_cast<std::uint32_t>(in.varint());
  }
  if ((lanes & 2U) != 0) {
    calls_in = std::make_unique<CallsIn>();
    calls_in->counts.load(in);
    calls_in->callers.load(in);
  }
  const auto load_messages = [&](std::unique_ptr<Messages>& lane) {
    lane = std::make_unique<Messages>();
    lane->counts.load(in);
    lane->peers.load(in);
  };
  if ((lanes & 4U) != 0) load_messages(messages_out);
  if ((lanes & 8U) != 0) load_messages(messages_in);
  listing = in.u8() != 0;
  listing_from_s = in.u32();
  list = load_list(in, clock_s);
}

// ---- all numbers of a shard ----

std::span<const Contact> NumberActivities::contacts(const NumberRecord& record, Inline& room) const {
  if (record.tier == NumberRecord::kListed)
    return {lists_.at(record.listed.size_class, record.listed.block), record.listed.size};
  for (std::uint32_t i = 0; i < record.size; ++i) {
    const ShortContact& c = record.contacts[i];
    room[i] = Contact{c, c.has_device == 1 ? record.device : std::uint16_t{0},
                      c.has_cell == 1 ? record.cell : std::uint16_t{0}};
    room[i].has_device = room[i].has_cell = 0;
  }
  return {room.data(), record.size};
}

bool NumberActivities::fewer_than(const NumberRecord& record, std::uint32_t n, std::uint32_t start) const {
  if (record.tier == NumberRecord::kBusy || n == 0) return false;
  if (record.tier == NumberRecord::kInline) return record.size < n || record.contacts[record.size - n].time_s < start;
  return record.listed.size < n ||
         lists_.at(record.listed.size_class, record.listed.block)[record.listed.size - n].time_s < start;
}

void NumberActivities::prefetch_more(model::NumberKey number, std::uint64_t hash) const {
  const NumberRecord* record = table_.peek_hash(number, hash);
  if (record == nullptr || record->tier == NumberRecord::kInline) return;
  if (record->tier == NumberRecord::kListed) {
    // The newest contacts, where the next one goes; a long list is read in order, which the processor foresees itself.
    constexpr std::uint32_t kLine = 64 / sizeof(Contact), kLines = 6;
    const Contact* list = lists_.at(record->listed.size_class, record->listed.block);
    const std::uint32_t last = record->listed.size / kLine, first = last < kLines ? 0 : last - kLines + 1;
    for (std::uint32_t line = first; line <= last; ++line) fetch_line(list + line * kLine);
    return;
  }
  fetch_line(&busy_.at(record->listed.busy));
  if (record->listed.places != 0) fetch_line(&places_.at(record->listed.places - 1));
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
    default:
      return add_busy(record, contact);
  }
}

bool NumberActivities::called_before(const NumberRecord& record, std::uint32_t peer) const {
  if (record.tier == NumberRecord::kBusy) {
    const BusyNumber& busy = busy_.at(record.listed.busy);
    return busy.calls_out != nullptr && busy.calls_out->callees.contains_since(peer, oldest_of(record));
  }
  const std::uint32_t oldest = oldest_of(record);
  const auto called = [&](const ShortContact& c) {
    return c.peer == peer && c.outgoing == 1 && c.message == 0 && c.time_s >= oldest;
  };
  if (record.tier == NumberRecord::kInline) return std::any_of(record.contacts, record.contacts + record.size, called);
  const Contact* list = lists_.at(record.listed.size_class, record.listed.block);
  return std::any_of(list, list + record.listed.size, called);
}

void NumberActivities::add_inline(NumberRecord& record, const Contact& contact) {
  const std::uint32_t oldest = oldest_of(record);
  std::uint32_t kept = 0;
  bool has_device = false, has_cell = false;
  for (std::uint32_t i = 0; i < record.size; ++i) {
    const ShortContact c = record.contacts[i];
    if (c.time_s < oldest) continue;
    record.contacts[kept++] = c;
    has_device |= c.has_device == 1;
    has_cell |= c.has_cell == 1;
  }
  record.size = kept & 3;
  const bool other_device = contact.device != 0 && has_device && record.device != contact.device;
  const bool other_cell = contact.cell != 0 && has_cell && record.cell != contact.cell;
  if (kept == kInlineContacts || other_device || other_cell) {
    list_inline(record);
    return add_listed(record, contact);
  }
  if (contact.device != 0) record.device = contact.device;
  if (contact.cell != 0) record.cell = contact.cell;
  insert_sorted(record.contacts, kept, shortened(contact));
  record.size = (kept + 1) & 3;
}

void NumberActivities::list_inline(NumberRecord& record) {
  Inline room;
  const std::size_t size = contacts(record, room).size();
  record.tier = NumberRecord::kListed;
  record.listed = NumberRecord::Listed{lists_.take(0), 0, 0, 0, 0};
  ++listed_;
  std::copy_n(room.data(), size, lists_.at(0, record.listed.block));
  record.listed.size = static_cast<std::uint16_t>(size);
}

void NumberActivities::see_places(NumberRecord& record, const Contact& contact) {
  if (contact.device == 0 && contact.cell == 0) return;
  if (record.listed.places == 0) record.listed.places = places_.take() + 1;
  Places& places = places_.at(record.listed.places - 1);
  if (contact.device != 0) places.add(false, contact.device, contact.time_s, record.newest_s);
  if (contact.cell != 0) places.add(true, contact.cell, contact.time_s, record.newest_s);
}

// Contacts that left the longest window go; the list shrinks to the class that fits, or back into the record.
void NumberActivities::purge(NumberRecord& record) {
  Contact* block = lists_.at(record.listed.size_class, record.listed.block);
  const std::size_t size = record.listed.size;
  const std::uint32_t oldest = oldest_of(record);
  std::size_t gone = 0;
  while (gone < size && block[gone].time_s < oldest) ++gone;
  if (gone == 0) return;
  std::copy(block + gone, block + size, block);
  record.listed.size = static_cast<std::uint16_t>(size - gone);
}

void NumberActivities::set_list(NumberRecord& record, std::span<const Contact> contacts) {
  unsigned size_class = 0;
  while (Pool::capacity(size_class) < contacts.size()) ++size_class;
  record.listed.block = lists_.take(size_class);
  record.listed.size_class = static_cast<std::uint8_t>(size_class);
  record.listed.size = static_cast<std::uint16_t>(contacts.size());
  std::copy(contacts.begin(), contacts.end(), lists_.at(size_class, record.listed.block));
}

void NumberActivities::add_listed(NumberRecord& record, const Contact& contact) {
  if (record.listed.size == Pool::capacity(record.listed.size_class)) {
    purge(record);
    if (record.listed.size == kListedContacts) {
      make_busy(record);
      return add_busy(record, contact);
    }
    const std::uint32_t capacity = Pool::capacity(record.listed.size_class);
    if (record.listed.size == capacity || record.listed.size * 4U <= capacity) {
      const unsigned old_class = record.listed.size_class;
      const std::uint32_t old_block = record.listed.block;
      Contact kept[kListedContacts];
      const std::size_t size = record.listed.size;
      std::copy_n(lists_.at(old_class, old_block), size, kept);
      set_list(record, {kept, size});
      if (size == Pool::capacity(record.listed.size_class)) {  // full again at once: the next class
        lists_.give_back(record.listed.size_class, record.listed.block);
        record.listed.size_class = static_cast<std::uint8_t>(record.listed.size_class + 1);
        record.listed.block = lists_.take(record.listed.size_class);
        std::copy_n(kept, size, lists_.at(record.listed.size_class, record.listed.block));
      }
      lists_.give_back(old_class, old_block);
    }
  }
  insert_sorted(lists_.at(record.listed.size_class, record.listed.block), record.listed.size, contact);
  ++record.listed.size;
  if (record.listed.size <= kInlineContacts) shrink(record);
}

// Back into the record, where nothing would be lost by it. Sights older than a day may be of other places; they count no more.
void NumberActivities::shrink(NumberRecord& record) {
  Contact kept[kInlineContacts];
  const std::size_t size = record.listed.size;
  std::copy_n(lists_.at(record.listed.size_class, record.listed.block), size, kept);
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
  for (std::size_t i = 0; i < size; ++i) record.contacts[i] = shortened(kept[i]);
  record.tier = NumberRecord::kInline;
  record.size = size & 3;
  record.device = device;
  record.cell = cell;
}

void NumberActivities::make_busy(NumberRecord& record) {
  const std::uint32_t handle = busy_.take();
  BusyNumber& busy = busy_.at(handle);
  busy.clock_s = record.newest_s;
  const Contact* list = lists_.at(record.listed.size_class, record.listed.block);
  for (std::size_t i = 0; i < record.listed.size; ++i) {
    busy.add(list[i]);
    see_places(record, list[i]);
  }
  lists_.give_back(record.listed.size_class, record.listed.block);
  --listed_;
  record.tier = NumberRecord::kBusy;
  record.listed.busy = handle;
  record.listed.size = 0;
}

void NumberActivities::add_busy(NumberRecord& record, const Contact& contact) {
  BusyNumber& busy = busy_.at(record.listed.busy);
  const std::uint32_t step_s = spec(Window::k7d).step_s;
  const bool new_step = record.newest_s / step_s != busy.clock_s / step_s;
  busy.advance(record.newest_s);
  busy.add(contact);
  if (busy.listing) {
    if (busy.list.size() == kListedContacts) {
      busy.listing = false;
      busy.list = {};
    } else {
      busy.list.push_back(contact);
      insert_sorted(busy.list.data(), busy.list.size() - 1, contact);
    }
  } else if (new_step && busy.total_7d() <= kQuietContacts) {
    busy.listing = true;
    busy.listing_from_s = record.newest_s / step_s * step_s;
    busy.list.assign(1, contact);
  }
  see_places(record, contact);
  if (new_step && busy.listing && oldest_of(record) >= busy.listing_from_s) leave_busy(record);
}

void NumberActivities::leave_busy(NumberRecord& record) {
  const std::vector<Contact> list = std::move(busy_.at(record.listed.busy).list);
  busy_.give_back(record.listed.busy);
  if (record.listed.places != 0) places_.give_back(record.listed.places - 1);
  record.listed.places = 0;
  record.tier = NumberRecord::kListed;
  ++listed_;
  set_list(record, list);
  purge(record);
}

void NumberActivities::release(NumberRecord& record) {
  if (record.tier == NumberRecord::kInline) return;
  if (record.tier == NumberRecord::kBusy) {
    busy_.give_back(record.listed.busy);
    if (record.listed.places != 0) places_.give_back(record.listed.places - 1);
  } else {
    lists_.give_back(record.listed.size_class, record.listed.block);
    --listed_;
  }
  record.tier = NumberRecord::kInline;
}

void NumberActivities::evict(EventMs watermark) {
  table_.evict(watermark, [this](NumberRecord& old) { release(old); });
}

std::uint64_t NumberActivities::bytes() const {
  std::uint64_t total = table_.bytes() + lists_.bytes();
  places_.for_each([&](const Places& p) { total += p.bytes() + sizeof(void*); });
  busy_.for_each([&](const BusyNumber& b) { total += b.bytes() + sizeof(void*); });
  return total;
}

void NumberActivities::save_record(StateWriter& out, const NumberRecord& record) const {
  out.u32(record.first_s);
  out.u32(record.newest_s);
  out.u16(record.silence_h);
  out.u16(record.woke_h);
  out.u8(record.tier & 3);
  if (record.tier != NumberRecord::kBusy) {
    Inline room;
    return save_list(out, contacts(record, room));
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
      record.contacts[record.size] = shortened(c);
      record.size = (record.size + 1U) & 3;
      if (c.device != 0) record.device = c.device;
      if (c.cell != 0) record.cell = c.cell;
    }
  } else if (tier == NumberRecord::kListed) {
    const std::vector<Contact> list = load_list(in, record.newest_s);
    record.tier = NumberRecord::kListed;
    record.listed = NumberRecord::Listed{0, 0, 0, 0, 0};
    set_list(record, list);
    ++listed_;
  } else if (tier == NumberRecord::kBusy) {
    const std::uint32_t handle = busy_.take();
    record.tier = NumberRecord::kBusy;
    record.listed = NumberRecord::Listed{0, 0, handle, 0, 0};
    busy_.at(handle).load(in);
    if (in.u8() == 0) return;
    const std::uint32_t seen = places_.take();
    record.listed.places = seen + 1;
    places_.at(seen).load(in);
  } else {
    in.fail("a number's record has an unknown form");
  }
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
