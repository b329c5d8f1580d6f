#include "detect/features/cell_activity_state.h"

#include <algorithm>

namespace pandun::detect {

// ---- who was there ----

bool CellMarks::add(std::uint32_t number, std::uint32_t time_s) {
  const std::uint32_t span = time_s / kSpanS;
  if (span > span_) {
    if (span == span_ + 1) {
      before_ = now_;
    } else {
      before_ = {};
    }
    now_ = {};
    span_ = span;
  }
  const std::uint64_t mixed = mix64(number);
  bool known_now = true, known_before = true;
  for (const std::uint64_t at : {mixed % kBits, (mixed >> 32) % kBits}) {
    const std::uint64_t bit = std::uint64_t{1} << (at % 64);
    known_now &= (now_[at / 64] & bit) != 0;
    known_before &= (before_[at / 64] & bit) != 0;
    now_[at / 64] |= bit;
  }
  return !known_now && !known_before;
}

void CellMarks::save(StateWriter& out) const {
  out.u32(span_);
  for (const Bits* bits : {&now_, &before_}) {
    const auto words =
        static_cast<std::uint64_t>(std::count_if(bits->begin(), bits->end(), [](auto w) { return w != 0; }));
    out.varint(words);
    for (std::size_t i = 0; i < bits->size(); ++i) {
      if ((*bits)[i] == 0) continue;
      out.u16(static_cast<std::uint16_t>(i));
      out.u64((*bits)[i]);
    }
  }
}
void CellMarks::load(StateReader& in) {
  span_ = in.u32();
  for (Bits* bits : {&now_, &before_}) {
    const std::uint64_t words = in.varint();
    if (words > bits->size()) return in.fail("more marks than a cell has room for");
    for (std::uint64_t n = 0; n < words && in.ok(); ++n) {
      const std::uint16_t at = in.u16();
      if (at >= bits->size()) return in.fail("a mark outside a cell's room");
      (*bits)[at] = in.u64();
    }
  }
}

// ---- busy cells ----

void BusyCell::add(const CellContact& c, std::uint32_t now_s) {
  clock_s = std::max(clock_s, now_s);
  counts.advance(clock_s);
  numbers.advance(clock_s);
  devices.advance(clock_s);
  std::array<std::uint32_t, CellContact::kCounters> n{};
  n[c.kind] = 1;
  n[CellContact::kInternational] = c.international ? 1U : 0U;
  n[CellContact::kNew] = c.fresh ? 1U : 0U;
  counts.add_all(c.time_s, n);
  if (c.number != 0) numbers.add(c.number, c.time_s);
  if (c.device != 0) devices.add(c.device, c.time_s);
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

void CellActivities::update(model::EntityKey cell, std::uint64_t hash, const CellVisit& visit, EventMs watermark) {
  bool fresh = false;
  CellRecord& record = table_.touch_hash(cell, hash, watermark, &fresh, [this](CellRecord& old) { release(old); });
  CellContact c{};
  c.time_s = seconds32(visit.time);
  if (visit.number.known()) c.number = std::max(1U, peer_hash(hash_of(model::key_of(visit.number))));
  if (!visit.device.empty()) c.device = std::max(1U, peer_hash(mix64(hash64(visit.device))));
  c.kind = static_cast<std::uint8_t>(visit.kind);
  c.international = visit.international;
  if (fresh) record.first_s = record.newest_s = c.time_s;
  record.newest_s = std::max(record.newest_s, c.time_s);
  if (c.time_s < start_s(Window::k24h, record.newest_s)) {
    ++too_old_;
    return;
  }
  record.first_s = std::min(record.first_s, c.time_s);
  if (record.busy == 0) return add_listed(record, c);
  BusyCell& busy = busy_.at(record.busy - 1);
  if (c.number != 0) c.fresh = busy.marks.add(c.number, c.time_s);
  busy.add(c, record.newest_s);
}

void CellActivities::add_listed(CellRecord& record, CellContact contact) {
  if (record.contacts.full()) {
    record.busy = busy_.take() + 1;
    BusyCell& busy = busy_.at(record.busy - 1);
    for (const CellContact& c : record.contacts.in(contacts_)) {
      if (c.number != 0) busy.marks.add(c.number, c.time_s);
      busy.add(c, record.newest_s);
    }
    record.contacts.clear(contacts_);
    if (contact.number != 0) contact.fresh = busy.marks.add(contact.number, contact.time_s);
    return busy.add(contact, record.newest_s);
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
  record.busy = 0;
  record.contacts.clear(contacts_);
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
  if (record.busy != 0) return busy(record).save(out);
  out.varint(record.contacts.size());
  for (const CellContact& c : contacts(record)) {
    for (const std::uint32_t v : {c.time_s, c.number, c.device}) out.u32(v);
    out.u8(static_cast<std::uint8_t>(c.kind | (c.international ? 8U : 0U) | (c.fresh ? 16U : 0U)));
  }
}

void CellActivities::load_record(StateReader& in, CellRecord& record) {
  record.first_s = in.u32();
  record.newest_s = in.u32();
  if (in.u8() != 0) {
    record.busy = busy_.take() + 1;
    return busy_.at(record.busy - 1).load(in);
  }
  const std::uint64_t size = in.varint();
  if (size > CellRecord::Contacts::kCapacityMax) in.fail("a cell's list is over its bound");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    CellContact c{};
    for (std::uint32_t* v : {&c.time_s, &c.number, &c.device}) *v = in.u32();
    const std::uint8_t bits = in.u8();
    c.kind = bits & 7U;
    if (c.kind > CellContact::kMessages || c.time_s > record.newest_s) in.fail("a cell's contact cannot be");
    c.international = (bits & 8U) != 0;
    c.fresh = (bits & 16U) != 0;
    if (in.ok()) record.contacts.append(contacts_) = c;
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
