#include "decide/velocity.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/hash.h"
#include "platform/large_pages.h"

namespace pandun::decide {
namespace {

using Word = std::atomic<std::uint64_t>;
constexpr auto kRelaxed = std::memory_order_relaxed;

// A rate word: tag 16 | slice 20 | this slice 14 | the slice before 14. The tag keeps one number's counts out of another's.
constexpr std::uint64_t kCountMax = (1U << 14) - 1, kSliceMask = (1U << 20) - 1;
// Of slices in ms. They are template arguments below: a division by a constant is a multiplication.
constexpr std::int64_t kSecond = 1'000, kMinute = 60'000, kHour = 3'600'000;

// A tag word: fingerprint 36 | minute last seen 20 | calls this hour, at most 255, 8.
constexpr std::uint64_t kFingerprint = ~((1ULL << 28) - 1);

constexpr std::uint64_t fingerprint(std::uint64_t hash) {
  const std::uint64_t print = hash & kFingerprint;
  return print == 0 ? 1ULL << 28 : print;
}
constexpr std::uint64_t tag16(std::uint64_t hash) {
  return mix64(hash) >> 48;
}

struct Rate {
  std::uint64_t slice = 0, now = 0, before = 0;
};

// The word as it stands at `slice`: slices that passed meanwhile have emptied it.
Rate at_slice(std::uint64_t word, std::uint64_t tag, std::uint64_t slice) {
  Rate rate{slice, 0, 0};
  if (word >> 48 != tag) return rate;
  const std::uint64_t held = word >> 28 & kSliceMask;
  const std::uint64_t passed = (slice - held) & kSliceMask;
  const std::uint64_t now = word >> 14 & kCountMax, before = word & kCountMax;
  if (passed == 0) return {slice, now, before};
  if (passed == 1) return {slice, 0, now};
  if (passed == kSliceMask) return {held, now, before};  // two doors' clocks differ by a moment
  return rate;
}

constexpr std::uint64_t pack(std::uint64_t tag, const Rate& rate) {
  return tag << 48 | rate.slice << 28 | rate.now << 14 | rate.before;
}

template <std::int64_t kWidth>
std::uint16_t sliding(const Rate& rate, std::int64_t ms) {
  const auto left = static_cast<std::uint64_t>(kWidth - ms % kWidth);
  return static_cast<std::uint16_t>(rate.now + rate.before * left / static_cast<std::uint64_t>(kWidth));
}

template <std::int64_t kWidth>
constexpr std::uint64_t slice_of(std::int64_t ms) {
  return static_cast<std::uint64_t>(ms / kWidth) & kSliceMask;
}

template <std::int64_t kWidth>
std::uint16_t bump(Word& word, std::uint64_t tag, std::int64_t ms) {
  const std::uint64_t slice = slice_of<kWidth>(ms);
  std::uint64_t seen = word.load(kRelaxed);
  for (;;) {
    Rate rate = at_slice(seen, tag, slice);
    rate.now = std::min(rate.now + 1, kCountMax);
    if (word.compare_exchange_weak(seen, pack(tag, rate), kRelaxed, kRelaxed)) return sliding<kWidth>(rate, ms);
  }
}

template <std::int64_t kWidth>
std::uint16_t read(const Word& word, std::uint64_t tag, std::int64_t ms) {
  return sliding<kWidth>(at_slice(word.load(kRelaxed), tag, slice_of<kWidth>(ms)), ms);
}

// A word of distinct peers: tag 8 | hour 8 | 48 bits.
constexpr std::uint64_t kBits = (1ULL << 48) - 1;
constexpr std::uint64_t mark(std::uint64_t hash, std::int64_t hour) {
  return (tag16(hash) & 0xFF) << 56 | (static_cast<std::uint64_t>(hour) & 0xFF) << 48;
}

void add_peer(Word& now, Word& before, std::uint64_t hash, std::int64_t hour, std::uint64_t bit) {
  const std::uint64_t mine = mark(hash, hour);
  std::uint64_t seen = now.load(kRelaxed);
  for (;;) {
    std::uint64_t next = mine | bit;
    if ((seen & ~kBits) == mine) {
      if ((seen & bit) != 0) return;
      next = seen | bit;
    }
    if (now.compare_exchange_weak(seen, next, kRelaxed, kRelaxed)) {
      if ((seen & ~kBits) == mark(hash, hour - 1)) before.store(seen, kRelaxed);
      return;
    }
  }
}

std::int64_t clamped(WallMs at) {
  return std::clamp<std::int64_t>(at.ms, 0, 1LL << 52);
}

std::uint64_t pair_hash(std::uint64_t from, std::uint64_t to) {
  return combine64(from, to);
}

// The first word: policy + 1 above, below it the second (Unix time) until which the hold lasts, under the caller's tag.
constexpr std::uint64_t pack_hold(std::uint64_t tag, std::uint8_t policy, std::int64_t until_s) {
  return tag << 48 | (static_cast<std::uint64_t>(policy) & 0xFF) << 40 |
         (static_cast<std::uint64_t>(until_s) & 0xFFFFFFFFFF);
}

}  // namespace

Velocity::Sets::Sets(std::uint64_t entries)
    : mask_(std::bit_ceil(std::clamp<std::uint64_t>(entries, 64, 1ULL << 32)) / kWays - 1),
      sets_(new Set[mask_ + 1]()) {
  platform::prefer_large_pages(sets_.get(), (mask_ + 1) * sizeof(Set));
}

Velocity::Place Velocity::Sets::find(std::uint64_t hash) const {
  const std::size_t first = (hash & mask_) * kWays;
  for (std::size_t i = first; i < first + kWays; ++i) {
    if ((tag(i).load(kRelaxed) & kFingerprint) == fingerprint(hash)) return {i, true};
  }
  return {};
}

Velocity::Place Velocity::Sets::claim(std::uint64_t hash, std::uint32_t minute) {
  if (const Place place = find(hash); place.found) return place;
  const std::size_t first = (hash & mask_) * kWays;
  const std::uint64_t fresh = fingerprint(hash) | (minute & kSliceMask) << 8 | 1;
  for (;;) {
    std::size_t victim = first;
    std::uint64_t lowest = ~0ULL, held = 0;
    for (std::size_t k = 0; k < kWays; ++k) {
      const std::size_t i = first + (k + (hash >> 60)) % kWays;
      const std::uint64_t seen = tag(i).load(kRelaxed);
      if ((seen & kFingerprint) == fingerprint(hash)) return {i, true};
      const std::uint64_t idle = std::min<std::uint64_t>((minute - (seen >> 8)) & kSliceMask, 60);
      const std::uint64_t keep = seen == 0 ? 0 : 1 + (60 - idle) * (seen & 0xFF);
      if (keep < lowest) {
        lowest = keep;
        victim = i;
        held = seen;
      }
    }
    if (tag(victim).compare_exchange_strong(held, fresh, kRelaxed, kRelaxed)) {
      if (held != 0) evicted_.fetch_add(1, kRelaxed);
      return {victim, held == 0};  // a place that nobody had holds nothing; others may count in it already
    }
  }
}

void Velocity::Sets::weigh(std::size_t index, std::uint64_t hash, std::uint32_t minute, std::uint16_t weight) {
  const std::uint64_t wanted =
      fingerprint(hash) | (minute & kSliceMask) << 8 | std::clamp<std::uint64_t>(weight, 1, 255);
  std::uint64_t seen = tag(index).load(kRelaxed);
  if (seen == wanted || (seen & kFingerprint) != fingerprint(hash)) return;
  tag(index).compare_exchange_strong(seen, wanted, kRelaxed, kRelaxed);  // whoever came first may win
}

Velocity::Velocity(std::uint64_t callers, std::uint64_t pairs)
    : callers_(callers),
      callees_(callers),
      pairs_(pairs),
      caller_lines_(new Line[callers_.size()]()),
      callee_lines_(new Line[callees_.size()]()),
      pair_lines_(new PairLine[pairs_.size()]()) {
  platform::prefer_large_pages(caller_lines_.get(), callers_.size() * sizeof(Line));
  platform::prefer_large_pages(callee_lines_.get(), callees_.size() * sizeof(Line));
  platform::prefer_large_pages(pair_lines_.get(), pairs_.size() * sizeof(PairLine));
  for (std::size_t k = 0; k < linear_.size(); ++k) {
    const double empty = k < 96 ? 96.0 - static_cast<double>(k) : 1.0;
    linear_[k] = static_cast<std::uint16_t>(std::lround(-96.0 * std::log(empty / 96.0)));
  }
}
Velocity::~Velocity() = default;

void Velocity::prefetch(model::NumberKey from, model::NumberKey to) const {
  const std::uint64_t f = mix64(from.bits()), t = mix64(to.bits());
  callers_.prefetch(f);
  callees_.prefetch(t);
  pairs_.prefetch(pair_hash(f, t));
}

Velocity::Reserved Velocity::reserve(model::NumberKey from, model::NumberKey to, WallMs at) {
  Reserved out;
  out.from = mix64(from.bits());
  out.to = mix64(to.bits());
  out.ms = clamped(at);
  out.has_caller = from.known();
  out.has_callee = to.known();
  const auto minute = static_cast<std::uint32_t>(slice_of<kMinute>(out.ms));
  if (out.has_caller) {
    out.caller = callers_.claim(out.from, minute);
    __builtin_prefetch(&caller_lines_[out.caller.index], 1);
  }
  if (out.has_callee) {
    out.callee = callees_.claim(out.to, minute);
    __builtin_prefetch(&callee_lines_[out.callee.index], 1);
  }
  if (out.has_caller && out.has_callee) {
    out.pair = pairs_.claim(pair_hash(out.from, out.to), minute);
    __builtin_prefetch(&pair_lines_[out.pair.index], 1);
  }
  return out;
}

std::uint16_t Velocity::distinct(const Line& line, std::uint64_t hash, std::int64_t ms) const {
  const std::int64_t hour = ms / kHour;
  std::size_t now = 0, both = 0;
  for (std::size_t w = 0; w < 2; ++w) {
    const std::uint64_t a = line.now[w].load(kRelaxed), b = line.before[w].load(kRelaxed);
    std::uint64_t here = 0, past = 0;
    if ((a & ~kBits) == mark(hash, hour)) here = a & kBits;
    if ((a & ~kBits) == mark(hash, hour - 1)) past = a & kBits;
    if ((b & ~kBits) == mark(hash, hour - 1)) past |= b & kBits;
    now += static_cast<std::size_t>(std::popcount(here));
    both += static_cast<std::size_t>(std::popcount(here | past));
  }
  const auto left = static_cast<std::uint64_t>(kHour - ms % kHour);
  return static_cast<std::uint16_t>(linear_[now] + static_cast<std::uint64_t>(linear_[both] - linear_[now]) * left /
                                                       static_cast<std::uint64_t>(kHour));
}

void Velocity::count_side(Sets& sets, Line& line, Place place, std::uint64_t self, std::uint64_t peer, std::int64_t ms,
                          std::uint16_t* rates) {
  if (!place.found) {
    for (Word& word : line.rate) word.store(0, kRelaxed);
    for (Word& word : line.now) word.store(0, kRelaxed);
    for (Word& word : line.before) word.store(0, kRelaxed);
    line.hold.store(0, kRelaxed);
  }
  const std::uint64_t tag = tag16(self);
  rates[0] = bump<kSecond>(line.rate[0], tag, ms);
  rates[1] = bump<kMinute>(line.rate[1], tag, ms);
  rates[2] = bump<kHour>(line.rate[2], tag, ms);
  const std::uint64_t bit = mix64(peer ^ 0x5bd1e995) % 96;
  add_peer(line.now[bit / 48], line.before[bit / 48], self, ms / kHour, 1ULL << (bit % 48));
  rates[3] = distinct(line, self, ms);
  sets.weigh(place.index, self, static_cast<std::uint32_t>(slice_of<kMinute>(ms)), rates[2]);
}

Rates Velocity::count(const Reserved& r) {
  Rates out{};
  if (r.has_caller) count_side(callers_, caller_lines_[r.caller.index], r.caller, r.from, r.to, r.ms, out.data());
  if (r.has_callee) {
    std::uint16_t rates[4];
    count_side(callees_, callee_lines_[r.callee.index], r.callee, r.to, r.from, r.ms, rates);
    std::copy(rates + 1, rates + 4, out.begin() + 4);
  }
  if (r.has_caller && r.has_callee) {
    const std::uint64_t hash = pair_hash(r.from, r.to);
    PairLine& line = pair_lines_[r.pair.index];
    if (!r.pair.found) {
      for (Word& word : line.rate) word.store(0, kRelaxed);
    }
    out[7] = bump<kMinute>(line.rate[0], tag16(hash), r.ms);
    out[8] = bump<kHour>(line.rate[1], tag16(hash), r.ms);
    pairs_.weigh(r.pair.index, hash, static_cast<std::uint32_t>(slice_of<kMinute>(r.ms)), out[8]);
  }
  return out;
}

Rates Velocity::look(model::NumberKey from, model::NumberKey to, WallMs at) const {
  Rates out{};
  const std::int64_t ms = clamped(at);
  const std::uint64_t f = mix64(from.bits()), t = mix64(to.bits());
  if (const Place place = callers_.find(f); from.known() && place.found) {
    const Line& line = caller_lines_[place.index];
    out[0] = read<kSecond>(line.rate[0], tag16(f), ms);
    out[1] = read<kMinute>(line.rate[1], tag16(f), ms);
    out[2] = read<kHour>(line.rate[2], tag16(f), ms);
    out[3] = distinct(line, f, ms);
  }
  if (const Place place = callees_.find(t); to.known() && place.found) {
    const Line& line = callee_lines_[place.index];
    out[4] = read<kMinute>(line.rate[1], tag16(t), ms);
    out[5] = read<kHour>(line.rate[2], tag16(t), ms);
    out[6] = distinct(line, t, ms);
  }
  const std::uint64_t hash = pair_hash(f, t);
  if (const Place place = pairs_.find(hash); from.known() && to.known() && place.found) {
    out[7] = read<kMinute>(pair_lines_[place.index].rate[0], tag16(hash), ms);
    out[8] = read<kHour>(pair_lines_[place.index].rate[1], tag16(hash), ms);
  }
  return out;
}

void Velocity::hold(model::NumberKey from, WallMs until, std::uint8_t policy) {
  const std::uint64_t hash = mix64(from.bits());
  if (const Place place = callers_.find(hash); from.known() && place.found) {
    caller_lines_[place.index].hold.store(pack_hold(tag16(hash), policy, clamped(until) / 1000), kRelaxed);
  }
}

Velocity::Held Velocity::held(const Place& place, std::uint64_t hash, std::int64_t ms) const {
  if (!place.found) return {};
  const std::uint64_t word = caller_lines_[place.index].hold.load(kRelaxed);
  const auto until_s = static_cast<std::int64_t>(word & 0xFFFFFFFFFF);
  if (word == 0 || word >> 48 != tag16(hash) || ms / kSecond >= until_s) return {};
  return {true, static_cast<std::uint8_t>(word >> 40 & 0xFF)};
}

Velocity::Held Velocity::held(model::NumberKey from, WallMs at) const {
  const std::uint64_t hash = mix64(from.bits());
  return from.known() ? held(callers_.find(hash), hash, clamped(at)) : Held{};
}

Velocity::Held Velocity::held(const Reserved& r) const {
  return r.has_caller ? held(r.caller, r.from, r.ms) : Held{};
}

std::uint64_t Velocity::bytes() const {
  return (callers_.size() + callees_.size()) * (sizeof(Line) + 8) + pairs_.size() * (sizeof(PairLine) + 8);
}
std::uint64_t Velocity::evicted() const {
  return callers_.evicted() + callees_.evicted() + pairs_.evicted();
}

}  // namespace pandun::decide
