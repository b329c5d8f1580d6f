#include "detectors/sim_box/cell.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "detect/state_table.h"

namespace pandun::detectors::sim_box {
namespace {

std::uint64_t heap(std::size_t bytes) {
  return (bytes + 8 + 15) / 16 * 16;
}

}  // namespace

void Cell::advance(std::uint32_t time_s) {
  detect::SpanClock clock{span_};
  clock.advance(time_s, kCellSpanS, [this](bool adjacent) {
    seen_ = {};
    for (std::size_t i = 0; i < size_; ++i) {
      Seat& s = seats()[i];
      s.calls.turn(adjacent);
      s.calls_in.turn(adjacent);
      callees()[i].turn(adjacent);
    }
  });
  span_ = clock.span;
}

std::size_t Cell::add_seat(model::NumberKey number) {
  static_assert(std::is_trivially_copyable_v<model::NumberKey> && std::is_trivially_copyable_v<Seat> &&
                std::is_trivially_copyable_v<Callees>);
  if (size_ == room_) {
    const auto room = static_cast<std::uint8_t>(std::min<std::size_t>(kSeatsMax, room_ == 0 ? 2 : room_ * 2U));
    auto next = std::make_unique<std::byte[]>(room * kSeatBytes);
    if (size_ != 0) {
      const auto copy = [&](const void* from, std::size_t at, std::size_t each) {
        std::memcpy(next.get() + room * at, from, size_ * each);
      };
      copy(numbers(), 0, sizeof(model::NumberKey));
      copy(callees(), sizeof(model::NumberKey), sizeof(Callees));
      copy(talks(), kTalksAt, sizeof(Talk));
      copy(devices(), kDevicesAt, sizeof(std::uint32_t));
      copy(seats(), kSeatsAt, sizeof(Seat));
    }
    block_ = std::move(next);
    room_ = room;
  }
  const std::size_t place = size_++;
  new (numbers() + place) model::NumberKey(number);
  new (callees() + place) Callees();
  new (talks() + place) Talk();
  new (devices() + place) std::uint32_t(0);
  new (seats() + place) Seat();
  return place;
}

int Cell::seat(model::NumberKey number, bool may_displace, std::uint32_t now_s) {
  for (std::size_t i = 0; i < size_; ++i)
    if (numbers()[i] == number) return static_cast<int>(i);
  if (size_ < kSeatsMax) return static_cast<int>(add_seat(number));
  // Who calls once does not displace anybody: most do, and looking for a place is dear.
  if (!may_displace || seen_.add(detect::state_hash(number))) return -1;
  int least = -1;
  for (std::size_t i = 0; i < size_; ++i) {
    const std::uint32_t calls = seats()[i].calls.sum();
    if (calls > 1 && now_s < talks()[i].start_s + 3600) continue;
    const std::size_t best = static_cast<std::size_t>(std::max(0, least));
    if (least < 0 || calls < seats()[best].calls.sum() ||
        (calls == seats()[best].calls.sum() && talks()[i].start_s < talks()[best].start_s))
      least = static_cast<int>(i);
  }
  if (least < 0) return -1;
  const std::size_t place = static_cast<std::size_t>(least);
  callees()[place] = {};
  seats()[place] = {};
  talks()[place] = {};
  devices()[place] = 0;
  numbers()[place] = number;
  std::erase_if(pairs_, [place](const MirrorPair& p) { return p.a == place || p.b == place; });
  return least;
}

Cell::Findings& Cell::findings() {
  if (findings_ == nullptr) findings_ = std::make_unique<Findings>();
  return *findings_;
}

MirrorPair& Cell::pair(std::size_t one, std::size_t other) {
  const auto a = static_cast<std::uint8_t>(std::min(one, other)), b = static_cast<std::uint8_t>(std::max(one, other));
  for (MirrorPair& p : pairs_)
    if (p.a == a && p.b == b) return p;
  if (pairs_.size() < kPairsMax) {
    detect::grow(pairs_, 1, kPairsMax);
    pairs_.push_back({a, b, 0, 0, {}});
    return pairs_.back();
  }
  MirrorPair* least = &pairs_.front();
  for (MirrorPair& p : pairs_)
    if (p.hits < least->hits || (p.hits == least->hits && p.last_s < least->last_s)) least = &p;
  *least = {a, b, 0, 0, {}};
  return *least;
}

std::uint64_t Cell::heap_bytes() const {
  std::uint64_t total = 0;
  if (room_ != 0) total += heap(room_ * kSeatBytes);
  if (pairs_.capacity() != 0) total += heap(pairs_.capacity() * sizeof(MirrorPair));
  if (findings_ != nullptr) total += heap(sizeof(Findings)) + findings_->routes.bytes();
  return total;
}

void Cell::save(detect::StateWriter& w) const {
  w.u32(span_);
  seen_.save(w);
  w.varint(size_);
  for (std::size_t i = 0; i < size_; ++i) {
    const Seat& s = seats()[i];
    w.u64(numbers()[i].bits());
    callees()[i].save(w);
    s.calls.save(w);
    s.calls_in.save(w);
    w.u32(devices()[i]);
    w.u32(talks()[i].start_s);
    w.u16(talks()[i].length_s);
    w.u16(talks()[i].peer);
  }
  w.varint(pairs_.size());
  for (const MirrorPair& p : pairs_) {
    w.u8(p.a);
    w.u8(p.b);
    w.u16(p.hits);
    w.u32(p.last_s);
    p.said.save(w);
  }
  w.u8(findings_ != nullptr ? 1 : 0);
  if (findings_ == nullptr) return;
  findings_->said.save(w);
  findings_->records.save(w);
  findings_->routes.save(w);
}

void Cell::load(detect::StateReader& r) {
  span_ = r.u32();
  seen_.load(r);
  const std::uint64_t size = r.varint();
  if (size > kSeatsMax) return r.fail("more numbers than a cell may have");
  for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
    const std::size_t place = add_seat(model::NumberKey::from_bits(r.u64()));
    callees()[place].load(r);
    Seat& s = seats()[place];
    s.calls.load(r);
    s.calls_in.load(r);
    devices()[place] = r.u32();
    talks()[place].start_s = r.u32();
    talks()[place].length_s = r.u16();
    talks()[place].peer = r.u16();
  }
  const std::uint64_t pair_count = r.varint();
  if (pair_count > kPairsMax) return r.fail("more pairs than a cell may have");
  for (std::uint64_t i = 0; i < pair_count && r.ok(); ++i) {
    detect::grow(pairs_, 1, kPairsMax);
    MirrorPair& p = pairs_.emplace_back();
    p.a = r.u8();
    p.b = r.u8();
    if (p.a >= p.b || p.b >= size_) return r.fail("a pair of numbers that the cell does not have");
    p.hits = r.u16();
    p.last_s = r.u32();
    p.said.load(r);
  }
  if (r.u8() == 0) return;
  Findings& found = findings();
  found.said.load(r);
  found.records.load(r);
  found.routes.load(r);
}

}  // namespace pandun::detectors::sim_box
