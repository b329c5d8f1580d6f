#include "detect/features/number_state.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace pandun::detect {
namespace {

constexpr std::uint32_t kHour = 3600, kHalfHour = spec(Window::k24h).step_s;
constexpr std::size_t kListStep = 3;       // room for so many more contacts than there are, when a list is made
constexpr std::uint32_t kSweepParts = 16;  // calls of evict() that go through the whole table once
constexpr std::size_t kPackAtOnce = 4;     // lists packed by one update(), at most
constexpr std::size_t kSpare = 8;          // bytes that bits are read with behind their end

constexpr std::uint64_t kPlaces = (1U << kPlaceBits) - 1;

std::uint16_t place_hash(std::string_view text) {
  return text.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(1 + hash64(text) % kPlaces);
}

Contact contact_of(const NumberContact& c, std::uint32_t time_s, std::uint32_t peer) {
  Contact out{};
  out.time_s = time_s;
  out.peer = short_hash(peer);
  out.device = place_hash(c.device);
  out.cell = place_hash(c.cell);
  out.lane = (c.message ? 2U : 0U) | (c.outgoing ? 0U : 1U);
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

void insert_sorted(Contact* contacts, std::size_t size, const Contact& contact) {
  std::size_t at = size;
  for (; at > 0 && contacts[at - 1].time_s > contact.time_s; --at) contacts[at] = contacts[at - 1];
  contacts[at] = contact;
}

void subtract(NumberTally& from, const NumberTally& n) {
  from.calls_out -= n.calls_out;
  from.answered_out -= n.answered_out;
  from.unanswered_out -= n.unanswered_out;
  from.short_out -= n.short_out;
  from.calls_in -= n.calls_in;
  from.messages_out -= n.messages_out;
  from.messages_in -= n.messages_in;
  from.returns -= n.returns;
  from.talk_out_s -= n.talk_out_s;
}
bool any(const NumberTally& n) {
  return (n.calls_out | n.calls_in | n.messages_out | n.messages_in) != 0;
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

BusyNumber::Peers* BusyNumber::peers(Lane lane) const {
  const auto of = [](const auto& part) { return part == nullptr ? nullptr : &part->peers; };
  switch (lane) {
    case Lane::kCallOut:
      return of(calls_out);
    case Lane::kCallIn:
      return of(calls_in);
    case Lane::kMessageOut:
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

void BusyNumber::forget_before() {
  before = {};
  for (const Lane lane : {Lane::kCallOut, Lane::kCallIn, Lane::kMessageOut, Lane::kMessageIn})
    if (Peers* p = peers(lane); p != nullptr) p->met.reset();
}

NumberTally BusyNumber::counted(Window w, std::uint32_t back) const {
  NumberTally n{};
  if (calls_out != nullptr) {
    n.calls_out = calls_out->counts.at(w, back, kCalls);
    n.answered_out = calls_out->counts.at(w, back, kAnswered);
    n.unanswered_out = calls_out->counts.at(w, back, kUnanswered);
    n.short_out = calls_out->counts.at(w, back, kShort);
    n.talk_out_s = calls_out->counts.at(w, back, kTalk);
  }
  if (calls_in != nullptr) {
    n.calls_in = calls_in->counts.at(w, back, 0);
    n.returns = calls_in->counts.at(w, back, 1);
  }
  if (messages_out != nullptr) n.messages_out = messages_out->counts.at(w, back);
  if (messages_in != nullptr) n.messages_in = messages_in->counts.at(w, back);
  return n;
}

void BusyNumber::see_region(std::uint32_t region, std::uint32_t time_s) {
  if (region == 0) return;
  if (region_step == nullptr) region_step = std::make_unique<std::array<std::uint32_t, kRegions>>();
  std::uint32_t& last = (*region_step)[region % kRegions];
  last = std::max(last, time_s / spec(Window::k24h).step_s + 1);
}

void BusyNumber::add(const Contact& c, std::uint32_t peer) {
  const auto open = [&](auto& lane) -> auto& {
    if (lane == nullptr) {
      lane = std::make_unique<typename std::remove_reference_t<decltype(lane)>::element_type>();
      lane->counts.advance(clock_s);
      if (!before.empty()) lane->peers.met = std::make_unique<Met>();
    }
    lane->peers.advance(clock_s);
    lane->counts.add(c.time_s);
    lane->peers.add(peer, c.time_s);
    return *lane;
  };
  if (c.is(Lane::kMessageOut) || c.is(Lane::kMessageIn)) {
    open(c.outgoing() ? messages_out : messages_in);
  } else if (c.is(Lane::kCallIn)) {
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
  std::uint64_t total = sizeof(*this) + before.capacity() + list.capacity() * sizeof(Contact);
  if (places != nullptr) total += places->bytes();
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
void save_bytes(StateWriter& out, std::span<const std::uint8_t> bytes) {
  out.text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
std::vector<std::uint8_t> load_bytes(StateReader& in) {
  const std::string text = in.text(BlockPool::kLargest);
  return {text.begin(), text.end()};
}
void save_list(StateWriter& out, std::span<const Contact> list) {
  out.varint(list.size());
  for (const Contact& c : list) {
    out.u32(c.time_s);
    out.u32(static_cast<std::uint32_t>(c.talk_s | c.region << 14 | c.lane << 24 | c.answered << 26 | c.returned << 28));
    out.u16(c.peer);
    out.u16(c.device);
    out.u16(c.cell);
  }
}
std::vector<Contact> load_list(StateReader& in, std::uint32_t newest_s) {
  const std::uint64_t size = in.varint();
  std::vector<Contact> out;
  if (size > kListedContacts) {
    in.fail("a contact list is over its bound");
    return out;
  }
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    Contact c{};
    c.time_s = in.u32();
    const std::uint32_t bits = in.u32();
    c.talk_s = bits & 0x3fff;
    c.region = (bits >> 14) & 0x3ff;
    c.lane = (bits >> 24) & 3;
    c.answered = (bits >> 26) & 3;
    c.returned = (bits >> 28) & 1;
    c.peer = in.u16();
    c.device = in.u16();
    c.cell = in.u16();
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
  out.u32(before_s);
  save_bytes(out, before);
  out.u8(listing ? 1 : 0);
  out.u32(listing_from_s);
  save_list(out, list);
  out.u8(places != nullptr ? 1 : 0);
  if (places != nullptr) places->save(out);
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
  before = load_bytes(in);
  listing = in.u8() != 0;
  listing_from_s = in.u32();
  list = load_list(in, clock_s);
  if (before_s > clock_s) return in.fail("a busy number was not busy before its own clock");
  if (in.u8() != 0) {
    places = std::make_unique<Places>();
    places->load(in);
  }
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

// ---- packing ----

// history contacts (coded), length of the history (1 or 2 bytes), the history, the contacts.
std::size_t NumberActivities::pack(std::span<const Contact> contacts, std::span<const std::uint8_t> history,
                                   std::uint8_t history_contacts, std::uint32_t now_s) const {
  std::uint8_t* out = pack_room_.data();
  std::size_t at = 0;
  out[at++] = history_contacts;
  if (history.size() >= 128) out[at++] = static_cast<std::uint8_t>(history.size() & 127U) | 128U;
  out[at++] = static_cast<std::uint8_t>(history.size() < 128 ? history.size() : history.size() >> 7);
  std::copy(history.begin(), history.end(), out + at);
  at += history.size();
  BitWriter writer(out + at, pack_room_.size() - at - kSpare);
  pack_contacts(contacts, now_s, writer);
  const std::size_t bytes = writer.finish();
  CHECK(bytes != 0);
  return at + bytes;
}

bool NumberActivities::unpack(std::span<const std::uint8_t> bytes, std::uint32_t now_s, Unpacked& out) {
  if (bytes.size() < 3) return false;
  std::size_t at = 1, history = bytes[at++];
  if (history >= 128) history = (history & 127U) | std::size_t{bytes[at++]} << 7;
  if (history > bytes.size() - at) return false;
  out.history = bytes.subspan(at, history);
  BitReader reader(bytes.data() + at + history, bytes.size() - at - history);
  return unpack_contacts(reader, now_s, out.contacts.data(), out.size);
}

void NumberActivities::new_list(NumberRecord& record, std::span<const Contact> contacts, const ListHeader& header_of) {
  const std::size_t room = std::min<std::size_t>(kListedContacts, contacts.size() + std::max(kListStep, contacts.size() / 8));
  record.form = NumberRecord::kListed;
  record.size = static_cast<std::uint16_t>(contacts.size());
  record.size_class = static_cast<std::uint8_t>(BlockPool::class_for((room + 1) * sizeof(Contact)));
  record.block = blocks_.take(record.size_class);
  header(record) = header_of;
  std::copy(contacts.begin(), contacts.end(), list(record));
}

void NumberActivities::list_packed(NumberRecord& record) {
  Unpacked packed;
  const std::uint8_t* block = bytes_at(record);
  CHECK(unpack({block, BlockPool::size_of(record.size_class)}, record.newest_s, packed));
  ListHeader head{};
  if (!packed.history.empty()) {
    head.history_bytes = static_cast<std::uint16_t>(packed.history.size());
    head.history_contacts = block[0];
    head.history_class = static_cast<std::uint8_t>(BlockPool::class_for(packed.history.size()));
    head.history = blocks_.take(head.history_class);
    std::copy(packed.history.begin(), packed.history.end(), blocks_.at(head.history));
  }
  blocks_.give_back(record.block);
  --packed_;
  ++listed_;
  new_list(record, {packed.contacts.data(), packed.size}, head);
}

void NumberActivities::pack_listed(NumberRecord& record) {
  if (expired(record) > 0) fold(record);
  const ListHeader head = header(record);
  forget_views(record);
  const std::uint8_t* history = head.history_bytes == 0 ? nullptr : blocks_.at(head.history);
  const bool bare = record.size == 0 && history == nullptr;
  const std::size_t bytes =
      bare ? 0 : pack({list(record), record.size}, {history, head.history_bytes}, head.history_contacts, record.newest_s);
  if (history != nullptr) blocks_.give_back(head.history);
  blocks_.give_back(record.block);
  --listed_;
  record.form = bare ? NumberRecord::kBare : NumberRecord::kPacked;
  record.size = 0;
  record.block = 0;
  if (bare) return;
  ++packed_;
  record.size_class = static_cast<std::uint8_t>(BlockPool::class_for(bytes));
  record.block = blocks_.take(record.size_class);
  std::uint8_t* block = bytes_at(record);
  std::copy(pack_room_.begin(), pack_room_.begin() + static_cast<std::ptrdiff_t>(bytes), block);
  std::fill(block + bytes, block + BlockPool::size_of(record.size_class), std::uint8_t{0});
}

// Those touched longest ago, roughly: who was touched since it was queued gets another turn.
void NumberActivities::pack_oldest() {
  constexpr std::size_t kAhead = 12;
  for (std::size_t i = 0; i < kPackAtOnce && listed_ > options_.listed_most && !queue_.empty(); ++i) {
    const auto ahead = [&](std::size_t n) { return n < queue_.size() ? queue_[n] : queue_.back(); };
    const model::NumberKey first = queue_.front();
    table_.prefetch(ahead(2 * kAhead), 0);
    table_.prefetch(ahead(kAhead), 1);
    prefetch_more(ahead(kAhead / 2), StateTable<model::NumberKey, NumberRecord>::hash(ahead(kAhead / 2)));
    queue_.pop_front();
    NumberRecord* record = table_.find(first, EventMs{0});
    if (record == nullptr || record->form != NumberRecord::kListed) continue;
    if (record->again == 1) {
      record->again = 0;
      queue_.push_back(first);
    } else {
      pack_listed(*record);
    }
  }
}

// ---- what left the 24 h ----

std::size_t NumberActivities::expired(const NumberRecord& record) const {
  const std::uint32_t start = start_s(Window::k24h, record.newest_s);
  const Contact* contacts = list(record);
  std::size_t n = 0;
  while (n < record.size && contacts[n].time_s < start) ++n;
  return n;
}

// Each at the moment it left, so that it does not matter when this is done: who was met again before that moment comes with
// the later contact, as where it was packed in between. A contact that comes late is only listed after this.
void NumberActivities::fold(std::span<const Contact> contacts, std::uint32_t now_s, History& into) const {
  constexpr std::uint32_t kSteps = spec(Window::k24h).steps;
  const std::uint32_t start = start_s(Window::k24h, now_s);
  for (std::size_t i = 0; i < contacts.size() && contacts[i].time_s < start; ++i) {
    Contact c = contacts[i];
    const std::uint32_t left_s = (c.time_s / kHalfHour + kSteps) * kHalfHour;
    for (std::size_t later = i + 1; c.peer != 0 && later < contacts.size() && contacts[later].time_s < left_s; ++later)
      if (contacts[later].peer == c.peer && contacts[later].lane == c.lane) c.peer = 0;
    into.advance(left_s);
    into.add(c);
  }
}

bool NumberActivities::read_history(const NumberRecord& record, History& out) const {
  const ListHeader& head = header(record);
  out.clear();
  if (head.history_bytes == 0) return false;
  BitReader reader(blocks_.at(head.history), head.history_bytes);
  CHECK(out.unpack(reader));
  return true;
}

void NumberActivities::store_history(NumberRecord& record, const History& history) {
  ListHeader head = header(record);
  forget_views(record);
  std::size_t bytes = 0;
  if (!history.empty()) {
    BitWriter writer(pack_room_.data(), pack_room_.size() - kSpare);
    history.pack(writer);
    bytes = writer.finish();
    CHECK(bytes != 0 && bytes < (1U << 14));
  }
  const auto size_class = static_cast<std::uint8_t>(BlockPool::class_for(bytes));
  if (head.history_bytes != 0 && (bytes == 0 || size_class != head.history_class)) {
    blocks_.give_back(head.history);
    head.history_bytes = 0;
  }
  if (bytes != 0 && head.history_bytes == 0) head.history = blocks_.take(size_class);
  if (bytes != 0) std::copy_n(pack_room_.begin(), bytes, blocks_.at(head.history));
  head.history_bytes = static_cast<std::uint16_t>(bytes);
  head.history_class = size_class;
  head.history_contacts = coded(history.contacts());
  header(record) = head;
}

void NumberActivities::fold(NumberRecord& record) {
  const std::size_t gone = expired(record);
  History history;
  read_history(record, history);
  fold({list(record), record.size}, record.newest_s, history);
  store_history(record, history);
  Contact* contacts = list(record);
  std::copy(contacts + gone, contacts + record.size, contacts);
  record.size = static_cast<std::uint16_t>(record.size - gone);
}

// ---- all numbers of a shard ----

std::span<const Contact> NumberActivities::contacts(const NumberRecord& record) const {
  if (record.form == NumberRecord::kListed) return {list(record), record.size};
  if (record.form != NumberRecord::kBusy || busy(record).before.empty()) return {};
  const std::uint64_t of = record.block + std::uint64_t{1};
  for (const BeforeView& view : befores_)
    if (view.of == of) return {view.contacts.data(), view.size};
  BeforeView& view = befores_[next_before_];
  next_before_ = (next_before_ + 1) % befores_.size();
  const BusyNumber& b = busy(record);
  Unpacked packed;
  CHECK(unpack({b.before.data(), b.before.size() - kSpare}, b.before_s, packed));
  view.of = of;
  view.size = packed.size;
  std::copy_n(packed.contacts.begin(), packed.size, view.contacts.begin());
  return {view.contacts.data(), view.size};
}

const History* NumberActivities::history(const NumberRecord& record) const {
  const bool is_busy = record.form == NumberRecord::kBusy;
  if (is_busy ? busy(record).before.empty()
              : record.form != NumberRecord::kListed || (header(record).history_bytes == 0 && expired(record) == 0))
    return nullptr;
  const std::uint64_t of = is_busy ? (std::uint64_t{1} << 33) + record.block : record.block + std::uint64_t{1};
  for (const HistoryView& view : histories_)
    if (view.of == of) return &view.history;
  HistoryView& view = histories_[next_history_];
  next_history_ = (next_history_ + 1) % histories_.size();
  view.of = 0;
  if (is_busy) {
    Unpacked packed;
    const BusyNumber& b = busy(record);
    CHECK(unpack({b.before.data(), b.before.size() - kSpare}, b.before_s, packed));
    view.history.clear();
    BitReader reader(packed.history.data(), packed.history.size());
    if (!packed.history.empty()) CHECK(view.history.unpack(reader));
  } else {
    read_history(record, view.history);
  }
  fold(contacts(record), record.newest_s, view.history);
  view.history.advance(record.newest_s);
  view.of = of;
  return &view.history;
}

void NumberActivities::forget_views(const NumberRecord& record) const {
  const bool is_busy = record.form == NumberRecord::kBusy;
  const std::uint64_t of = is_busy ? (std::uint64_t{1} << 33) + record.block : record.block + std::uint64_t{1};
  for (HistoryView& view : histories_)
    if (view.of == of) view.of = 0;
}

bool NumberActivities::fewer_than(const NumberRecord& record, std::uint32_t n, Window w) const {
  if (n == 0 || record.form == NumberRecord::kBusy) return false;
  if (record.form != NumberRecord::kListed) return true;
  if (w >= Window::k7d) return contacts_at_most(record) < n;
  return record.size < n || list(record)[record.size - n].time_s < start_s(w, record.newest_s);
}

std::uint32_t NumberActivities::contacts_at_most(const NumberRecord& record) const {
  if (record.form == NumberRecord::kBusy) return 0xffffffff;
  if (record.form != NumberRecord::kListed) return 0;
  const std::uint32_t before = decoded(header(record).history_contacts);
  return before > 0xffff0000 ? before : before + record.size;
}

void NumberActivities::prefetch_more(model::NumberKey number, std::uint64_t hash) const {
  const NumberRecord* record = table_.peek_hash(number, hash);
  if (record == nullptr || record->form == NumberRecord::kBare) return;
  if (record->form == NumberRecord::kBusy) return fetch_line(&busy(*record));
  const std::uint8_t* block = bytes_at(*record);
  fetch_line(block);
  if (record->form == NumberRecord::kPacked) {
    const std::uint32_t bytes = std::min<std::uint32_t>(BlockPool::size_of(record->size_class), 384);
    for (std::uint32_t at = 64; at < bytes; at += 64) fetch_line(block + at);
    return;
  }
  // The newest contacts, where the next one goes; a long list is read in order, which the processor foresees itself.
  constexpr std::uint32_t kLine = 64 / sizeof(Contact), kLines = 6;
  const std::uint32_t last = (record->size + 1U) / kLine, first = last < kLines ? 0 : last - kLines + 1;
  for (std::uint32_t line = std::max(1U, first); line <= last; ++line) fetch_line(block + line * 64);
}

const NumberRecord* NumberActivities::find(model::NumberKey number, std::uint64_t hash, EventMs watermark) {
  NumberRecord* record = table_.find_hash(number, hash, watermark);
  if (record != nullptr && record->form == NumberRecord::kPacked) {
    list_packed(*record);
    queue_.push_back(number);
  }
  return record;
}

void NumberActivities::update(model::NumberKey number, std::uint64_t hash, const NumberContact& c, EventMs watermark) {
  if (listed_ > options_.listed_most) pack_oldest();
  bool fresh = false;
  NumberRecord& record =
      table_.touch_hash(number, hash, watermark, &fresh, [this](NumberRecord& old) { release(old); });
  // Before its clock moves on: what is packed is told from there.
  if (record.form == NumberRecord::kPacked) {
    list_packed(record);
    queue_.push_back(number);
  }
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
  forget_views(record);
  if (t < start_s(kLongest, record.newest_s)) {
    ++too_old_;
    return;
  }
  const std::uint32_t peer = peer_hash(hash_of(model::key_of(c.peer)));
  Contact contact = contact_of(c, t, peer);
  if (contact.is(Lane::kCallIn) && called_before(record, contact.peer, peer)) contact.returned = 1;
  if (record.form == NumberRecord::kBusy) return add_busy(record, contact, peer);
  if (record.form == NumberRecord::kBare) {
    new_list(record, {}, ListHeader{});
    ++listed_;
    queue_.push_back(number);
  } else {
    record.again = 1;
  }
  add_listed(record, contact, peer);
}

bool NumberActivities::called_before(const NumberRecord& record, std::uint16_t peer16, std::uint32_t peer) const {
  if (record.form == NumberRecord::kBare) return false;
  const std::uint32_t start = start_s(Window::k24h, record.newest_s);
  const std::span<const Contact> all = contacts(record);
  for (std::size_t i = all.size(); i-- > 0 && all[i].time_s >= start;)
    if (all[i].peer == peer16 && all[i].is(Lane::kCallOut)) return true;
  if (record.form != NumberRecord::kBusy) return false;
  const BusyNumber& b = busy(record);
  return b.calls_out != nullptr && b.calls_out->peers.short_time.contains_since(peer, start);
}

void NumberActivities::resize_list(NumberRecord& record, std::size_t room) {
  const auto size_class = static_cast<std::uint8_t>(
      BlockPool::class_for((std::min<std::size_t>(kListedContacts, room) + 1) * sizeof(Contact)));
  if (size_class == record.size_class) return;
  const std::uint32_t to = blocks_.take(size_class);
  std::memcpy(blocks_.at(to), bytes_at(record), (record.size + 1U) * sizeof(Contact));
  blocks_.give_back(record.block);
  forget_views(record);
  record.block = to;
  record.size_class = size_class;
}

void NumberActivities::add_listed(NumberRecord& record, const Contact& contact, std::uint32_t peer) {
  if (contact.time_s < record.newest_s && expired(record) > 0) fold(record);
  if (contact.time_s < start_s(Window::k24h, record.newest_s)) return add_late(record, contact);
  if (record.size == std::min<std::size_t>(room_of(record), kListedContacts)) {
    const std::size_t gone = expired(record);
    if (gone > 0 && (gone >= std::max<std::size_t>(4, record.size / 4U) || record.size == kListedContacts)) fold(record);
    if (record.size == kListedContacts) {
      make_busy(record);
      return add_busy(record, contact, peer);
    }
    const std::size_t room = room_of(record), size = record.size;
    if (size == room)
      resize_list(record, size + std::max(kListStep, size / 8));
    else if (size * 2 + 8 < room)
      resize_list(record, size + kListStep);
  }
  insert_sorted(list(record), record.size, contact);
  ++record.size;
}

void NumberActivities::add_late(NumberRecord& record, const Contact& contact) {
  History history;
  read_history(record, history);
  history.advance(record.newest_s);
  history.add(contact);
  store_history(record, history);
}

// ---- busy ones ----

void NumberActivities::see_places(BusyNumber& busy, const Contact& contact, std::uint32_t newest_s) {
  if (contact.device == 0 && contact.cell == 0) return;
  if (busy.places == nullptr) busy.places = std::make_unique<Places>();
  if (contact.device != 0) busy.places->add(false, contact.device, contact.time_s, newest_s);
  if (contact.cell != 0) busy.places->add(true, contact.cell, contact.time_s, newest_s);
}

void NumberActivities::make_busy(NumberRecord& record) {
  const std::uint32_t handle = busy_.take();
  BusyNumber& b = busy_.at(handle);
  b.clock_s = b.before_s = record.newest_s;
  const std::span<const Contact> contacts{list(record), record.size};
  for (const Contact& c : contacts) {
    see_places(b, c, record.newest_s);
    b.see_region(c.region, c.time_s);
  }
  const ListHeader head = header(record);
  const std::uint8_t* history = head.history_bytes == 0 ? nullptr : blocks_.at(head.history);
  const std::size_t bytes = pack(contacts, {history, head.history_bytes}, head.history_contacts, record.newest_s);
  b.before.assign(bytes + kSpare, 0);
  std::copy_n(pack_room_.begin(), bytes, b.before.begin());
  release(record);
  record.form = NumberRecord::kBusy;
  record.block = handle;
  // The place in memory may have been another's.
  for (BeforeView& view : befores_)
    if (view.of == handle + std::uint64_t{1}) view.of = 0;
  forget_views(record);
}

void NumberActivities::add_busy(NumberRecord& record, const Contact& contact, std::uint32_t peer) {
  BusyNumber& b = busy_.at(record.block);
  const bool new_day = record.newest_s / History::kDayS != b.clock_s / History::kDayS;
  b.advance(record.newest_s);
  if (new_day && !b.before.empty() && b.before_s < start_s(kLongest, record.newest_s)) b.forget_before();
  b.add(contact, peer);
  see_places(b, contact, record.newest_s);
  const std::uint32_t start = start_s(Window::k24h, record.newest_s);
  if (new_day && !b.listing && b.before_s < start && b.total(Window::k24h) <= kQuietContacts) {
    b.listing = true;
    b.listing_from_s = record.newest_s;
  }
  if (!b.listing) return;
  std::erase_if(b.list, [start](const Contact& c) { return c.time_s < start; });
  if (contact.time_s >= start) {
    b.list.push_back(contact);
    insert_sorted(b.list.data(), b.list.size() - 1, contact);
  }
  if (b.list.size() > 2 * kQuietContacts) {
    b.listing = false;
    b.list = {};
  } else if (start >= b.listing_from_s) {
    leave_busy(record);
  }
}

// Counters become a history, less what stands in the list.
void NumberActivities::leave_busy(NumberRecord& record) {
  History history;
  if (const History* before = this->history(record); before != nullptr) history = *before;
  history.advance(record.newest_s);
  const BusyNumber& b = busy(record);
  const std::vector<Contact> contacts = b.list;
  constexpr WindowSpec kDay = spec(Window::k7d), kSpan = spec(Window::k30d);
  const std::uint32_t day = b.clock_s / kDay.step_s, span = b.clock_s / kSpan.step_s;
  std::array<NumberTally, kSpan.steps> spans;
  for (std::uint32_t back = 0; back < kSpan.steps && back <= span; ++back) spans[back] = b.counted(Window::k30d, back);
  for (std::uint32_t back = 0; back < kDay.steps && back <= day; ++back) {
    NumberTally counts = b.counted(Window::k7d, back);
    const std::uint32_t from_s = (day - back) * kDay.step_s;
    if (const std::uint32_t at = span - from_s / kSpan.step_s; at < kSpan.steps) subtract(spans[at], counts);
    NumberTally listed{};
    for (const Contact& c : contacts)
      if (c.time_s / kDay.step_s == day - back) tally_contacts({&c, 1}, listed);
    subtract(counts, listed);
    if (any(counts)) history.add(from_s, counts);
  }
  for (std::uint32_t back = 0; back < kSpan.steps && back <= span; ++back)
    if (any(spans[back])) history.add((span - back) * kSpan.step_s, spans[back]);
  for (std::size_t l = 0; l < kLanes; ++l) {
    const auto lane = static_cast<Lane>(l);
    const BusyNumber::Peers* peers = b.peers(lane);
    if (peers == nullptr) continue;
    peers->long_time.each([&](std::uint32_t met, std::uint32_t hash, unsigned level) {
      const auto same = [&](const Contact& c) { return c.is(lane) && c.peer == short_hash(hash); };
      if (std::any_of(contacts.begin(), contacts.end(), same)) return;
      history.meet(met * History::kDayS, lane, static_cast<std::uint16_t>(hash >> (32 - History::kHashBits)), level);
    });
  }
  release(record);
  new_list(record, contacts, ListHeader{});
  ++listed_;
  store_history(record, history);
}

void NumberActivities::release(NumberRecord& record) {
  forget_views(record);
  switch (record.form) {
    case NumberRecord::kBare:
      break;
    case NumberRecord::kListed:
      if (header(record).history_bytes != 0) blocks_.give_back(header(record).history);
      blocks_.give_back(record.block);
      --listed_;
      break;
    case NumberRecord::kPacked:
      blocks_.give_back(record.block);
      --packed_;
      break;
    default:
      for (BeforeView& view : befores_)
        if (view.of == record.block + std::uint64_t{1}) view.of = 0;
      busy_.give_back(record.block);
  }
  record.form = NumberRecord::kBare;
  record.size = 0;
  record.size_class = 0;
  record.block = 0;
  record.again = 0;
}

void NumberActivities::evict(EventMs watermark) {
  if (sweeps_++ % kSweepParts == 0) blocks_.thin();
  table_.evict(
      watermark, [this](NumberRecord& old) { release(old); }, [this](NumberRecord& record) { move_blocks(record); });
}

// Out of slabs that are to become empty.
void NumberActivities::move_blocks(NumberRecord& record) {
  if (record.form != NumberRecord::kListed && record.form != NumberRecord::kPacked) return;
  if (blocks_.leaving(record.block)) {
    forget_views(record);
    move_block(record.block, record.size_class);
  }
  if (record.form != NumberRecord::kListed) return;
  if (ListHeader& head = header(record); head.history_bytes != 0 && blocks_.leaving(head.history))
    move_block(head.history, head.history_class);
}

void NumberActivities::move_block(std::uint32_t& block, unsigned size_class) {
  const std::uint32_t from = block, to = blocks_.take(size_class);
  std::memcpy(blocks_.at(to), blocks_.at(from), BlockPool::size_of(size_class));
  block = to;
  blocks_.give_back(from);
}

NumberActivities::Memory NumberActivities::memory() const {
  Memory out{table_.bytes(), blocks_.used_bytes(), blocks_.bytes() + queue_.size() * sizeof(model::NumberKey), 0};
  busy_.for_each([&](const BusyNumber& b) { out.busy += b.bytes() + sizeof(void*); });
  return out;
}

std::uint64_t NumberActivities::bytes() const {
  const Memory m = memory();
  return m.table + m.blocks + m.busy;
}

std::uint64_t NumberActivities::bytes_of(const NumberRecord& record) const {
  if (record.form == NumberRecord::kBare) return 0;
  if (record.form == NumberRecord::kBusy) return busy(record).bytes();
  std::uint64_t bytes = BlockPool::size_of(record.size_class);
  if (record.form == NumberRecord::kListed && header(record).history_bytes != 0)
    bytes += BlockPool::size_of(header(record).history_class);
  return bytes;
}

void NumberActivities::save_record(StateWriter& out, const NumberRecord& record) const {
  out.u32(record.first_s);
  out.u32(record.newest_s);
  out.u16(record.silence_h);
  out.u16(record.woke_h);
  if (record.form == NumberRecord::kBusy) {
    out.u8(NumberRecord::kBusy);
    return busy(record).save(out);
  }
  if (record.form == NumberRecord::kBare) return out.u8(NumberRecord::kBare);
  out.u8(NumberRecord::kPacked);
  if (record.form == NumberRecord::kPacked)
    return save_bytes(out, {bytes_at(record), BlockPool::size_of(record.size_class)});
  const ListHeader& head = header(record);
  const std::size_t gone = expired(record);
  std::array<std::uint8_t, 1024> folded;
  std::span<const std::uint8_t> history;
  std::uint8_t history_contacts = head.history_contacts;
  if (gone > 0) {
    History now;
    read_history(record, now);
    fold({list(record), record.size}, record.newest_s, now);
    BitWriter writer(folded.data(), folded.size() - kSpare);
    now.pack(writer);
    if (!now.empty()) history = {folded.data(), writer.finish()};
    history_contacts = coded(now.contacts());
  } else if (head.history_bytes != 0) {
    history = {blocks_.at(head.history), head.history_bytes};
  }
  const std::size_t bytes = pack({list(record) + gone, record.size - gone}, history, history_contacts, record.newest_s);
  save_bytes(out, {pack_room_.data(), bytes});
}

void NumberActivities::load_record(StateReader& in, NumberRecord& record) {
  record.first_s = in.u32();
  record.newest_s = in.u32();
  record.silence_h = in.u16();
  record.woke_h = in.u16() & 0xfff;
  const std::uint8_t form = in.u8();
  if (form == NumberRecord::kBare) return;
  const auto readable = [this](std::span<const std::uint8_t> bytes, std::uint32_t now_s) {
    std::copy(bytes.begin(), bytes.end(), pack_room_.begin());
    std::fill_n(pack_room_.begin() + static_cast<std::ptrdiff_t>(bytes.size()), kSpare, std::uint8_t{0});
    Unpacked packed;
    if (!unpack({pack_room_.data(), bytes.size()}, now_s, packed)) return false;
    BitReader reader(packed.history.data(), packed.history.size());
    History history;
    return packed.history.empty() || history.unpack(reader);
  };
  if (form == NumberRecord::kPacked) {
    const std::vector<std::uint8_t> bytes = load_bytes(in);
    if (!in.ok() || !readable(bytes, record.newest_s)) return in.fail("a number's packed contacts cannot be read");
    record.form = NumberRecord::kPacked;
    record.size_class = static_cast<std::uint8_t>(BlockPool::class_for(bytes.size()));
    record.block = blocks_.take(record.size_class);
    std::copy(bytes.begin(), bytes.end(), bytes_at(record));
    std::fill(bytes_at(record) + bytes.size(), bytes_at(record) + BlockPool::size_of(record.size_class), std::uint8_t{0});
    ++packed_;
  } else if (form == NumberRecord::kBusy) {
    record.form = NumberRecord::kBusy;
    record.block = busy_.take();
    BusyNumber& b = busy_.at(record.block);
    b.load(in);
    if (b.clock_s > record.newest_s) return in.fail("a busy number's clock is ahead of its newest event");
    if (!b.before.empty() &&
        (b.before.size() < kSpare || !readable({b.before.data(), b.before.size() - kSpare}, b.before_s)))
      return in.fail("a busy number's packed contacts cannot be read");
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
