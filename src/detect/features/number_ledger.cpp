#include "detect/features/number_ledger.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/check.h"
#include "detect/bits.h"
#include "detect/features/number_state.h"

namespace pandun::detect {
namespace {

constexpr auto kYes = static_cast<std::uint32_t>(model::Answered::kYes);
constexpr auto kNo = static_cast<std::uint32_t>(model::Answered::kNo);
// How many bits usual values take, by tier: half-hours, days, 6 days.
constexpr unsigned kCountOrder[] = {0, 2, 4}, kTalkOrder[] = {6, 8, 10};
// A peer's bits, by tier; what the level of a sample tells is not stored.
constexpr unsigned kPeerBits[] = {16, 12, 12};
constexpr unsigned kLevelBits = 4, kLevelMost = 10, kRegionBits = 10;
// Far above what a ledger comes to before its number is busy; they keep sums in range whatever a stranger's checkpoint says.
constexpr std::uint32_t kCountMost = 1U << 16, kMergedMost = 1U << 24, kTalkSumMost = 1U << 30;

unsigned lane_of(const Contact& c) {
  return (c.message == 1 ? 2U : 0U) + (c.outgoing == 1 ? 0U : 1U);
}
std::uint16_t short_hash(std::uint32_t peer) {
  return static_cast<std::uint16_t>(peer >> 16);
}

}  // namespace

void Ledger::clear() {
  clock_s_ = 0;
  recent_count_ = cell_count_ = thing_count_ = 0;
}

Ledger::Tier Ledger::tier_of(std::uint32_t time_s) const {
  return time_s >= start_s(Window::k24h, clock_s_)   ? kHours
         : time_s >= start_s(Window::k7d, clock_s_)  ? kDays
         : time_s >= start_s(Window::k30d, clock_s_) ? kSpans
                                                     : kGone;
}

std::array<std::uint32_t, kWindows> Ledger::contacts() const {
  std::array<std::uint32_t, kWindows> out{}, start;
  for (const Window w : kAllWindows) start[static_cast<std::size_t>(w)] = start_s(w, clock_s_);
  for (const Contact& c : recents())
    for (std::size_t w = 0; w < kWindows; ++w) out[w] += c.time_s >= start[w] ? 1U : 0U;
  for (std::size_t i = 0; i < cell_count_; ++i) {
    const Cell& cell = cells_[i];
    const std::uint32_t n = cell.n[kCallOut] + cell.n[kCallIn] + cell.n[kMessageOut] + cell.n[kMessageIn];
    const std::uint32_t from = start_of(cell);
    for (auto w = static_cast<std::size_t>(kTierWindow[cell.tier]); w < kWindows; ++w)
      out[w] += from >= start[w] ? n : 0;
  }
  return out;
}

void Ledger::advance(std::uint32_t now_s) {
  if (now_s <= clock_s_) return;
  clock_s_ = now_s;
  settle();
  const std::uint32_t start = start_s(Window::k1h, now_s);
  std::size_t passed = 0;
  while (passed < recent_count_ && recents_[passed].time_s < start) count(recents_[passed++]);
  if (passed == 0) return;
  std::copy(recents_.begin() + static_cast<std::ptrdiff_t>(passed),
            recents_.begin() + static_cast<std::ptrdiff_t>(recent_count_), recents_.begin());
  recent_count_ -= passed;
}

bool Ledger::add(const Contact& c) {
  CHECK(c.time_s <= clock_s_);
  // Each listed contact may leave a peer, a device, a cell and a region when it is counted.
  if (thing_count_ + 4 * (recent_count_ + 1) > kThings) return false;
  if (c.time_s < start_s(Window::k1h, clock_s_)) return count(c);
  if (recent_count_ == kRecents) return false;
  std::size_t at = recent_count_++;
  for (; at > 0 && recents_[at - 1].time_s > c.time_s; --at) recents_[at] = recents_[at - 1];
  recents_[at] = c;
  return true;
}

Ledger::Cell* Ledger::open(Tier tier, std::uint32_t step) {
  std::size_t at = 0;
  while (at < cell_count_ && (cells_[at].tier < tier || (cells_[at].tier == tier && cells_[at].step > step))) ++at;
  if (at < cell_count_ && cells_[at].tier == tier && cells_[at].step == step) return &cells_[at];
  CHECK(cell_count_ < kCells);
  for (std::size_t i = cell_count_++; i > at; --i) cells_[i] = cells_[i - 1];
  cells_[at] = Cell{};
  cells_[at].level.fill(least_level(tier));
  cells_[at].tier = tier;
  cells_[at].step = step;
  return &cells_[at];
}

bool Ledger::count(const Contact& c) {
  const Tier tier = tier_of(c.time_s);
  if (tier == kGone) return true;
  Cell& cell = *open(tier, c.time_s / step_s(tier));
  const unsigned lane = lane_of(c);
  if (cell.n[lane] >= kCountMost) return false;
  ++cell.n[lane];
  if (lane == kCallOut) {
    if (c.answered == kYes) {
      ++cell.n[kAnswered];
      if (c.talk_s <= kShortTalkS) ++cell.n[kShort];
      cell.n[kTalk] = std::min(cell.n[kTalk] + c.talk_s, kTalkSumMost);
    } else if (c.answered == kNo) {
      ++cell.n[kUnanswered];
    }
    if (c.region != 0 && tier == kHours) touch(kRegion, static_cast<std::uint16_t>(c.region), cell);
  } else if (lane == kCallIn && c.returned == 1) {
    ++cell.n[kReturns];
  }
  touch(lane, short_hash(c.peer), cell);
  if (c.device != 0) touch(kDevice, c.device, cell);
  if (c.cell != 0 && tier == kHours) touch(kCell, c.cell, cell);
  if (tier != kHours) sample(cell, lane);
  return true;
}

std::size_t Ledger::first_of(std::uint32_t key) const {
  return static_cast<std::size_t>(
      std::lower_bound(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(thing_count_), key) - keys_.begin());
}

// The first tag from `from` that equals in `bits`, or `end`. By eights, so that it is done in wide words.
std::size_t Ledger::find_tag(std::uint32_t tag, std::uint32_t bits, std::size_t from, std::size_t end) const {
  const std::uint32_t* const tags = tags_.data();
  for (; from + 8 <= end; from += 8) {
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < 8; ++i) any |= ((tags[from + i] ^ tag) & bits) == 0 ? 1U : 0U;
    if (any != 0) break;
  }
  for (; from < end; ++from)
    if (((tags[from] ^ tag) & bits) == 0) return from;
  return end;
}

// Where it was last met counts: an older sight of it goes, a newer one stays.
void Ledger::touch(unsigned kind, std::uint16_t hash, Cell& cell) {
  const std::uint32_t key = key_of(cell.tier, cell.step, kind), tag = tag_of(kind, hash);
  const std::uint32_t own = 0x70000U | mask(kind, cell.tier), later = 0x70000U | mask(kind, kDays);
  const std::size_t hours = first_of(key_of(kDays, kStepMax, 0));
  const std::size_t at = first_of(key);
  std::size_t old = find_tag(tag, own, 0, hours);
  if (old == hours) old = find_tag(tag, later, hours, thing_count_);
  if (old < thing_count_ && keys_[old] <= key) return;
  const bool kept = kind > kMessageIn || passes(hash, cell.level[kind]);
  std::size_t end = old;  // what stands from `at` to here moves up by one, when it is kept
  if (old == thing_count_) {
    if (!kept) return;
    CHECK(thing_count_ < kThings);
    ++thing_count_;
  } else if (!kept) {
    --thing_count_;
    std::copy(keys_.begin() + static_cast<std::ptrdiff_t>(old) + 1,
              keys_.begin() + static_cast<std::ptrdiff_t>(thing_count_) + 1,
              keys_.begin() + static_cast<std::ptrdiff_t>(old));
    std::copy(tags_.begin() + static_cast<std::ptrdiff_t>(old) + 1,
              tags_.begin() + static_cast<std::ptrdiff_t>(thing_count_) + 1,
              tags_.begin() + static_cast<std::ptrdiff_t>(old));
    return;
  }
  std::memmove(&keys_[at + 1], &keys_[at], (end - at) * sizeof(keys_[0]));
  std::memmove(&tags_[at + 1], &tags_[at], (end - at) * sizeof(tags_[0]));
  keys_[at] = key;
  tags_[at] = tag & own;
}

// Keeps of a day's or span's peers those that its level lets pass, and raises the level until few enough do.
void Ledger::sample(Cell& cell, unsigned lane) {
  const std::uint32_t key = key_of(cell.tier, cell.step, lane);
  const std::size_t first = first_of(key);
  std::size_t end = first;
  while (end < thing_count_ && keys_[end] == key) ++end;
  const std::size_t old_end = end;
  const auto filter = [&] {
    std::size_t to = first;
    for (std::size_t i = first; i < end; ++i)
      if (passes(hash_of(i), cell.level[lane])) tags_[to++] = tags_[i];
    end = to;
  };
  if (cell.level[lane] > 0) filter();
  while (end - first > peers_most(cell.tier) && cell.level[lane] < kLevelMost) {
    ++cell.level[lane];
    filter();
  }
  end = std::min(end, first + peers_most(cell.tier));  // hashes that pass every level can only be made up
  if (end == old_end) return;
  std::memmove(&keys_[end], &keys_[old_end], (thing_count_ - old_end) * sizeof(keys_[0]));
  std::memmove(&tags_[end], &tags_[old_end], (thing_count_ - old_end) * sizeof(tags_[0]));
  thing_count_ -= old_end - end;
}

// Sums. The bounds are never reached but from a stranger's checkpoint; there, parts must not become more than their whole.
void Ledger::merge(Counts& into, const Counts& from) {
  for (std::size_t c = 0; c < kTalk; ++c) into[c] = std::min(into[c] + from[c], kMergedMost);
  into[kTalk] = std::min(into[kTalk] + from[kTalk], kTalkSumMost);
  into[kUnanswered] = std::min(into[kUnanswered], into[kCallOut] - into[kAnswered]);
}

// The things of cells that go elsewhere, in order of their new keys.
void Ledger::move_things(std::span<const Cell> moved) {
  std::array<std::uint64_t, kThings> going;
  std::size_t size = 0, kept = 0;
  const std::uint32_t first = key_of(moved.front().tier, moved.front().step, 0);
  for (std::size_t i = kept = first_of(first); i < thing_count_; ++i) {
    const std::uint32_t key = keys_[i];
    const Tier from = tier_in(key);
    const bool goes = std::any_of(moved.begin(), moved.end(),
                                  [&](const Cell& c) { return key_of(c.tier, c.step, 0) == (key & ~7U); });
    if (!goes) {
      keys_[kept] = key;
      tags_[kept++] = tags_[i];
      continue;
    }
    const std::uint32_t start = step_in(key) * step_s(from);
    const Tier to = tier_of(start);
    const unsigned kind = kind_in(key);
    if (to == kGone || kind == kCell || kind == kRegion) continue;
    going[size++] = std::uint64_t{key_of(to, start / step_s(to), kind)} << 32 |
                    tag_of(kind, hash_of(i) & std::uint32_t{mask(kind, to)});
  }
  std::sort(going.begin(), going.begin() + static_cast<std::ptrdiff_t>(size));
  std::size_t to = thing_count_ = kept + size;
  while (size > 0) {  // from the end, so that nothing is written over
    const auto key = static_cast<std::uint32_t>(going[size - 1] >> 32);
    --to;
    if (kept > 0 && keys_[kept - 1] > key) {
      keys_[to] = keys_[--kept];
      tags_[to] = tags_[kept];
    } else {
      keys_[to] = key;
      tags_[to] = static_cast<std::uint32_t>(going[--size]);
    }
  }
}

// Moves what its tier holds no more into the next one's steps.
void Ledger::settle() {
  std::array<Cell, kCells> moved;
  std::size_t moved_count = 0, kept = 0;
  const std::array<std::uint32_t, 3> start{start_s(Window::k24h, clock_s_), start_s(Window::k7d, clock_s_),
                                           start_s(Window::k30d, clock_s_)};
  for (std::size_t i = 0; i < cell_count_; ++i) {
    if (start_of(cells_[i]) < start[cells_[i].tier]) {
      moved[moved_count++] = cells_[i];
    } else {
      if (kept != i) cells_[kept] = cells_[i];
      ++kept;
    }
  }
  if (moved_count == 0) return;
  cell_count_ = kept;
  move_things({moved.data(), moved_count});
  for (std::size_t i = 0; i < moved_count; ++i) {
    const std::uint32_t from = start_of(moved[i]);
    const Tier to = tier_of(from);
    if (to == kGone) continue;
    Cell& cell = *open(to, from / step_s(to));
    merge(cell.n, moved[i].n);
    for (unsigned lane = 0; lane < 4; ++lane) {
      cell.level[lane] = std::max(cell.level[lane], moved[i].level[lane]);
      sample(cell, lane);
    }
  }
}

void Ledger::tally(Window w, std::uint32_t now_s, NumberTally& sum) const {
  const std::uint32_t start = start_s(w, now_s);
  for (std::size_t i = 0; i < cell_count_; ++i) {
    const Cell& cell = cells_[i];
    if (!inside(cell, w, start)) continue;
    sum.calls_out += cell.n[kCallOut];
    sum.calls_in += cell.n[kCallIn];
    sum.messages_out += cell.n[kMessageOut];
    sum.messages_in += cell.n[kMessageIn];
    sum.answered_out += cell.n[kAnswered];
    sum.unanswered_out += cell.n[kUnanswered];
    sum.short_out += cell.n[kShort];
    sum.returns += cell.n[kReturns];
    sum.talk_out_s += cell.n[kTalk];
  }
}

std::uint32_t Ledger::night_24h(std::uint32_t now_s, std::chrono::seconds local_offset) const {
  const std::uint32_t start = start_s(Window::k24h, now_s);
  std::uint32_t night = 0;
  for (std::size_t i = 0; i < cell_count_; ++i)
    if (inside(cells_[i], Window::k24h, start) && is_night(start_of(cells_[i]), local_offset))
      night += cells_[i].n[kCallOut] + cells_[i].n[kMessageOut];
  return night;
}

bool Ledger::called_since(std::uint32_t peer, std::uint32_t since_s) const {
  for (const Contact& c : recents())
    if (c.peer == peer && c.outgoing == 1 && c.message == 0 && c.time_s >= since_s) return true;
  const std::uint32_t tag = tag_of(kCallOut, short_hash(peer));
  const std::size_t hours = first_of(key_of(kDays, kStepMax, 0));
  for (const auto& [from, end, tier] :
       {std::tuple(std::size_t{0}, hours, kHours), std::tuple(hours, thing_count_, kDays)})
    for (std::size_t i = from; (i = find_tag(tag, 0x70000U | mask(kCallOut, tier), i, end)) < end; ++i)
      if (step_in(keys_[i]) * step_s(tier_in(keys_[i])) >= since_s) return true;
  return false;
}

// ---- packed form ----

namespace {

void pack_contact(BitWriter& out, const Contact& c, std::uint32_t after_s, const Contact* last) {
  out.golomb(after_s - c.time_s, 6);
  out.bits(c.peer, 32);
  const unsigned lane = lane_of(c);
  out.bits(lane, 2);
  if (lane == 0) {
    out.bits(c.answered, 2);
    if (c.answered == kYes) out.golomb(c.talk_s, 5);
    out.bits(c.region, kRegionBits);
  } else if (lane == 1) {
    out.bit(c.returned == 1);
  }
  const auto place = [&](std::uint16_t own, std::uint16_t other) {
    out.bit(own != 0);
    if (own == 0) return;
    out.bit(own == other);
    if (own != other) out.bits(own, 16);
  };
  place(c.device, last == nullptr ? std::uint16_t{0} : last->device);
  place(c.cell, last == nullptr ? std::uint16_t{0} : last->cell);
}

bool unpack_contact(BitReader& in, Contact& c, std::uint32_t after_s, const Contact* last) {
  c = Contact{};
  const std::uint32_t back = in.golomb(6);
  if (back > after_s) return false;
  c.time_s = after_s - back;
  c.peer = in.bits(32);
  const unsigned lane = in.bits(2);
  c.message = (lane >> 1) & 1U;
  c.outgoing = (lane & 1) ^ 1U;
  if (lane == 0) {
    c.answered = in.bits(2) & 3;
    if (c.answered == kYes) {
      const std::uint32_t talk = in.golomb(5);
      if (talk > kTalkMaxS) return false;
      c.talk_s = talk & kTalkMaxS;
    }
    c.region = in.bits(kRegionBits) & 1023;
  } else if (lane == 1) {
    c.returned = in.bits(1) & 1;
  }
  const auto place = [&](std::uint16_t other) -> std::uint16_t {
    if (!in.bit()) return 0;
    return in.bit() ? other : static_cast<std::uint16_t>(in.bits(16));
  };
  c.device = place(last == nullptr ? std::uint16_t{0} : last->device);
  c.cell = place(last == nullptr ? std::uint16_t{0} : last->cell);
  return true;
}

}  // namespace

std::size_t Ledger::pack(std::uint8_t* to, std::size_t room) const {
  BitWriter out(to, room + 8);
  out.bits(clock_s_, 32);
  out.golomb(static_cast<std::uint32_t>(recent_count_), 0);
  for (std::size_t i = recent_count_; i > 0; --i) {
    const Contact* last = i == recent_count_ ? nullptr : &recents_[i];
    pack_contact(out, recents_[i - 1], last == nullptr ? clock_s_ : last->time_s, last);
  }
  std::size_t by_tier[3] = {0, 0, 0};
  for (std::size_t i = 0; i < cell_count_; ++i) ++by_tier[cells_[i].tier];
  out.bits(static_cast<std::uint32_t>(by_tier[kHours]), 6);
  out.bits(static_cast<std::uint32_t>(by_tier[kDays]), 3);
  out.bits(static_cast<std::uint32_t>(by_tier[kSpans]), 3);
  std::size_t thing = 0;
  for (std::size_t i = 0; i < cell_count_; ++i) {
    const Cell& cell = cells_[i];
    const bool first = i == 0 || cells_[i - 1].tier != cell.tier;
    out.golomb((first ? clock_s_ / step_s(cell.tier) : cells_[i - 1].step - 1) - cell.step, 0);
    pack_cell(out, cell, thing);
  }
  CHECK(thing == thing_count_);
  const std::size_t bytes = out.finish();
  return bytes <= room ? bytes : 0;
}

void Ledger::pack_cell(BitWriter& to, const Cell& cell, std::size_t& from) const {
  BitWriter out = to;  // in registers
  std::size_t thing = from;
  const auto things = [&](unsigned kind) {
    const std::uint32_t key = key_of(cell.tier, cell.step, kind);
    std::uint32_t found = 0;
    while (thing + found < thing_count_ && keys_[thing + found] == key) ++found;
    return found;
  };
  const auto hashes = [&](std::uint32_t found, unsigned drop, unsigned bits) {
    for (; found >= 2; found -= 2, thing += 2)
      out.bits((tags_[thing] & 0xffffU) >> drop | ((tags_[thing + 1] & 0xffffU) >> drop) << bits, 2 * bits);
    if (found != 0) out.bits((tags_[thing++] & 0xffffU) >> drop, bits);
  };
  std::uint32_t lanes = 0;
  for (unsigned lane = 0; lane < 4; ++lane) lanes |= (cell.n[lane] != 0 ? 1U : 0U) << lane;
  out.bits(lanes, 4);
  for (unsigned lane = 0; lane < 4; ++lane) {
    const std::uint32_t n = cell.n[lane];
    if (n == 0) continue;
    out.golomb(n - 1, kCountOrder[cell.tier]);
    std::uint32_t most = n;
    if (cell.tier != kHours && n > peers_most(cell.tier)) {
      most = static_cast<std::uint32_t>(peers_most(cell.tier));
      out.bits(cell.level[lane], kLevelBits);
    }
    const std::uint32_t peers = things(lane);
    out.bounded(peers, most);
    const unsigned bits = kPeerBits[cell.tier] - cell.level[lane];
    hashes(peers, 16 - bits, bits);
    if (lane == kCallOut) {
      out.bounded(cell.n[kAnswered], n);
      out.bounded(cell.n[kUnanswered], n - cell.n[kAnswered]);
      out.bounded(cell.n[kShort], cell.n[kAnswered]);
      if (cell.n[kAnswered] != 0) out.golomb(cell.n[kTalk], kTalkOrder[cell.tier]);
    } else if (lane == kCallIn) {
      out.bounded(cell.n[kReturns], n);
    }
  }
  for (const unsigned kind : {unsigned{kDevice}, unsigned{kCell}, unsigned{kRegion}}) {
    if (kind != kDevice && cell.tier != kHours) continue;
    const std::uint32_t found = things(kind);
    if (kind == kRegion) {
      if (cell.n[kCallOut] == 0) continue;
      out.bounded(found, cell.n[kCallOut]);
      hashes(found, 0, kRegionBits);
    } else {
      out.golomb(found, 0);
      hashes(found, 0, 16);
    }
  }
  to = out;
  from = thing;
}

bool Ledger::unpack_recents(BitReader& in) {
  clear();
  clock_s_ = in.bits(32);
  const std::uint32_t recent = in.golomb(0);
  if (recent > kRecents) return false;
  recent_count_ = recent;
  std::uint32_t after_s = clock_s_;
  for (std::size_t i = recent_count_; i > 0; --i) {
    if (!unpack_contact(in, recents_[i - 1], after_s, i == recent_count_ ? nullptr : &recents_[i])) return false;
    after_s = recents_[i - 1].time_s;
  }
  return in.ok() && after_s >= start_s(Window::k1h, clock_s_);
}

bool Ledger::unpack_steps(BitReader& in) {
  std::uint32_t by_tier[3];
  by_tier[kHours] = in.bits(6);
  by_tier[kDays] = in.bits(3);
  by_tier[kSpans] = in.bits(3);
  for (const Tier tier : {kHours, kDays, kSpans}) {
    std::uint32_t step = clock_s_ / step_s(tier);
    if (by_tier[tier] > spec(kTierWindow[tier]).steps) return false;
    for (std::uint32_t i = 0; i < by_tier[tier]; ++i) {
      const std::uint32_t back = in.golomb(0);
      if (back > step || !in.ok()) return false;
      Cell& cell = cells_[cell_count_++];
      cell = Cell{};
      cell.level.fill(least_level(tier));
      cell.tier = tier;
      cell.step = step - back;
      if (tier_of(start_of(cell)) != tier || !unpack_cell(in, cell)) return false;
      if (cell.step == 0 && i + 1 < by_tier[tier]) return false;
      step = cell.step - 1;
    }
  }
  return in.ok() && thing_count_ + 4 * recent_count_ <= kThings;
}

bool Ledger::unpack_cell(BitReader& from, Cell& cell) {
  BitReader in = from;  // in registers
  const auto hashes = [&](unsigned kind, std::uint32_t found, unsigned drop, unsigned bits) {
    if (thing_count_ + found > kThings) return false;
    const std::uint32_t key = key_of(cell.tier, cell.step, kind);
    std::size_t at = thing_count_;
    if (bits <= 14) {
      const std::uint32_t own = (1U << bits) - 1;
      for (; found >= 4; found -= 4, at += 4) {
        const std::uint64_t word = in.wide(4 * bits);
        for (unsigned i = 0; i < 4; ++i) {
          keys_[at + i] = key;
          tags_[at + i] = tag_of(kind, (static_cast<std::uint32_t>(word >> (i * bits)) & own) << drop);
        }
      }
    }
    for (; found > 0; --found, ++at) {
      keys_[at] = key;
      tags_[at] = tag_of(kind, in.bits(bits) << drop);
    }
    thing_count_ = at;
    return in.ok();
  };
  const std::uint32_t lanes = in.bits(4);
  for (unsigned lane = 0; lane < 4; ++lane) {
    if ((lanes >> lane & 1U) == 0) continue;
    const std::uint32_t n = in.golomb(kCountOrder[cell.tier]) + 1;
    if (n > kMergedMost) return false;
    cell.n[lane] = n;
    std::uint32_t most = n;
    if (cell.tier != kHours && n > peers_most(cell.tier)) {
      most = static_cast<std::uint32_t>(peers_most(cell.tier));
      cell.level[lane] = static_cast<std::uint8_t>(in.bits(kLevelBits));
      if (cell.level[lane] > kLevelMost || cell.level[lane] < least_level(cell.tier)) return false;
    }
    const std::uint32_t peers = in.bounded(most);
    const unsigned bits = kPeerBits[cell.tier] - cell.level[lane];
    if (peers > most || !hashes(lane, peers, 16 - bits, bits)) return false;
    if (lane == kCallOut) {
      cell.n[kAnswered] = in.bounded(n);
      if (cell.n[kAnswered] > n) return false;
      cell.n[kUnanswered] = in.bounded(n - cell.n[kAnswered]);
      cell.n[kShort] = in.bounded(cell.n[kAnswered]);
      if (cell.n[kUnanswered] > n - cell.n[kAnswered] || cell.n[kShort] > cell.n[kAnswered]) return false;
      if (cell.n[kAnswered] != 0) cell.n[kTalk] = std::min(in.golomb(kTalkOrder[cell.tier]), kTalkSumMost);
    } else if (lane == kCallIn) {
      cell.n[kReturns] = in.bounded(n);
      if (cell.n[kReturns] > n) return false;
    }
  }
  for (const unsigned kind : {unsigned{kDevice}, unsigned{kCell}, unsigned{kRegion}}) {
    if (kind != kDevice && cell.tier != kHours) continue;
    if (kind == kRegion) {
      if (cell.n[kCallOut] == 0) continue;
      const std::uint32_t found = in.bounded(cell.n[kCallOut]);
      if (found > cell.n[kCallOut] || !hashes(kind, found, 0, kRegionBits)) return false;
    } else if (!hashes(kind, in.golomb(0), 0, 16)) {
      return false;
    }
  }
  from = in;
  return in.ok();
}

}  // namespace pandun::detect
