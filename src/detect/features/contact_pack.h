// A list of contacts in few bits: 2 to 4 bytes each.
//
// Shape    What no feature can tell is left out: the second of what is over an hour old (its half-hour stays); who was met
//          again later in the same lane, and devices, cells and regions seen again later; of calls in how long they lasted,
//          beyond short or not. So a list that was packed and unpacked answers everything as before, and packing it again
//          gives the same bytes.
// Errors   unpack_contacts() is false for bytes that pack_contacts() cannot have written in a way that would lead astray.
// Threads  plain functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "detect/bits.h"
#include "detect/features/contact.h"

namespace pandun::detect {

// In time order, none after now_s. At most kPackedContacts.
inline constexpr std::size_t kPackedContacts = 511;
void pack_contacts(std::span<const Contact> contacts, std::uint32_t now_s, BitWriter& out);
// `out` has room for kPackedContacts; now_s as it was; the offset tells night.
bool unpack_contacts(BitReader& in, std::uint32_t now_s, std::chrono::seconds local_offset, Contact* out,
                     std::size_t& size);

}  // namespace pandun::detect
