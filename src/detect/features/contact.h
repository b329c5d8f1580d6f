// One call or message as a quiet number's list holds it.
//
// Units    seconds since 1970; talk_s up to 16,383.
// Safety   peer, device and cell are hashes: nothing here can be read back.
#pragma once

#include <array>
#include <cstdint>

namespace pandun::detect {

struct ShortContact {
  std::uint32_t time_s;
  std::uint32_t peer;
  std::uint32_t talk_s : 14;
  std::uint32_t region : 10;  // of the peer, 0 = not known; calls out only
  std::uint32_t message : 1;
  std::uint32_t outgoing : 1;
  std::uint32_t answered : 2;    // model::Answered
  std::uint32_t returned : 1;    // a call in from a number this one had called
  std::uint32_t has_device : 1;  // of a ShortContact in a record: the record's device; unused in a Contact
  std::uint32_t has_cell : 1;
  std::uint32_t unused : 1;
};
static_assert(sizeof(ShortContact) == 12);

struct Contact : ShortContact {
  std::uint16_t device, cell;  // 16-bit hashes; 0 = not known
};
static_assert(sizeof(Contact) == 16);

inline constexpr std::uint32_t kInlineContacts = 3;
using InlineContacts = std::array<Contact, kInlineContacts>;

}  // namespace pandun::detect
