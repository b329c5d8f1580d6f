// What risk_propagation keeps of contacts: of a number at work, and of a number that rings suspected ones.
//
// Units    seconds since 1970.
// Victims  are those who are rung first. A contact is followed only from a call on that the other side made without having been
//          rung, and a conversation of more than two minutes ends it for good: people who are lied to are talked to.
// Shape    Seed: 180 bytes and 40 for each of up to 12 contacts. Company: 40 bytes for whom a suspected number rang; 200 and 40
//          for each of up to 8 suspected and 12 other contacts for whom rang one first.
// Threads  plain values.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "detect/small_state.h"
#include "detect/state_table.h"
#include "model/number.h"

namespace pandun::detectors::risk_propagation {

inline constexpr std::size_t kContactsMax = 12, kSuspectsMax = 8, kApproachesMax = 4;

// A score that was 1 at some time and halves since.
struct Score {
  std::uint32_t at_s = 0;  // 0 = never
  double at(std::uint32_t now_s, double half_life_s) const {
    return at_s == 0 ? 0 : std::exp2(-static_cast<double>(now_s > at_s ? now_s - at_s : 0) / half_life_s);
  }
};

// Somebody who rang first. "made" and "received" are short answered calls, by the number in whose state it stands.
struct Contact {
  model::NumberKey number;
  std::uint32_t last_s = 0, hour = 0;
  std::uint16_t made = 0, received = 0, hours = 0;
  std::uint16_t relays = 0;  // of both, within minutes after one with a suspected number
  bool talked = false;       // a conversation of more than two minutes: not followed any more
  detect::Said said;         // of the risk

  double touches() const { return double{0} + made + received; }
  void touch(bool calls, bool relay, std::uint32_t now_s) {
    std::uint16_t& count = calls ? made : received;
    if (count < 0xffff) ++count;
    if (relay && relays < 0xffff) ++relays;
    if (hour != now_s / 3600 && hours < 0xffff) ++hours;
    hour = now_s / 3600;
    last_s = std::max(last_s, now_s);
  }
  void save(detect::StateWriter& w) const;
  void load(detect::StateReader& r);
};

Contact* find_contact(std::vector<Contact>& contacts, model::NumberKey number);
// Where there is no room, one of the fewest hours gives way, the longest silent of these.
Contact& add_contact(std::vector<Contact>& contacts, std::size_t most, model::NumberKey number);

struct Seed {
  Score score;
  std::vector<Contact> contacts;
  detect::LatestRecords<8> records;

  std::uint64_t bytes() const { return sizeof(*this) + contacts.capacity() * sizeof(Contact); }
  void save(detect::StateWriter& w) const;
  void load(detect::StateReader& r);
};

// Of a number that is in touch with suspected ones.
struct Circle {
  std::vector<Contact> suspects;  // suspected numbers that it rang first; here "received" are its own calls
  std::vector<Contact> others;
  std::uint32_t touch_s = 0;  // its latest short call with one of the suspects
  detect::Said said;          // of its own risk
  detect::LatestRecords<8> records;

  std::uint64_t bytes() const { return sizeof(*this) + (suspects.capacity() + others.capacity()) * sizeof(Contact); }
};

struct Company {
  std::array<std::uint32_t, kApproachesMax>
      approaches{};  // hashes of suspected numbers that rang it first, the latest ones
  std::uint8_t next = 0;
  std::unique_ptr<Circle> circle;

  bool approached_by(model::NumberKey suspect) const {
    return std::find(approaches.begin(), approaches.end(), hash(suspect)) != approaches.end();
  }
  void approached(model::NumberKey suspect) {
    approaches[next] = hash(suspect);
    next = static_cast<std::uint8_t>((next + 1) % kApproachesMax);
  }
  std::uint64_t heap_bytes() const { return circle == nullptr ? 0 : circle->bytes(); }
  void save(detect::StateWriter& w) const;
  void load(detect::StateReader& r);

 private:
  static std::uint32_t hash(model::NumberKey number) {
    return static_cast<std::uint32_t>(detect::state_hash(number) >> 32) | 1U;
  }
};

}  // namespace pandun::detectors::risk_propagation
