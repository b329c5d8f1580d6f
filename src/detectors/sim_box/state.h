// What sim_box keeps of a device and of a cell.
//
// Units    seconds since 1970. A device's counts are those of the latest 12 to 24 hours, a cell's of the latest 6 to 12.
// Shape    a device that one or two numbers use costs nothing here; from the third number on about 400 and 16 for each number.
//          A cell keeps up to 24 numbers that are busiest there, 64 bytes each.
#pragma once

#include <memory>
#include <vector>

#include "detect/small_state.h"
#include "detect/state_table.h"
#include "model/number.h"

namespace pandun::detectors::sim_box {

inline constexpr std::uint32_t kDeviceSpanS = 12 * 3600, kCellSpanS = 6 * 3600;
inline constexpr std::size_t kDeviceNumbersMax = 64, kSeatsMax = 24, kPairsMax = 8;

// A device's key: 64 bits of its text.
struct DeviceKey {
  std::uint64_t bits = 0;
  friend bool operator==(DeviceKey, DeviceKey) = default;
};
inline std::uint64_t state_hash(DeviceKey key) {
  return hash_of(model::EntityKey{0, key.bits});
}
inline void write_key(detect::StateWriter& out, DeviceKey key) {
  out.u64(key.bits);
}
inline void read_key(detect::StateReader& in, DeviceKey& key) {
  key.bits = in.u64();
}

struct DeviceNumber {
  model::NumberKey number;
  detect::TwoSpans<> calls;
  std::uint32_t last_s = 0;
};

struct Device {
  detect::SpanClock clock;
  std::vector<DeviceNumber> numbers;
  detect::TwoSpans<std::uint32_t> calls, switches, calls_in;
  detect::TwoSpansDistinct<256> callees;
  detect::TwoSpansDistinct<64> cells;
  model::NumberKey last;
  detect::Said said;  // of the numbers in use
  std::uint32_t first_s = 0;
  detect::LatestRecords<8> records;

  void advance(std::uint32_t time_s) {
    clock.advance(time_s, kDeviceSpanS, [this](bool adjacent) {
      calls.turn(adjacent);
      switches.turn(adjacent);
      calls_in.turn(adjacent);
      callees.turn(adjacent);
      cells.turn(adjacent);
      for (DeviceNumber& n : numbers) n.calls.turn(adjacent);
    });
  }
  // When there is no room, the one that was silent longest gives way.
  DeviceNumber& seat(model::NumberKey number) {
    for (DeviceNumber& n : numbers)
      if (n.number == number) return n;
    if (numbers.size() < kDeviceNumbersMax) {
      detect::grow(numbers, 4, kDeviceNumbersMax);
      numbers.push_back({number, {}, 0});
      return numbers.back();
    }
    auto oldest = numbers.begin();
    for (auto it = numbers.begin(); it != numbers.end(); ++it)
      if (it->last_s < oldest->last_s) oldest = it;
    *oldest = {number, {}, 0};
    return *oldest;
  }
  void save(detect::StateWriter& w) const {
    w.u32(clock.span);
    w.varint(numbers.size());
    for (const DeviceNumber& n : numbers) {
      w.u64(n.number.bits());
      n.calls.save(w);
      w.u32(n.last_s);
    }
    calls.save(w);
    switches.save(w);
    calls_in.save(w);
    callees.save(w);
    cells.save(w);
    w.u64(last.bits());
    said.save(w);
    w.u32(first_s);
    records.save(w);
  }
  void load(detect::StateReader& r) {
    clock.span = r.u32();
    const std::uint64_t size = r.varint();
    if (size > kDeviceNumbersMax) return r.fail("more numbers than a device may have");
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
      detect::grow(numbers, 4, kDeviceNumbersMax);
      DeviceNumber& n = numbers.emplace_back();
      n.number = model::NumberKey::from_bits(r.u64());
      n.calls.load(r);
      n.last_s = r.u32();
    }
    calls.load(r);
    switches.load(r);
    calls_in.load(r);
    callees.load(r);
    cells.load(r);
    last = model::NumberKey::from_bits(r.u64());
    said.load(r);
    first_s = r.u32();
    records.load(r);
  }
};

// One number that is busy in a cell, and its latest conversation there.
struct Seat {
  model::NumberKey number;
  detect::TwoSpansDistinct<128> callees;
  detect::TwoSpans<> calls, calls_in;
  std::uint32_t device = 0;  // hash, 0 = not known
  std::uint32_t peer = 0;    // of the latest conversation
};
struct Talk {
  std::uint32_t start_s = 0, end_s = 0;  // end 0: the latest call was no conversation
};

// Two numbers whose conversations in the cell begin and end together.
struct MirrorPair {
  model::NumberKey a, b;
  std::uint16_t hits = 0;
  std::uint32_t last_s = 0;
  detect::Said said;  // of the hits
};

struct Cell {
  detect::SpanClock clock;
  detect::Said said;  // of the numbers in the cohort
  // Three of one length: looking for a number, or for a conversation at the same time, touches little memory.
  std::vector<model::NumberKey> numbers;
  std::vector<Talk> talks;
  std::vector<Seat> seats;
  detect::FewDistinct<256> seen;  // callers of this span that found no place
  std::vector<MirrorPair> pairs;
  detect::LatestRecords<8> records;

  void advance(std::uint32_t time_s) {
    clock.advance(time_s, kCellSpanS, [this](bool adjacent) {
      seen = {};
      for (Seat& s : seats) {
        s.callees.turn(adjacent);
        s.calls.turn(adjacent);
        s.calls_in.turn(adjacent);
      }
    });
  }
  // Its place; -1 when the cell is full of busier numbers.
  int seat(model::NumberKey number, bool may_displace, std::uint32_t now_s) {
    for (std::size_t i = 0; i < numbers.size(); ++i)
      if (numbers[i] == number) return static_cast<int>(i);
    if (seats.size() < kSeatsMax) {
      detect::grow(seats, 2, kSeatsMax);
      detect::grow(numbers, 2, kSeatsMax);
      detect::grow(talks, 2, kSeatsMax);
      seats.emplace_back().number = number;
      numbers.push_back(number);
      talks.emplace_back();
      return static_cast<int>(seats.size()) - 1;
    }
    // Who calls once does not displace anybody: most do, and looking for a place is dear.
    if (!may_displace || seen.add(detect::state_hash(number))) return -1;
    int least = -1;
    for (std::size_t i = 0; i < seats.size(); ++i) {
      const std::uint32_t calls = seats[i].calls.sum();
      if (calls > 1 && now_s < talks[i].start_s + 3600) continue;
      const std::size_t best = static_cast<std::size_t>(std::max(0, least));
      if (least < 0 || calls < seats[best].calls.sum() ||
          (calls == seats[best].calls.sum() && talks[i].start_s < talks[best].start_s))
        least = static_cast<int>(i);
    }
    if (least < 0) return -1;
    const std::size_t place = static_cast<std::size_t>(least);
    seats[place] = {};
    seats[place].number = numbers[place] = number;
    talks[place] = {};
    return least;
  }
  MirrorPair& pair(model::NumberKey a, model::NumberKey b) {
    if (b < a) std::swap(a, b);
    for (MirrorPair& p : pairs)
      if (p.a == a && p.b == b) return p;
    if (pairs.size() < kPairsMax) {
      detect::grow(pairs, 1, kPairsMax);
      pairs.push_back({a, b, 0, 0, {}});
      return pairs.back();
    }
    MirrorPair* least = &pairs.front();
    for (MirrorPair& p : pairs)
      if (p.hits < least->hits || (p.hits == least->hits && p.last_s < least->last_s)) least = &p;
    *least = {a, b, 0, 0, {}};
    return *least;
  }
  std::uint64_t bytes() const {
    return sizeof(*this) + seats.capacity() * (sizeof(Seat) + sizeof(model::NumberKey) + sizeof(Talk)) +
           pairs.capacity() * sizeof(MirrorPair);
  }

  void save(detect::StateWriter& w) const {
    w.u32(clock.span);
    said.save(w);
    seen.save(w);
    w.varint(seats.size());
    for (std::size_t i = 0; i < seats.size(); ++i) {
      const Seat& s = seats[i];
      w.u64(s.number.bits());
      s.callees.save(w);
      s.calls.save(w);
      s.calls_in.save(w);
      for (const std::uint32_t v : {s.device, s.peer, talks[i].start_s, talks[i].end_s}) w.u32(v);
    }
    w.varint(pairs.size());
    for (const MirrorPair& p : pairs) {
      w.u64(p.a.bits());
      w.u64(p.b.bits());
      w.u16(p.hits);
      w.u32(p.last_s);
      p.said.save(w);
    }
    records.save(w);
  }
  void load(detect::StateReader& r) {
    clock.span = r.u32();
    said.load(r);
    seen.load(r);
    const std::uint64_t size = r.varint();
    if (size > kSeatsMax) return r.fail("more numbers than a cell may have");
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
      detect::grow(seats, 2, kSeatsMax);
      detect::grow(numbers, 2, kSeatsMax);
      detect::grow(talks, 2, kSeatsMax);
      Seat& s = seats.emplace_back();
      Talk& talk = talks.emplace_back();
      s.number = model::NumberKey::from_bits(r.u64());
      numbers.push_back(s.number);
      s.callees.load(r);
      s.calls.load(r);
      s.calls_in.load(r);
      for (std::uint32_t* v : {&s.device, &s.peer, &talk.start_s, &talk.end_s}) *v = r.u32();
    }
    const std::uint64_t pair_count = r.varint();
    if (pair_count > kPairsMax) return r.fail("more pairs than a cell may have");
    for (std::uint64_t i = 0; i < pair_count && r.ok(); ++i) {
      detect::grow(pairs, 1, kPairsMax);
      MirrorPair& p = pairs.emplace_back();
      p.a = model::NumberKey::from_bits(r.u64());
      p.b = model::NumberKey::from_bits(r.u64());
      p.hits = r.u16();
      p.last_s = r.u32();
      p.said.load(r);
    }
    records.load(r);
  }
};

}  // namespace pandun::detectors::sim_box
