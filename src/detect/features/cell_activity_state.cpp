#include "detect/features/cell_activity_state.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "detect/distinct.h"
#include "detect/features/silence.h"
#include "detect/features/talk_code.h"
#include "detect/small_state.h"

namespace pandun::detect {
namespace {

CellDays::Counts of_days(const CellCounts::Counts& n) {
  using C = CellContact;
  return {n[C::kCallsOut],   n[C::kCallsIn], n[C::kMessages], n[C::kInternational], n[C::kAnswered],
          n[C::kUnanswered], n[C::kShort],   n[C::kRoaming],  n[C::kTalk]};
}

}  // namespace

// ---- who was there ----

// How many may be marked of the running span by now. A cell that is met for the first time would fill its marks before it is
// known how many it sees, so its share is set by how many there have been for how long.
std::uint32_t CellMarks::allowed(std::uint32_t time_s) const {
  if (!first_ || time_s / kSpanS != span_) return kMost;
  const double share = std::sqrt((time_s % kSpanS + 1.0) / kSpanS);
  return std::max(64U, static_cast<std::uint32_t>(share * static_cast<double>(kMost)));
}

void CellMarks::turn(std::uint32_t span) {
  const bool adjacent = span == span_ + 1;
  const std::uint64_t met = std::uint64_t{marked_} << level_;
  for (Block& block : blocks_) {
    block.before = adjacent ? block.now : decltype(block.now){};
    block.now = {};
  }
  first_ = span_ == 0;
  level_before_ = adjacent ? level_ : 0;
  for (level_ = 0; level_ < kLevelMost && met >> level_ > kMost;) ++level_;
  marked_ = 0;
  span_ = span;
}

std::uint32_t CellMarks::add(std::uint32_t number, std::uint32_t time_s) {
  if (time_s / kSpanS > span_) turn(time_s / kSpanS);
  const std::uint64_t mixed = mix64(number);
  const auto passes = static_cast<unsigned>(std::countr_zero(mixed >> 56 | 1U << kLevelMost));
  if (passes < level_) return 0;
  Block& block = blocks_[block_of(mixed)];
  bool known_now = true, known_before = true;
  for (const unsigned from : {32U, 40U, 48U}) {
    const std::size_t at = mixed >> from & 255U;
    const std::uint64_t bit = std::uint64_t{1} << (at % 64);
    known_now &= (block.now[at / 64] & bit) != 0;
    known_before &= (block.before[at / 64] & bit) != 0;
    block.now[at / 64] |= bit;
  }
  if (known_now) return 0;
  const unsigned judged = std::max(level_, level_before_);
  for (++marked_; marked_ > allowed(time_s) && level_ < kLevelMost; marked_ /= 2) ++level_;
  return known_before || passes < judged ? 0 : 1U << judged;
}

void CellMarks::save(StateWriter& out) const {
  out.u32(span_);
  out.varint(marked_);
  out.u8(level_);
  out.u8(level_before_);
  out.u8(first_ ? 1 : 0);
  for (const Block& block : blocks_)
    for (const auto* side : {&block.now, &block.before})
      for (const std::uint64_t word : *side) out.u64(word);
}
void CellMarks::load(StateReader& in) {
  span_ = in.u32();
  marked_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(in.varint(), 1U << 20));
  level_ = in.u8();
  level_before_ = in.u8();
  first_ = in.u8() != 0;
  if (level_ > kLevelMost || level_before_ > kLevelMost) return in.fail("a cell's marks are of a share that cannot be");
  for (Block& block : blocks_)
    for (auto* side : {&block.now, &block.before})
      for (std::uint64_t& word : *side) word = in.u64();
}

// ---- busy cells ----

CellCounts::Counts CellContact::counts() const {
  CellCounts::Counts n{};
  n[kind] = 1;
  n[kInternational] = international;
  n[kNew] = fresh;
  if (kind != kCallsOut) return n;
  const bool yes = answered == static_cast<std::uint16_t>(model::Answered::kYes);
  const std::uint32_t talk_s = talk_of(talk);
  n[kAnswered] = yes ? 1U : 0U;
  n[kUnanswered] = answered == static_cast<std::uint16_t>(model::Answered::kNo) ? 1U : 0U;
  n[kShort] = yes && talk_s <= kShortTalkS ? 1U : 0U;
  n[kRoaming] = roaming;
  n[kTalk] = talk_s;
  return n;
}

void BusyCell::count(std::span<const CellContact> contacts) {
  prefetch();
  for (const CellContact& c : contacts) marks.prefetch(c.number);
  std::uint32_t clock_s = counts.clock_s();
  std::array<std::uint32_t, kNoted> fresh;
  for (std::size_t i = 0; i < contacts.size(); ++i) {
    const CellContact& c = contacts[i];
    clock_s = std::max(clock_s, c.time_s);
    numbers.advance(clock_s);
    devices.advance(clock_s);
    if (c.device != 0) devices.add(c.device, c.time_s);
    if (c.number != 0) numbers.add(SeenThings::print_of(c.number), c.time_s);
    fresh[i] = c.number != 0 ? marks.add(c.number, c.time_s) : 0;
  }
  // Where all of them end up is the same as one by one.
  counts.advance(clock_s);
  days.advance(clock_s);
  for (std::size_t i = 0; i < contacts.size(); ++i) {
    const CellContact& c = contacts[i];
    CellCounts::Counts n = c.counts();
    n[CellContact::kNew] = fresh[i];
    counts.add(c.time_s, n);
    days.add(c.time_s, of_days(n));
  }
}

void BusyCell::save(StateWriter& out) const {
  counts.save(out);
  numbers.save(out);
  devices.save(out);
  marks.save(out);
  days.save(out);
}
void BusyCell::load(StateReader& in) {
  counts.load(in);
  numbers.load(in);
  devices.load(in);
  marks.load(in);
  days.load(in);
  if (in.ok() && days.clock_day() != counts.clock_s() / spec(Window::k7d).step_s)
    in.fail("a cell's days end on another day than its counters");
}

// ---- all cells of a shard ----

void CellActivities::prefetch_more(model::EntityKey cell, std::uint64_t hash) const {
  const CellRecord* record = table_.peek_hash(cell, hash);
  if (record == nullptr) return;
  if (record->busy != 0)
    fetch_line(&busy_.at(record->busy - 1).noted[record->noted]);
  else if (record->listed != 0)
    fetch_line(&listed_.at(record->listed - 1));
}

const CellRecord& CellActivities::update(model::EntityKey cell, std::uint64_t hash, const CellVisit& visit,
                                         EventMs watermark) {
  bool fresh = false;
  CellRecord& record = table_.touch_hash(cell, hash, watermark, &fresh, [this](CellRecord& old) { release(old); });
  CellContact c{};
  c.time_s = seconds32(visit.time);
  if (visit.number.known()) c.number = std::max(1U, peer_hash(hash_of(model::key_of(visit.number))));
  if (visit.device != 0) c.device = std::max<std::uint16_t>(1, SeenThings::print_of(peer_hash(visit.device)));
  c.kind = static_cast<std::uint16_t>(visit.kind) & 3U;
  c.international = visit.international ? 1U : 0U;
  if (visit.kind == CellContact::kCallsOut) {
    const model::Answered outcome = outcome_of(visit.answered, visit.talk_s);
    c.answered = static_cast<std::uint16_t>(outcome) & 3U;
    if (outcome == model::Answered::kYes) c.talk = talk_code(visit.talk_s) & 511U;
    c.roaming = visit.roaming ? 1U : 0U;
  }
  if (fresh) record.first_s = record.newest_s = c.time_s;
  if (c.time_s > record.newest_s) note_silence(record, c.time_s);
  record.newest_s = std::max(record.newest_s, c.time_s);
  if (c.time_s < start_s(Window::k24h, record.newest_s)) {
    ++too_old_;
    return record;
  }
  record.first_s = std::min(record.first_s, c.time_s);
  if (record.busy == 0)
    add_listed(record, c);
  else
    note(record, c);
  return record;
}

void CellActivities::note(CellRecord& record, const CellContact& contact) {
  busy_.at(record.busy - 1).noted[record.noted++] = contact;
  ++record.noted_of[contact.kind];
  if (record.noted == BusyCell::kNoted) count(record);
}

void CellActivities::count(CellRecord& record) {
  BusyCell& busy = busy_.at(record.busy - 1);
  busy.count(std::span(busy.noted).first(record.noted));
  record.noted = 0;
  record.noted_of = {};
  for (std::size_t kind = 0; kind < record.counted.size(); ++kind)
    for (const Window w : {Window::k5m, Window::k1h, Window::k24h})
      record.counted[kind][static_cast<std::size_t>(w)] =
          static_cast<std::uint16_t>(std::min<std::uint64_t>(busy.counts.total(w, kind), 0xffff));
}

void CellActivities::add_listed(CellRecord& record, CellContact contact) {
  if (record.listed == 0) record.listed = listed_.take() + 1;
  std::vector<CellContact>& contacts = listed_.at(record.listed - 1).contacts;
  if (contacts.size() == CellRecord::kListedMost) {
    record.busy = busy_.take() + 1;
    record.noted = 0;
    for (const CellContact& c : contacts) note(record, c);
    drop_list(record);
    return note(record, contact);
  }
  // The list holds all there ever was, so it tells who is new as the marks would.
  std::uint32_t span = contact.time_s / CellMarks::kSpanS, running = 0;
  for (const CellContact& c : contacts) running = std::max(running, c.time_s / CellMarks::kSpanS);
  span = std::max(span, running);
  contact.fresh = contact.number != 0 ? 1U : 0U;
  std::uint32_t then = 0;  // the span that ran when each of them came
  for (const CellContact& c : contacts) {
    then = std::max(then, c.time_s / CellMarks::kSpanS);
    if (c.number == contact.number && then + 1 >= span) contact.fresh = 0;
  }
  append(record, contact);
}

void CellActivities::append(CellRecord& record, const CellContact& contact) {
  if (record.listed == 0) record.listed = listed_.take() + 1;
  std::vector<CellContact>& contacts = listed_.at(record.listed - 1).contacts;
  listed_bytes_ -= contacts.capacity() * sizeof(CellContact);
  grow(contacts, 4, CellRecord::kListedMost);
  listed_bytes_ += contacts.capacity() * sizeof(CellContact);
  contacts.push_back(contact);
  ++record.noted;
}

void CellActivities::drop_list(CellRecord& record) {
  if (record.listed == 0) return;
  listed_bytes_ -= listed_.at(record.listed - 1).contacts.capacity() * sizeof(CellContact);
  listed_.give_back(record.listed - 1);
  record.listed = 0;
}

void CellActivities::release(CellRecord& record) {
  if (record.busy != 0) busy_.give_back(record.busy - 1);
  drop_list(record);
  record = {};
}

void CellActivities::evict(EventMs watermark) {
  table_.evict(watermark, [this](CellRecord& old) { release(old); });
}

std::uint64_t CellActivities::bytes() const {
  std::uint64_t total = table_.bytes() + listed_bytes_ + listed_.live() * (sizeof(ListedCell) + 16 + sizeof(void*));
  busy_.for_each([&](const BusyCell& b) { total += b.bytes() + sizeof(void*); });
  return total;
}

void CellActivities::save_record(StateWriter& out, const CellRecord& record) const {
  out.u32(record.first_s);
  out.u32(record.newest_s);
  out.u16(record.silence_h);
  out.u16(record.woke_h);
  out.u8(record.busy != 0 ? 1 : 0);
  if (record.busy != 0) busy(record).save(out);
  const std::span<const CellContact> listed =
      record.busy != 0 ? std::span(busy(record).noted).first(record.noted) : contacts(record);
  out.varint(listed.size());
  for (const CellContact& c : listed) {
    out.u32(c.time_s);
    out.u32(c.number);
    out.u16(c.device);
    out.u16(std::bit_cast<std::array<std::uint16_t, 6>>(c)[5]);
  }
}

void CellActivities::load_record(StateReader& in, CellRecord& record) {
  record.first_s = in.u32();
  record.newest_s = in.u32();
  record.silence_h = in.u16() & 0xfffU;
  record.woke_h = in.u16() & 0xfffU;
  if (in.u8() != 0) {
    record.busy = busy_.take() + 1;
    busy_.at(record.busy - 1).load(in);
    if (busy(record).counts.clock_s() > record.newest_s) in.fail("a cell's counters are newer than its clock");
    if (in.ok()) count(record);
  }
  const std::uint64_t size = in.varint();
  if (size > (record.busy != 0 ? BusyCell::kNoted - 1 : CellRecord::kListedMost))
    in.fail("a cell's list is over its bound");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    CellContact c{};
    c.time_s = in.u32();
    c.number = in.u32();
    c.device = in.u16();
    auto words = std::bit_cast<std::array<std::uint16_t, 6>>(c);
    words[5] = in.u16();
    c = std::bit_cast<CellContact>(words);
    if (c.kind > CellContact::kMessages || c.talk > kTalkCodeMost || c.time_s > record.newest_s)
      in.fail("a cell's contact cannot be");
    if (!in.ok()) return;
    if (record.busy != 0)
      note(record, c);
    else
      append(record, c);
  }
}

void CellActivities::save(StateWriter& out) const {
  out.u64(too_old_);
  table_.save(out, [this](StateWriter& o, const CellRecord& record) { save_record(o, record); });
}

Result<> CellActivities::load(StateReader& in) {
  const std::uint64_t too_old = in.u64();
  TRY(table_.load(
      in, [this](StateReader& i, CellRecord& record) { load_record(i, record); },
      [this](CellRecord& r) { release(r); }));
  too_old_ += too_old;
  return {};
}

}  // namespace pandun::detect
