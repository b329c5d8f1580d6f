#include "detect/features/busy_number.h"

#include <algorithm>
#include <tuple>

#include "detect/features/number_parts.h"

namespace pandun::detect {

// ---- places ----

void Places::add(bool cell, std::uint16_t hash, std::uint32_t time_s, std::uint32_t newest_s) {
  const std::uint32_t start = start_s(kLongest, newest_s);
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

std::size_t Places::count(bool cell, std::uint32_t start) const {
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
  if (met == nullptr) return;
  const std::uint16_t hash = History::hash_of(short_hash(peer));
  (*met)[hash / 64] |= std::uint64_t{1} << (hash % 64);
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
  if (marks != nullptr) marks->advance(now_s);
}

void BusyNumber::forget_before() {
  before = {};
  before_peers = {};
  before_slots.reset();
  before_count = {};
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
    n.calls_in = calls_in->counts.at(w, back, kInCalls);
    n.returns = calls_in->counts.at(w, back, kInReturns);
  }
  if (messages_out != nullptr) n.messages_out = messages_out->counts.at(w, back);
  if (messages_in != nullptr) n.messages_in = messages_in->counts.at(w, back);
  return n;
}

NumberMarks BusyNumber::marked(Window w, std::uint32_t back) const {
  NumberMarks m{};
  if (calls_in != nullptr) {
    m.answered_in = calls_in->counts.at(w, back, kInAnswered);
    m.unanswered_in = calls_in->counts.at(w, back, kInUnanswered);
    m.short_in = calls_in->counts.at(w, back, kInShort);
  }
  if (marks == nullptr) return m;
  m.night_out = marks->at(w, back, kNight);
  m.long_out = marks->at(w, back, kLong);
  m.abroad_out = marks->at(w, back, kAbroadOut);
  m.roaming_out = marks->at(w, back, kRoaming);
  m.abroad_in = marks->at(w, back, kAbroadIn);
  return m;
}

void BusyNumber::see_region(std::uint32_t region, std::uint32_t time_s) {
  if (region == 0) return;
  if (region_last == nullptr) region_last = std::make_unique<std::array<std::uint32_t, kRegions>>();
  std::uint32_t& last = (*region_last)[region % kRegions];
  last = std::max(last, time_s + 1);
}

template <typename LanePtr>
auto& BusyNumber::open(LanePtr& lane) {
  if (lane == nullptr) {
    lane = std::make_unique<typename LanePtr::element_type>();
    lane->counts.advance(clock_s);
    if (!before.empty()) lane->peers.met = std::make_unique<Met>();
  }
  return *lane;
}

void BusyNumber::mark(const Contact& c) {
  const bool out = c.outgoing();
  const bool is_long =
      c.is(Lane::kCallOut) && c.answered == static_cast<std::uint32_t>(model::Answered::kYes) && c.talk_s > kLongTalkS;
  const std::array<std::uint32_t, kMarkCounters> n{out ? c.night : 0U, is_long ? 1U : 0U, out ? c.abroad : 0U,
                                                   out ? c.roaming : 0U, out ? 0U : c.abroad};
  if ((n[kNight] | n[kLong] | n[kAbroadOut] | n[kRoaming] | n[kAbroadIn]) == 0) return;
  if (marks == nullptr) {
    marks = std::make_unique<WindowRings<kMarkCounters>>();
    marks->advance(clock_s);
  }
  marks->add_all(c.time_s, n);
}

BusyNumber::Peers& BusyNumber::count(const Contact& c) {
  mark(c);
  if (c.is(Lane::kMessageOut) || c.is(Lane::kMessageIn)) {
    Messages& lane = open(c.outgoing() ? messages_out : messages_in);
    lane.counts.add(c.time_s);
    return lane.peers;
  }
  const bool yes = c.answered == static_cast<std::uint32_t>(model::Answered::kYes),
             no = c.answered == static_cast<std::uint32_t>(model::Answered::kNo);
  if (c.is(Lane::kCallIn)) {
    CallsIn& lane = open(calls_in);
    std::array<std::uint32_t, kInCounters> n{};
    n[kInCalls] = 1;
    n[kInReturns] = c.returned;
    n[kInAnswered] = yes ? 1U : 0U;
    n[kInUnanswered] = no ? 1U : 0U;
    n[kInShort] = yes && c.talk_s <= kShortTalkS ? 1U : 0U;
    lane.counts.add_all(c.time_s, n);
    return lane.peers;
  }
  CallsOut& lane = open(calls_out);
  std::array<std::uint32_t, kOutCounters> n{};
  n[kCalls] = 1;
  n[kAnswered] = yes ? 1U : 0U;
  n[kUnanswered] = no ? 1U : 0U;
  n[kShort] = yes && c.talk_s <= kShortTalkS ? 1U : 0U;
  n[kTalk] = yes ? c.talk_s : 0U;
  lane.counts.add_all(c.time_s, n);
  see_region(c.region, c.time_s);
  return lane.peers;
}

void BusyNumber::begin(std::span<const Contact> contacts, std::uint32_t now_s) {
  clock_s = before_s = now_s;
  for (const Contact& c : contacts)
    if (c.peer != 0) before_peers.push_back({c.time_s, c.peer, static_cast<Lane>(c.lane)});
  // Each where it was last met.
  const auto who = [](const Peer& p) { return std::tie(p.lane, p.hash); };
  std::sort(before_peers.begin(), before_peers.end(),
            [&](const Peer& a, const Peer& b) { return who(a) != who(b) ? who(a) < who(b) : a.time_s > b.time_s; });
  const auto end = std::unique(before_peers.begin(), before_peers.end(),
                               [&](const Peer& a, const Peer& b) { return who(a) == who(b); });
  before_peers.erase(end, before_peers.end());
  std::sort(before_peers.begin(), before_peers.end(),
            [&](const Peer& a, const Peer& b) { return a.time_s != b.time_s ? a.time_s < b.time_s : who(a) < who(b); });
  before_peers.shrink_to_fit();
  index_before();
  for (const Contact& c : contacts) count(c);
}

void BusyNumber::index_before() {
  if (before_peers.empty()) return;
  before_slots = std::make_unique<Slots>();
  for (const Peer& p : before_peers) {
    before_slots->set(slot(p.lane, p.hash));
    ++before_count[static_cast<std::size_t>(p.lane)];
  }
}

bool BusyNumber::met_before(Lane lane, std::uint16_t hash, std::uint32_t start) const {
  if (before_slots == nullptr || !before_slots->test(slot(lane, hash))) return false;
  return std::any_of(before_peers.begin(), before_peers.end(),
                     [=](const Peer& p) { return p.hash == hash && p.lane == lane && p.time_s >= start; });
}

void BusyNumber::meet_again(Lane lane, std::uint16_t hash) {
  const std::size_t at = slot(lane, hash);
  if (before_slots == nullptr || !before_slots->test(at)) return;
  const std::size_t gone = std::erase_if(before_peers, [&](const Peer& p) { return p.lane == lane && p.hash == hash; });
  before_count[static_cast<std::size_t>(lane)] -= static_cast<std::uint32_t>(gone);
  const auto shares = [&](const Peer& p) { return slot(p.lane, p.hash) == at; };
  if (std::none_of(before_peers.begin(), before_peers.end(), shares)) before_slots->reset(at);
}

void BusyNumber::add(const Contact& c, std::uint32_t peer) {
  Peers& peers = count(c);
  peers.advance(clock_s);
  peers.add(peer, c.time_s);
  meet_again(static_cast<Lane>(c.lane), c.peer);
}

std::uint64_t BusyNumber::bytes() const {
  std::uint64_t total =
      sizeof(*this) + before.capacity() + before_peers.capacity() * sizeof(Peer) + list.capacity() * sizeof(Contact);
  if (before_slots != nullptr) total += sizeof(Slots);
  if (places != nullptr) total += places->bytes();
  const auto add = [&](const auto& lane) {
    if (lane != nullptr) total += sizeof(*lane) - sizeof(DistinctWindows) - sizeof(PeerSample) + lane->peers.bytes();
  };
  add(calls_out);
  add(calls_in);
  add(messages_out);
  add(messages_in);
  if (marks != nullptr) total += sizeof(*marks);
  if (region_last != nullptr) total += sizeof(*region_last);
  return total;
}

namespace {

void save_list(StateWriter& out, std::span<const Contact> list) {
  out.varint(list.size());
  for (const Contact& c : list) {
    out.u32(c.time_s);
    out.u32(static_cast<std::uint32_t>(c.talk_s | c.region << 14 | c.lane << 24 | c.answered << 26 | c.returned << 28 |
                                       c.abroad << 29 | c.roaming << 30 | c.night << 31));
    out.u16(c.peer);
    out.u16(c.device);
    out.u16(c.cell);
  }
}
std::vector<Contact> load_list(StateReader& in, std::uint32_t newest_s) {
  const std::uint64_t size = in.varint();
  std::vector<Contact> out;
  if (size > kPackedContacts) {
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
    c.abroad = (bits >> 29) & 1;
    c.roaming = (bits >> 30) & 1;
    c.night = static_cast<std::uint8_t>(bits >> 31) & 1U;
    c.peer = in.u16();
    c.device = in.u16();
    c.cell = in.u16();
    if (c.time_s > newest_s || (!out.empty() && c.time_s < out.back().time_s))
      in.fail("a contact list is out of order");
    out.push_back(c);
  }
  return out;
}
void load_before_peers(StateReader& in, std::uint32_t before_s, std::vector<BusyNumber::Peer>& out) {
  const std::uint64_t size = in.varint();
  if (size > kPackedContacts) return in.fail("a busy number met more before than a list holds");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    const std::uint32_t time_s = in.u32();
    const std::uint16_t hash = in.u16();
    const std::uint8_t lane = in.u8();
    if (lane >= kLanes || time_s > before_s || (!out.empty() && time_s < out.back().time_s))
      return in.fail("whom a busy number met before is out of order");
    out.push_back({time_s, hash, static_cast<Lane>(lane)});
  }
}
}  // namespace

void BusyNumber::save(StateWriter& out) const {
  out.u32(clock_s);
  out.u8(static_cast<std::uint8_t>((calls_out != nullptr ? 1U : 0U) | (calls_in != nullptr ? 2U : 0U) |
                                   (messages_out != nullptr ? 4U : 0U) | (messages_in != nullptr ? 8U : 0U)));
  out.u32(before_s);
  save_bytes(out, before);
  out.varint(before_peers.size());
  for (const Peer& peer : before_peers) {
    out.u32(peer.time_s);
    out.u16(peer.hash);
    out.u8(static_cast<std::uint8_t>(peer.lane));
  }
  out.u8(listing ? 1 : 0);
  out.u32(listing_from_s);
  save_list(out, list);
  out.u8(places != nullptr ? 1 : 0);
  if (places != nullptr) places->save(out);
  out.u8(region_last != nullptr ? 1 : 0);
  if (region_last != nullptr)
    for (const std::uint32_t last : *region_last) out.u32(last);
  out.u8(marks != nullptr ? 1 : 0);
  if (marks != nullptr) marks->save(out);
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
  load_before_peers(in, before_s, before_peers);
  listing = in.u8() != 0;
  listing_from_s = in.u32();
  list = load_list(in, clock_s);
  index_before();
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
    region_last = std::make_unique<std::array<std::uint32_t, kRegions>>();
    for (std::uint32_t& last : *region_last) last = in.u32();
  }
  if (in.u8() != 0) {
    marks = std::make_unique<WindowRings<kMarkCounters>>();
    marks->load(in);
  }
  if ((lanes & 1U) != 0) load_lane(calls_out);
  if ((lanes & 2U) != 0) load_lane(calls_in);
  if ((lanes & 4U) != 0) load_lane(messages_out);
  if ((lanes & 8U) != 0) load_lane(messages_in);
}

}  // namespace pandun::detect
