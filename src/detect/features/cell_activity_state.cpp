#include "detect/features/cell_activity_state.h"

#include <algorithm>

namespace pandun::detect {

// ---- who was there ----

bool CellMarks::add(std::uint32_t number, std::uint32_t time_s) {
  const std::uint32_t span = time_s / kSpanS;
  if (span > span_) {
    for (Block& block : blocks_) {
      block.before = span == span_ + 1 ? block.now : decltype(block.now){};
      block.now = {};
    }
    span_ = span;
  }
  const std::uint64_t mixed = mix64(number);
  Block& block = blocks_[mixed % kBlocks];
  bool known_now = true, known_before = true;
  for (const std::uint64_t at : {mixed >> 32 & 255U, mixed >> 48 & 255U}) {
    const std::uint64_t bit = std::uint64_t{1} << (at % 64);
    known_now &= (block.now[at / 64] & bit) != 0;
    known_before &= (block.before[at / 64] & bit) != 0;
    block.now[at / 64] |= bit;
  }
  return !known_now && !known_before;
}

void CellMarks::save(StateWriter& out) const {
  out.u32(span_);
  for (const auto side : {&Block::now, &Block::before}) {
    std::uint64_t words = 0;
    for (const Block& block : blocks_)
      for (const std::uint64_t word : block.*side) words += word != 0 ? 1U : 0U;
    out.varint(words);
    for (std::size_t i = 0; i < kBlocks * kWords; ++i) {
      const std::uint64_t word = (blocks_[i / kWords].*side)[i % kWords];
      if (word == 0) continue;
      out.u16(static_cast<std::uint16_t>(i));
      out.u64(word);
    }
  }
}
void CellMarks::load(StateReader& in) {
  span_ = in.u32();
  for (const auto side : {&Block::now, &Block::before}) {
    const std::uint64_t words = in.varint();
    if (words > kBlocks * kWords) return in.fail("more marks than a cell has room for");
    for (std::uint64_t n = 0; n < words && in.ok(); ++n) {
      const std::uint16_t at = in.u16();
      if (at >= kBlocks * kWords) return in.fail("a mark outside a cell's room");
      (blocks_[at / kWords].*side)[at % kWords] = in.u64();
    }
  }
}

// ---- busy cells ----

void BusyCell::count(std::span<CellContact> contacts) {
  for (const CellContact& c : contacts) {
    numbers.prefetch(c.number);
    devices.prefetch(c.device);
    marks.prefetch(c.number);
  }
  for (CellContact& c : contacts) {
    clock_s = std::max(clock_s, c.time_s);
    numbers.advance(clock_s);
    devices.advance(clock_s);
    if (c.device != 0) devices.add(c.device, c.time_s);
    if (c.number == 0) continue;
    // Whoever was seen within the running span is marked in it.
    const std::uint32_t before = numbers.add(c.number, c.time_s);
    c.fresh = (before == 0 || !marks.runs(before - 1) || !marks.runs(c.time_s)) && marks.add(c.number, c.time_s);
  }
  // Where all of them end up is the same as one by one.
  counts.advance(clock_s);
  for (const CellContact& c : contacts) {
    std::array<std::uint32_t, CellContact::kCounters> n{};
    n[c.kind] = 1;
    n[CellContact::kInternational] = c.international ? 1U : 0U;
    n[CellContact::kNew] = c.fresh ? 1U : 0U;
    counts.add_all(c.time_s, n);
  }
}

void BusyCell::save(StateWriter& out) const {
  out.u32(clock_s);
  counts.save(out);
  numbers.save(out);
  devices.save(out);
  marks.save(out);
}
void BusyCell::load(StateReader& in) {
  clock_s = in.u32();
  counts.load(in);
  numbers.load(in);
  devices.load(in);
  marks.load(in);
}

// ---- all cells of a shard ----

void CellActivities::prefetch_more(model::EntityKey cell, std::uint64_t hash) const {
  const CellRecord* record = table_.peek_hash(cell, hash);
  if (record == nullptr) return;
  if (record->busy != 0)
    fetch_line(&busy_.at(record->busy - 1).noted[record->noted]);
  else if (record->contacts.size() != 0)
    fetch_line(record->contacts.in(contacts_).data());
}

const CellRecord& CellActivities::update(model::EntityKey cell, std::uint64_t hash, const CellVisit& visit,
                                         EventMs watermark) {
  bool fresh = false;
  CellRecord& record = table_.touch_hash(cell, hash, watermark, &fresh, [this](CellRecord& old) { release(old); });
  CellContact c{};
  c.time_s = seconds32(visit.time);
  if (visit.number.known()) c.number = std::max(1U, peer_hash(hash_of(model::key_of(visit.number))));
  if (visit.device != 0) c.device = std::max(1U, peer_hash(visit.device));
  c.kind = static_cast<std::uint8_t>(visit.kind);
  c.international = visit.international;
  if (fresh) record.first_s = record.newest_s = c.time_s;
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
  if (record.noted < BusyCell::kNoted) return;
  count(record);
  BusyCell& busy = busy_.at(record.busy - 1);
  busy.numbers.rest();
  busy.devices.rest();
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
  if (record.contacts.full()) {
    record.busy = busy_.take() + 1;
    for (const CellContact& c : record.contacts.in(contacts_)) note(record, c);
    record.contacts.clear(contacts_);
    return note(record, contact);
  }
  // The list holds all there ever was, so it tells who is new as the marks would.
  std::uint32_t span = contact.time_s / CellMarks::kSpanS, running = 0;
  for (const CellContact& c : record.contacts.in(contacts_)) running = std::max(running, c.time_s / CellMarks::kSpanS);
  span = std::max(span, running);
  contact.fresh = contact.number != 0;
  std::uint32_t then = 0;  // the span that ran when each of them came
  for (const CellContact& c : record.contacts.in(contacts_)) {
    then = std::max(then, c.time_s / CellMarks::kSpanS);
    if (c.number == contact.number && then + 1 >= span) contact.fresh = false;
  }
  record.contacts.append(contacts_) = contact;
}

void CellActivities::release(CellRecord& record) {
  if (record.busy != 0) busy_.give_back(record.busy - 1);
  record.contacts.clear(contacts_);
  record = {};
}

void CellActivities::evict(EventMs watermark) {
  table_.evict(watermark, [this](CellRecord& old) { release(old); });
}

std::uint64_t CellActivities::bytes() const {
  std::uint64_t total = table_.bytes() + contacts_.bytes();
  busy_.for_each([&](const BusyCell& b) { total += b.bytes() + sizeof(void*); });
  return total;
}

void CellActivities::save_record(StateWriter& out, const CellRecord& record) const {
  out.u32(record.first_s);
  out.u32(record.newest_s);
  out.u8(record.busy != 0 ? 1 : 0);
  if (record.busy != 0) busy(record).save(out);
  const std::span<const CellContact> listed =
      record.busy != 0 ? std::span(busy(record).noted).first(record.noted) : contacts(record);
  out.varint(listed.size());
  for (const CellContact& c : listed) {
    for (const std::uint32_t v : {c.time_s, c.number, c.device}) out.u32(v);
    out.u8(static_cast<std::uint8_t>(c.kind | (c.international ? 8U : 0U) | (c.fresh ? 16U : 0U)));
  }
}

void CellActivities::load_record(StateReader& in, CellRecord& record) {
  record.first_s = in.u32();
  record.newest_s = in.u32();
  if (in.u8() != 0) {
    record.busy = busy_.take() + 1;
    busy_.at(record.busy - 1).load(in);
    if (busy_.at(record.busy - 1).clock_s > record.newest_s) in.fail("a cell's counters are newer than its clock");
    if (in.ok()) count(record);
  }
  const std::uint64_t size = in.varint();
  if (size > (record.busy != 0 ? BusyCell::kNoted - 1 : CellRecord::Contacts::kCapacityMax))
    in.fail("a cell's list is over its bound");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    CellContact c{};
    for (std::uint32_t* v : {&c.time_s, &c.number, &c.device}) *v = in.u32();
    const std::uint8_t bits = in.u8();
    c.kind = bits & 7U;
    if (c.kind > CellContact::kMessages || c.time_s > record.newest_s) in.fail("a cell's contact cannot be");
    c.international = (bits & 8U) != 0;
    c.fresh = (bits & 16U) != 0;
    if (!in.ok()) return;
    if (record.busy != 0)
      note(record, c);
    else
      record.contacts.append(contacts_) = c;
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
