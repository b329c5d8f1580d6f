// Numbers that become busy and cease to be.
#include <algorithm>
#include <array>

#include "detect/features/number_parts.h"
#include "detect/features/number_state.h"

namespace pandun::detect {
namespace {

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
void subtract(NumberMarks& from, const NumberMarks& n) {
  from.night_out -= n.night_out;
  from.long_out -= n.long_out;
  from.abroad_out -= n.abroad_out;
  from.roaming_out -= n.roaming_out;
  from.abroad_in -= n.abroad_in;
  from.answered_in -= n.answered_in;
  from.unanswered_in -= n.unanswered_in;
  from.short_in -= n.short_in;
}
bool any(const NumberTally& n) {
  return (n.calls_out | n.calls_in | n.messages_out | n.messages_in) != 0;
}

}  // namespace

void NumberActivities::see_places(BusyNumber& busy, const Contact& contact, std::uint32_t newest_s) {
  if (contact.device == 0 && contact.cell == 0) return;
  if (busy.places == nullptr) busy.places = std::make_unique<Places>();
  if (contact.device != 0) busy.places->add(false, contact.device, contact.time_s, newest_s);
  if (contact.cell != 0) busy.places->add(true, contact.cell, contact.time_s, newest_s);
}

void NumberActivities::make_busy(NumberRecord& record) {
  const std::uint32_t handle = busy_.take();
  BusyNumber& b = busy_.at(handle);
  const ListHeader head = header(record);
  if (head.history_bytes != 0) {
    b.before.assign(head.history_bytes + kSpare, 0);
    std::copy_n(blocks_.at(head.history, head.history_class), head.history_bytes, b.before.begin());
  }
  const std::span<const Contact> contacts{list(record), record.size};
  b.begin(contacts, record.newest_s);
  for (const Contact& c : contacts) see_places(b, c, record.newest_s);
  release(record);
  record.form = NumberRecord::kBusy;
  record.block = handle;
  forget_views(record);  // the place in memory may have been another's
}

void NumberActivities::add_busy(NumberRecord& record, const Contact& contact, std::uint32_t peer) {
  BusyNumber& b = busy_.at(record.block);
  const bool new_day = record.newest_s / History::kDayS != b.clock_s / History::kDayS;
  b.advance(record.newest_s);
  if (new_day && b.has_before() && b.before_s < start_s(kLongest, record.newest_s)) b.forget_before();
  b.add(contact, peer);
  see_places(b, contact, record.newest_s);
  const std::uint32_t start = start_s(Window::k24h, record.newest_s);
  if (new_day && !b.listing && b.before_s < start && b.total(Window::k24h) <= options_.busy_from / 4) {
    b.listing = true;
    b.listing_from_s = record.newest_s;
  }
  if (!b.listing) return;
  std::erase_if(b.list, [start](const Contact& c) { return c.time_s < start; });
  if (contact.time_s >= start) {
    b.list.push_back(contact);
    insert_sorted(b.list.data(), b.list.size() - 1, contact);
  }
  if (b.list.size() > options_.busy_from / 2) {
    b.listing = false;
    b.list = {};
  } else if (start >= b.listing_from_s) {
    leave_busy(record);
  }
}

// Where and with what it was seen, unless it stands in the list.
void NumberActivities::meet_places(const BusyNumber& b, std::span<const Contact> contacts, History& history) {
  if (b.places != nullptr)
    for (const Places::Seen& seen : b.places->all()) {
      const auto same = [&](const Contact& c) { return (seen.cell ? c.cell : c.device) == seen.hash; };
      if (std::none_of(contacts.begin(), contacts.end(), same))
        history.meet(seen.last_s, seen.cell ? Met::kCell : Met::kDevice, History::hash_of_place(seen.hash), 0);
    }
  if (b.region_last == nullptr) return;
  for (std::uint32_t region = 1; region < BusyNumber::kRegions; ++region) {
    const std::uint32_t last = (*b.region_last)[region];
    const auto same = [=](const Contact& c) { return c.region == region; };
    if (last != 0 && std::none_of(contacts.begin(), contacts.end(), same))
      history.meet(last - 1, Met::kRegion, static_cast<std::uint16_t>(region), 0);
  }
}

// Counters become a history, less what stands in the list.
void NumberActivities::leave_busy(NumberRecord& record) {
  History history;
  if (const History* before = this->history(record); before != nullptr) history = *before;
  history.advance(record.newest_s);
  const BusyNumber& b = busy(record);
  for (const BusyNumber::Peer& peer : b.before_peers)
    history.meet(peer.time_s, met(peer.lane), History::hash_of(peer.hash), 0);
  const std::vector<Contact> contacts = b.list;
  constexpr WindowSpec kDay = spec(Window::k7d), kSpan = spec(Window::k30d);
  const std::uint32_t day = b.clock_s / kDay.step_s, span = b.clock_s / kSpan.step_s;
  std::array<NumberTally, kSpan.steps> spans;
  std::array<NumberMarks, kSpan.steps> span_marks;
  for (std::uint32_t back = 0; back < kSpan.steps && back <= span; ++back) {
    spans[back] = b.counted(Window::k30d, back);
    span_marks[back] = b.marked(Window::k30d, back);
  }
  for (std::uint32_t back = 0; back < kDay.steps && back <= day; ++back) {
    NumberTally counts = b.counted(Window::k7d, back);
    NumberMarks marks = b.marked(Window::k7d, back);
    const std::uint32_t from_s = (day - back) * kDay.step_s;
    if (const std::uint32_t at = span - from_s / kSpan.step_s; at < kSpan.steps) {
      subtract(spans[at], counts);
      subtract(span_marks[at], marks);
    }
    NumberTally listed{};
    NumberMarks listed_marks{};
    for (const Contact& c : contacts) {
      if (c.time_s / kDay.step_s != day - back) continue;
      tally_contacts({&c, 1}, listed);
      mark_contacts({&c, 1}, listed_marks);
    }
    subtract(counts, listed);
    subtract(marks, listed_marks);
    if (any(counts)) history.add(from_s, counts, marks);
  }
  for (std::uint32_t back = 0; back < kSpan.steps && back <= span; ++back)
    if (any(spans[back])) history.add((span - back) * kSpan.step_s, spans[back], span_marks[back]);
  for (std::size_t l = 0; l < kLanes; ++l) {
    const auto lane = static_cast<Lane>(l);
    const BusyNumber::Peers* peers = b.peers(lane);
    if (peers == nullptr) continue;
    peers->long_time.each([&](std::uint32_t last, std::uint32_t hash, unsigned level) {
      const auto same = [&](const Contact& c) { return c.is(lane) && c.peer == short_hash(hash); };
      if (std::any_of(contacts.begin(), contacts.end(), same)) return;
      history.meet(last * History::kDayS, met(lane), static_cast<std::uint16_t>(hash >> (32 - History::kHashBits)),
                   level);
    });
  }
  meet_places(b, contacts, history);
  release(record);
  new_list(record, contacts, ListHeader{});
  ++listed_;
  store_history(record, history);
}

}  // namespace pandun::detect
