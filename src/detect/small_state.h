// Small building blocks for a detector's own state: counts over the latest two spans, a few bits that estimate how many
// different things were met, the latest records.
//
// Units    a span is any fixed number of seconds of event time; spans are numbered time / length.
// Threads  plain values.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "detect/state_io.h"
#include "model/event.h"
#include "model/signal.h"

namespace pandun::detect {

// How many different things: linear counting (Whang, Vander-Zanden, Taylor, "A linear-time probabilistic counting algorithm
// for database applications", 1990). Within about 5 % (1 sigma) up to a third of the bits, 10 % up to their number.
template <std::size_t kBits>
class FewDistinct {
  static_assert(kBits % 64 == 0 && kBits <= 4096);

 public:
  // False when its bit was set: it, or one that shares its bit, was met before.
  bool add(std::uint64_t mixed_hash) { return add_bit(bit_of(mixed_hash)); }
  static std::size_t bit_of(std::uint64_t mixed_hash) { return (mixed_hash >> 20) % kBits; }
  bool add_bit(std::size_t bit) {  // < kBits
    const std::uint64_t mask = 1ULL << (bit % 64);
    const bool fresh = (words_[bit / 64] & mask) == 0;
    words_[bit / 64] |= mask;
    return fresh;
  }
  double count() const { return count_of(words_); }
  // Of both together.
  double count_with(const FewDistinct& other) const {
    std::array<std::uint64_t, kBits / 64> both{};
    for (std::size_t i = 0; i < both.size(); ++i) both[i] = words_[i] | other.words_[i];
    return count_of(both);
  }
  void save(StateWriter& out) const {
    for (const std::uint64_t word : words_) out.u64(word);
  }
  void load(StateReader& in) {
    for (std::uint64_t& word : words_) word = in.u64();
  }

 private:
  static double count_of(const std::array<std::uint64_t, kBits / 64>& words) {
    int set = 0;
    for (const std::uint64_t word : words) set += std::popcount(word);
    const double free = std::max(0.5, static_cast<double>(kBits) - set);
    return std::round(-static_cast<double>(kBits) * std::log(free / static_cast<double>(kBits)));
  }
  std::array<std::uint64_t, kBits / 64> words_{};
};

// A counter of the span that is running and the one before it. It stops at its type's largest value.
template <typename Count = std::uint16_t>
struct TwoSpans {
  Count now = 0, before = 0;
  void add(Count n = 1) { now = static_cast<Count>(now > static_cast<Count>(~Count{0}) - n ? ~Count{0} : now + n); }
  std::uint32_t sum() const { return std::uint32_t{now} + before; }
  void turn(bool adjacent) {
    before = adjacent ? now : Count{0};
    now = 0;
  }
  void save(StateWriter& out) const {
    out.varint(now);
    out.varint(before);
  }
  void load(StateReader& in) {
    now = static_cast<Count>(in.varint());
    before = static_cast<Count>(in.varint());
  }
};

template <std::size_t kBits>
struct TwoSpansDistinct {
  FewDistinct<kBits> now, before;
  void add(std::uint64_t mixed_hash) { now.add(mixed_hash); }
  double count() const { return now.count_with(before); }
  void turn(bool adjacent) {
    before = adjacent ? now : FewDistinct<kBits>{};
    now = {};
  }
  void save(StateWriter& out) const {
    now.save(out);
    before.save(out);
  }
  void load(StateReader& in) {
    now.load(in);
    before.load(in);
  }
};

// Which span runs. An event of an older span counts in the running one.
struct SpanClock {
  std::uint32_t span = 0;
  // turn(adjacent) is called when a newer span begins.
  template <typename Turn>
  void advance(std::uint32_t time_s, std::uint32_t length_s, Turn turn) {
    const std::uint32_t next = time_s / length_s;
    if (next <= span) return;
    const bool adjacent = next == span + 1;
    span = next;
    turn(adjacent);
  }
};

// When a detector speaks again about one thing: at once, when what it counts has doubled, or after a day.
struct Said {
  std::uint32_t level = 0, at_s = 0;
  bool due(double now_level, std::uint32_t now_s) const {
    return level == 0 || now_level >= 2.0 * level || (now_s > at_s && now_s - at_s > 24 * 3600);
  }
  void say(double now_level, std::uint32_t now_s) {
    level = static_cast<std::uint32_t>(std::max(1.0, now_level));
    at_s = now_s;
  }
  void save(StateWriter& out) const {
    out.varint(level);
    out.u32(at_s);
  }
  void load(StateReader& in) {
    level = static_cast<std::uint32_t>(in.varint());
    at_s = in.u32();
  }
};

// The latest records that show something.
template <std::size_t kSize>
struct LatestRecords {
  static_assert(std::has_single_bit(kSize));
  std::array<model::SourceRef, kSize> ring{};
  std::uint32_t seen = 0;
  void add(const model::Event& event) { ring[seen++ % kSize] = {event.source, event.record}; }
  std::vector<model::SourceRef> latest() const {
    std::vector<model::SourceRef> out;
    for (std::size_t i = 0; i < std::min<std::size_t>(seen, kSize); ++i) out.push_back(ring[(seen - 1 - i) % kSize]);
    return out;
  }
  void save(StateWriter& out) const {
    out.u32(seen);
    for (const model::SourceRef& record : ring) {
      out.varint(record.source);
      out.varint(record.record);
    }
  }
  void load(StateReader& in) {
    seen = in.u32();
    for (model::SourceRef& record : ring) {
      record.source = static_cast<std::uint32_t>(in.varint());
      record.record = in.varint();
    }
  }
};

// Room that grows by doubling up to a bound, so that a table's bytes can be told from its capacity.
template <typename T>
void grow(std::vector<T>& v, std::size_t first, std::size_t most) {
  if (v.size() < v.capacity()) return;
  v.reserve(std::min(most, std::max(first, v.size() * 2)));
}

}  // namespace pandun::detect
