#include "detectors/risk_propagation/company.h"

namespace pandun::detectors::risk_propagation {
namespace {

void save_contacts(detect::StateWriter& w, const std::vector<Contact>& contacts) {
  w.varint(contacts.size());
  for (const Contact& c : contacts) c.save(w);
}

void load_contacts(detect::StateReader& r, std::size_t most, std::vector<Contact>& contacts) {
  const std::uint64_t size = r.varint();
  if (size > most) return r.fail("more contacts than a number may have");
  for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
    detect::grow(contacts, 2, most);
    contacts.emplace_back().load(r);
  }
}

}  // namespace

void Contact::save(detect::StateWriter& w) const {
  w.u64(number.bits());
  w.u32(last_s);
  w.u32(hour);
  for (const std::uint16_t v : {made, received, hours, relays}) w.u16(v);
  w.u8(talked ? 1 : 0);
  said.save(w);
}

void Contact::load(detect::StateReader& r) {
  number = model::NumberKey::from_bits(r.u64());
  last_s = r.u32();
  hour = r.u32();
  for (std::uint16_t* v : {&made, &received, &hours, &relays}) *v = r.u16();
  talked = r.u8() != 0;
  said.load(r);
}

Contact* find_contact(std::vector<Contact>& contacts, model::NumberKey number) {
  for (Contact& c : contacts)
    if (c.number == number) return &c;
  return nullptr;
}

Contact& add_contact(std::vector<Contact>& contacts, std::size_t most, model::NumberKey number) {
  if (contacts.size() < most) {
    detect::grow(contacts, 2, most);
    contacts.emplace_back().number = number;
    return contacts.back();
  }
  auto least = std::min_element(contacts.begin(), contacts.end(), [](const Contact& a, const Contact& b) {
    return a.hours != b.hours ? a.hours < b.hours : a.last_s < b.last_s;
  });
  *least = {};
  least->number = number;
  return *least;
}

void Seed::save(detect::StateWriter& w) const {
  w.u32(score.at_s);
  save_contacts(w, contacts);
  records.save(w);
}

void Seed::load(detect::StateReader& r) {
  score.at_s = r.u32();
  load_contacts(r, kContactsMax, contacts);
  records.load(r);
}

void Company::save(detect::StateWriter& w) const {
  for (const std::uint32_t a : approaches) w.u32(a);
  w.u8(next);
  w.u8(circle != nullptr ? 1 : 0);
  if (circle == nullptr) return;
  save_contacts(w, circle->suspects);
  save_contacts(w, circle->others);
  w.u32(circle->touch_s);
  circle->said.save(w);
  circle->records.save(w);
}

void Company::load(detect::StateReader& r) {
  for (std::uint32_t& a : approaches) a = r.u32();
  next = static_cast<std::uint8_t>(r.u8() % kApproachesMax);
  if (r.u8() == 0) return;
  circle = std::make_unique<Circle>();
  load_contacts(r, kSuspectsMax, circle->suspects);
  load_contacts(r, kContactsMax, circle->others);
  circle->touch_s = r.u32();
  circle->said.load(r);
  circle->records.load(r);
}

}  // namespace pandun::detectors::risk_propagation
