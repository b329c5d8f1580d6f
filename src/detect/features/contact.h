// One call or message as a number's list holds it.
//
// Units    seconds since 1970; talk_s up to 16,383; night is local, as NumberOptions says.
// Safety   peer, device and cell are hashes: nothing here can be read back.
#pragma once

#include <cstdint>

namespace pandun::detect {

// What a number did to whom; a contact has one.
enum class Lane : std::uint8_t { kCallOut, kCallIn, kMessageOut, kMessageIn };
inline constexpr std::size_t kLanes = 4;

struct Contact {
  std::uint32_t time_s;
  std::uint32_t talk_s : 14;
  std::uint32_t region : 10;  // of the peer, 0 = not known; calls out only
  std::uint32_t lane : 2;
  std::uint32_t answered : 2;  // model::Answered
  std::uint32_t returned : 1;  // a call in from a number this one had called within 24 h
  std::uint32_t abroad : 1;    // the feed calls it international, or the peer's calling code is another
  std::uint32_t roaming : 1;   // the feed says so of a call out
  std::uint32_t night : 1;     // it fell between 22:00 and 06:00
  std::uint16_t peer;          // 1-65535; 0 = met again later, in the same lane
  std::uint16_t device, cell;  // 0 = not known, or seen again later
  std::uint16_t unused_too;

  bool is(Lane wanted) const { return lane == static_cast<std::uint32_t>(wanted); }
  bool outgoing() const { return (lane & 1U) == 0; }
};
static_assert(sizeof(Contact) == 16);

inline constexpr unsigned kPlaceBits = 12;  // of a device or cell

// The 16 bits a peer is known by outside of sets, from 32.
constexpr std::uint16_t short_hash(std::uint32_t hash) {
  return hash >> 16 == 0 ? std::uint16_t{1} : static_cast<std::uint16_t>(hash >> 16);
}

}  // namespace pandun::detect
