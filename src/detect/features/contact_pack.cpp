#include "detect/features/contact_pack.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "detect/features/number_activity.h"
#include "detect/features/regions.h"
#include "detect/window.h"
#include "model/event.h"

namespace pandun::detect {
namespace {

constexpr std::uint32_t kHalfHour = spec(Window::k24h).step_s;
static_assert(kPlaceBits >= 10, "regions have 10 bits");
constexpr unsigned kCountBits = 4, kSecondsBits = 7, kTalkBits = 6, kGapBits = 2;
constexpr std::uint32_t kPlainSteps = 2;  // half-hours between two contacts that take a bit each
constexpr auto kYes = static_cast<std::uint32_t>(model::Answered::kYes);
constexpr auto kNo = static_cast<std::uint32_t>(model::Answered::kNo);

// Who was met later than where the walk stands, and in which lanes.
struct Known {
  std::array<std::uint16_t, kPackedContacts> peers;
  std::array<std::uint8_t, kPackedContacts> lanes;
  std::size_t size = 0;
  std::bitset<512> some{};  // by the lowest bits: most that are not there are told apart by one look
  std::size_t find(std::uint16_t peer) const {
    if (!some.test(peer & 511U)) return size;
    return static_cast<std::size_t>(std::find(peers.begin(), peers.begin() + size, peer) - peers.begin());
  }
  void add(std::uint16_t peer) {
    some.set(peer & 511U);
    peers[size] = peer;
    lanes[size++] = 0;
  }
};

// The last sights of devices, cells or regions: each stands at the newest contact that saw it.
template <typename Get>
void pack_sights(std::span<const Contact> contacts, BitWriter& out, unsigned bits, Get get) {
  std::array<std::uint16_t, kPackedContacts> seen, gap;
  std::bitset<1U << kPlaceBits> known;
  std::size_t count = 0, last = 0;
  for (std::size_t i = contacts.size(); i-- > 0;) {
    const std::uint16_t place = get(contacts[i]);
    if (place == 0 || known.test(place)) continue;
    known.set(place);
    const std::size_t at = contacts.size() - 1 - i;
    seen[count] = place;
    gap[count++] = static_cast<std::uint16_t>(at - last);
    last = at;
  }
  out.golomb(static_cast<std::uint32_t>(count), 1);
  for (std::size_t i = 0; i < count; ++i) {
    out.golomb(gap[i], kGapBits);
    out.bits(seen[i], bits);
  }
}

template <typename Set>
bool unpack_sights(BitReader& in, Contact* contacts, std::size_t size, unsigned bits, Set set) {
  const std::uint32_t count = in.golomb(1);
  if (count > size) return false;
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    at += in.golomb(kGapBits);
    if (at >= size) return false;
    set(contacts[size - 1 - at], in.bits(bits));
  }
  return in.ok();
}

// What a contact was, how it ended and what is known of its peer, as one symbol of a prefix code (Huffman, from the mix of
// bench/province_slice.h, smoothed so that none is long).
enum Meeting : std::uint32_t { kNotTold, kMetInList, kMetFirst, kMetKinds };
// Kinds: of calls out by outcome, of calls in by outcome and whether they were returned, of messages.
constexpr std::uint32_t kCalled = 0, kWasCalled = 3, kWasCalledBack = 7, kWrote = 11, kWasWrittenTo = 12, kKinds = 13;
constexpr std::uint32_t kTaken = 0, kTakenShortly = 1, kNotTaken = 2, kOutcomeNotKnown = 3, kOutcomes = 4;
constexpr std::array<std::uint8_t, kKinds * std::size_t{kMetKinds}> kLengths{
    4,  6,  3,  6,  7,  4,  12, 12, 12,              // called: answered, not answered, not known
    6,  8,  4,  9,  10, 7,  7,  8,  5,  12, 12, 12,  // was called by others: the four outcomes
    12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 11, 11,  // was called back
    5,  5,  3,  2,  7,  3};                          // wrote, was written to
constexpr unsigned kLongestCode = 12;

struct SymbolCode {
  std::array<std::uint16_t, kLengths.size()> code{};  // the first bit is the lowest
  struct Found {
    std::uint8_t symbol, length;
  };
  std::array<Found, 1U << kLongestCode> found{};
  constexpr SymbolCode() {
    std::uint32_t next = 0;
    for (unsigned length = 1; length <= kLongestCode; ++length, next <<= 1U)
      for (std::size_t symbol = 0; symbol < kLengths.size(); ++symbol) {
        if (kLengths[symbol] != length) continue;
        std::uint32_t reversed = 0;
        for (unsigned bit = 0; bit < length; ++bit) reversed |= (next >> bit & 1U) << (length - 1 - bit);
        ++next;
        code[symbol] = static_cast<std::uint16_t>(reversed);
        for (std::uint32_t rest = reversed; rest < found.size(); rest += 1U << length)
          found[rest] = {static_cast<std::uint8_t>(symbol), static_cast<std::uint8_t>(length)};
      }
  }
};
constexpr SymbolCode kCode;

std::uint32_t kind_of(const Contact& c) {
  if (c.is(Lane::kCallOut)) return kCalled + (c.answered == kYes ? 0 : c.answered == kNo ? 1 : 2);
  if (c.is(Lane::kCallIn)) {
    const std::uint32_t outcome = c.answered == kYes  ? (c.talk_s <= kShortTalkS ? kTakenShortly : kTaken)
                                  : c.answered == kNo ? kNotTaken
                                                      : kOutcomeNotKnown;
    return (c.returned == 1 ? kWasCalledBack : kWasCalled) + outcome;
  }
  return c.is(Lane::kMessageOut) ? kWrote : kWasWrittenTo;
}

void set_kind(Contact& c, std::uint32_t kind) {
  if (kind < kWasCalled) {
    c.lane = static_cast<std::uint32_t>(Lane::kCallOut) & 3U;
    if (kind <= 1) c.answered = (kind == 0 ? kYes : kNo) & 3U;
  } else if (kind < kWrote) {
    c.lane = static_cast<std::uint32_t>(Lane::kCallIn) & 3U;
    const std::uint32_t outcome = (kind - kWasCalled) % kOutcomes;
    if (outcome != kOutcomeNotKnown) c.answered = (outcome == kNotTaken ? kNo : kYes) & 3U;
    if (outcome == kTaken) c.talk_s = kShortTalkS + 1;
    c.returned = kind >= kWasCalledBack ? 1U : 0U;
  } else {
    c.lane = static_cast<std::uint32_t>(kind == kWrote ? Lane::kMessageOut : Lane::kMessageIn) & 3U;
  }
}

bool is_rare(const Contact& c) {
  return c.abroad == 1 || c.roaming == 1;
}

// The few contacts that were abroad or roaming: one bit where there is none.
void pack_rare(std::span<const Contact> contacts, BitWriter& out) {
  std::uint32_t count = 0;
  for (const Contact& c : contacts) count += is_rare(c) ? 1U : 0U;
  out.golomb(count, 0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < contacts.size() && count > 0; ++i) {
    const Contact& c = contacts[i];
    if (!is_rare(c)) continue;
    out.golomb(static_cast<std::uint32_t>(i - next), kGapBits);
    out.bit(c.abroad == 1);
    out.bit(c.roaming == 1);
    next = i + 1;
  }
}

bool unpack_rare(BitReader& in, Contact* contacts, std::size_t size) {
  const std::uint32_t count = in.golomb(0);
  if (count > size) return false;
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < count; ++i, ++at) {
    at += in.golomb(kGapBits);
    if (at >= size) return false;
    contacts[at].abroad = in.bits(1) & 1U;
    contacts[at].roaming = in.bits(1) & 1U;
  }
  return in.ok();
}

void pack_steps(std::uint32_t steps, BitWriter& out) {
  const std::uint32_t plain = std::min(steps, kPlainSteps);
  out.bits(plain == kPlainSteps ? 0 : 1U << plain, std::min(plain + 1, kPlainSteps));
  if (plain == kPlainSteps) out.golomb(steps - kPlainSteps, 0);
}

std::uint32_t unpack_steps(BitReader& in) {
  std::uint32_t steps = 0;
  while (steps < kPlainSteps && !in.bit()) ++steps;
  return steps < kPlainSteps ? steps : steps + in.golomb(0);
}

}  // namespace

void pack_contacts(std::span<const Contact> contacts, std::uint32_t now_s, BitWriter& out) {
  const std::uint32_t hour = start_s(Window::k1h, now_s);
  std::size_t recent = 0;
  while (recent < contacts.size() && contacts[contacts.size() - 1 - recent].time_s >= hour) ++recent;
  out.golomb(static_cast<std::uint32_t>(contacts.size()), kCountBits);
  out.golomb(static_cast<std::uint32_t>(recent), 0);
  Known known;
  std::uint32_t second = now_s, half = now_s / kHalfHour;
  for (std::size_t i = contacts.size(); i-- > 0;) {  // the newest first
    const Contact& c = contacts[i];
    if (recent > 0) {
      --recent;
      out.golomb(second - c.time_s, kSecondsBits);
      second = c.time_s;
    } else {
      pack_steps(half - c.time_s / kHalfHour, out);
      half = c.time_s / kHalfHour;
    }
    std::size_t at = c.peer == 0 ? 0 : known.find(c.peer);
    const auto lane = static_cast<std::uint8_t>(1U << c.lane);
    const bool told = c.peer != 0 && (at == known.size || (known.lanes[at] & lane) == 0);
    const std::uint32_t symbol = kind_of(c) * kMetKinds + (!told ? kNotTold : at < known.size ? kMetInList : kMetFirst);
    out.bits(kCode.code[symbol], kLengths[symbol]);
    if (symbol < kMetKinds) out.golomb(c.talk_s, kTalkBits);
    if (!told) continue;
    if (at < known.size) {
      out.bounded(static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(known.size - 1));
    } else {
      out.bits(c.peer, 16);
      known.add(c.peer);
    }
    known.lanes[at] = static_cast<std::uint8_t>(known.lanes[at] | lane);
  }
  pack_sights(contacts, out, kPlaceBits, [](const Contact& c) { return c.device; });
  pack_sights(contacts, out, kPlaceBits, [](const Contact& c) { return c.cell; });
  pack_sights(contacts, out, 10, [](const Contact& c) { return static_cast<std::uint16_t>(c.region); });
  pack_rare(contacts, out);
}

bool unpack_contacts(BitReader& in, std::uint32_t now_s, std::chrono::seconds local_offset, Contact* out,
                     std::size_t& size) {
  size = in.golomb(kCountBits);
  std::size_t recent = in.golomb(0);
  if (!in.ok() || size > kPackedContacts || recent > size) return false;
  std::array<std::uint16_t, kPackedContacts> known;
  std::size_t known_size = 0;
  std::uint32_t second = now_s, half = now_s / kHalfHour;
  for (std::size_t i = size; i-- > 0;) {
    Contact& c = out[i] = Contact{};
    const bool exact = recent > 0;
    const std::uint32_t back = exact ? in.golomb(kSecondsBits) : unpack_steps(in);
    if (back > (exact ? second : half)) return false;
    if (exact) {
      --recent;
      c.time_s = second -= back;
    } else {
      c.time_s = (half -= back) * kHalfHour;
    }
    c.night = is_night_half_hour(exact ? second / kHalfHour : half, local_offset) ? 1U : 0U;
    const SymbolCode::Found symbol = kCode.found[in.look(kLongestCode)];
    in.skip(symbol.length);
    set_kind(c, symbol.symbol / kMetKinds);
    if (symbol.symbol < kMetKinds) c.talk_s = in.golomb(kTalkBits) & 0x3fffU;
    if (symbol.symbol % kMetKinds == kNotTold) continue;
    if (symbol.symbol % kMetKinds == kMetInList) {
      if (known_size == 0) return false;
      const std::uint32_t at = in.bounded(static_cast<std::uint32_t>(known_size - 1));
      if (at >= known_size) return false;
      c.peer = known[at];
    } else {
      c.peer = known[known_size++] = static_cast<std::uint16_t>(in.bits(16));
    }
    if (!in.ok()) return false;
  }
  return unpack_sights(in, out, size, kPlaceBits,
                       [](Contact& c, std::uint32_t v) { c.device = static_cast<std::uint16_t>(v); }) &&
         unpack_sights(in, out, size, kPlaceBits,
                       [](Contact& c, std::uint32_t v) { c.cell = static_cast<std::uint16_t>(v); }) &&
         unpack_sights(in, out, size, 10, [](Contact& c, std::uint32_t v) { c.region = v & 1023U; }) &&
         unpack_rare(in, out, size);
}

}  // namespace pandun::detect
