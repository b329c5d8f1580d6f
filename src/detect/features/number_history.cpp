#include "detect/features/number_history.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace pandun::detect {
namespace {

constexpr unsigned kOrderMost = 24;

// The order of the code for a value like the last one of its kind.
unsigned order_for(std::uint32_t last) {
  const auto width = static_cast<unsigned>(std::bit_width(last));
  return width < 2 ? 0 : std::min(width - 1, kOrderMost);
}

}  // namespace

std::uint32_t History::contacts() const {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < cell_count_; ++i) {
    const NumberTally& n = cells_[i].counts;
    sum += n.calls_out + n.calls_in + n.messages_out + n.messages_in;
  }
  return sum;
}

void History::add_to(NumberTally& into, const NumberTally& from) {
  into.calls_out += from.calls_out;
  into.answered_out += from.answered_out;
  into.unanswered_out += from.unanswered_out;
  into.short_out += from.short_out;
  into.calls_in += from.calls_in;
  into.messages_out += from.messages_out;
  into.messages_in += from.messages_in;
  into.returns += from.returns;
  into.talk_out_s += from.talk_out_s;
}

void History::remove_cell(std::size_t at) {
  for (std::size_t i = thing_count_; i-- > 0;) {
    if (things_[i].cell == at)
      drop_thing(i);
    else if (things_[i].cell > at)
      --things_[i].cell;
  }
  std::copy(cells_.begin() + static_cast<std::ptrdiff_t>(at) + 1,
            cells_.begin() + static_cast<std::ptrdiff_t>(cell_count_),
            cells_.begin() + static_cast<std::ptrdiff_t>(at));
  --cell_count_;
}

std::size_t History::find_or_add(std::uint16_t day, bool span) {
  std::size_t at = 0;
  while (at < cell_count_ && (cells_[at].span < span || (cells_[at].span == span && cells_[at].day > day))) ++at;
  if (at < cell_count_ && cells_[at].span == span && cells_[at].day == day) return at;
  std::copy_backward(cells_.begin() + static_cast<std::ptrdiff_t>(at),
                     cells_.begin() + static_cast<std::ptrdiff_t>(cell_count_),
                     cells_.begin() + static_cast<std::ptrdiff_t>(cell_count_) + 1);
  for (std::size_t i = 0; i < thing_count_; ++i)
    if (things_[i].cell >= at) ++things_[i].cell;
  cells_[at] = Cell{day, span, {}, {}};
  ++cell_count_;
  return at;
}

// One more day has begun: so that the result does not depend on how many days were told at once.
void History::settle(std::uint32_t day) {
  clock_day_ = day;
  while (cell_count_ > 0 && cells_[cell_count_ - 1].span && cells_[cell_count_ - 1].day < first_span_day())
    remove_cell(cell_count_ - 1);
  for (std::size_t i = cell_count_; i-- > 0;) {
    if (cells_[i].span || cells_[i].day >= first_day()) continue;
    const auto span_day = static_cast<std::uint16_t>(cells_[i].day / kSpanDays * kSpanDays);
    if (span_day < first_span_day()) {
      remove_cell(i);
      continue;
    }
    const std::size_t into = find_or_add(span_day, true);  // spans stand behind days: i stays where it is
    add_to(cells_[into].counts, cells_[i].counts);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const unsigned level = std::max(cells_[into].level[lane], cells_[i].level[lane]);
      raise(into, lane, level);
      raise(i, lane, level);
    }
    for (std::size_t t = thing_count_; t-- > 0;) {
      if (things_[t].cell != i) continue;
      const Thing moved = things_[t];
      drop_thing(t);
      put(moved.hash, moved.lanes, into);
    }
    remove_cell(i);
    thin(true);
  }
}

void History::advance(std::uint32_t now_s) {
  const std::uint32_t day = now_s / kDayS;
  if (day <= clock_day_) return;
  if (cell_count_ == 0 || day - clock_day_ > (kSpans + 1) * kSpanDays) {
    clear();
    clock_day_ = day;
    return;
  }
  while (clock_day_ < day) settle(clock_day_ + 1);
}

History::Cell* History::open(std::uint32_t time_s) {
  const std::uint32_t day = time_s / kDayS;
  if (day > clock_day_ || day > 0xffff) return nullptr;
  const bool span = day < first_day();
  const std::uint32_t first = span ? day / kSpanDays * kSpanDays : day;
  if (span && first < first_span_day()) return nullptr;
  return &cells_[find_or_add(static_cast<std::uint16_t>(first), span)];
}

NumberTally History::coarse(const Contact& c) {
  NumberTally n{};
  tally_contacts({&c, 1}, n);
  n.talk_out_s = (n.talk_out_s + kTalkUnitS / 2) / kTalkUnitS * kTalkUnitS;
  return n;
}

void History::add(const Contact& c) {
  Cell* cell = open(c.time_s);
  if (cell == nullptr) return;
  add_to(cell->counts, coarse(c));
  if (c.peer != 0) meet(c.time_s, static_cast<Lane>(c.lane), hash_of(c.peer), 0);
}

void History::add(std::uint32_t time_s, const NumberTally& counts) {
  if (Cell* cell = open(time_s); cell != nullptr) add_to(cell->counts, counts);
}

void History::meet(std::uint32_t time_s, Lane lane, std::uint16_t hash, unsigned level) {
  Cell* cell = open(time_s);
  if (cell == nullptr) return;
  const auto at = static_cast<std::size_t>(cell - cells_.data());
  const auto bit = static_cast<std::uint8_t>(1U << static_cast<unsigned>(lane));
  raise(at, static_cast<std::size_t>(lane), std::min(level, kHashBits));
  for (std::size_t i = 0; i < thing_count_; ++i) {
    Thing& thing = things_[i];
    if (thing.hash != hash || (thing.lanes & bit) == 0) continue;
    if (thing.cell <= at) return;  // last met there, or later
    thing.lanes = static_cast<std::uint8_t>(thing.lanes & ~bit);
    if (thing.lanes == 0) drop_thing(i);
    break;
  }
  put(hash, bit, at);
  thin(cells_[at].span);
}

void History::put(std::uint16_t hash, std::uint8_t lanes, std::size_t cell) {
  std::uint8_t kept = 0;
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    if ((lanes >> lane & 1U) != 0 && passes(hash, cells_[cell].level[lane]))
      kept = static_cast<std::uint8_t>(kept | 1U << lane);
  if (kept == 0) return;
  for (std::size_t i = 0; i < thing_count_; ++i) {
    if (things_[i].cell != cell || things_[i].hash != hash) continue;
    things_[i].lanes = static_cast<std::uint8_t>(things_[i].lanes | kept);
    return;
  }
  CHECK(thing_count_ < kThings);
  things_[thing_count_++] = {hash, kept, static_cast<std::uint8_t>(cell)};
}

void History::raise(std::size_t cell, std::size_t lane, unsigned level) {
  if (level <= cells_[cell].level[lane]) return;
  cells_[cell].level[lane] = static_cast<std::uint8_t>(level);
  for (std::size_t i = thing_count_; i-- > 0;) {
    Thing& thing = things_[i];
    if (thing.cell != cell || passes(thing.hash, level)) continue;
    thing.lanes = static_cast<std::uint8_t>(thing.lanes & ~(1U << lane));
    if (thing.lanes == 0) drop_thing(i);
  }
}

void History::thin(bool span) {
  for (;;) {
    std::array<std::array<std::size_t, kLanes>, kCells> kept{};
    std::size_t sum = 0;
    for (std::size_t i = 0; i < thing_count_; ++i) {
      if (cells_[things_[i].cell].span != span) continue;
      ++sum;
      for (std::size_t lane = 0; lane < kLanes; ++lane) kept[things_[i].cell][lane] += things_[i].lanes >> lane & 1U;
    }
    if (sum <= (span ? kSpanPeers : kDayPeers)) return;
    const unsigned level_end = sum > kMostPeers ? kHashBits : kCheapLevel;
    std::size_t cell = kCells, fullest = 0, most = 0;
    for (std::size_t i = 0; i < cell_count_; ++i)
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        if (cells_[i].level[lane] >= level_end || kept[i][lane] == 0 || kept[i][lane] < most) continue;
        if (kept[i][lane] == most && cells_[i].level[lane] > cells_[cell].level[fullest]) continue;
        cell = i;
        fullest = lane;
        most = kept[i][lane];
      }
    if (cell == kCells) {
      CHECK(sum <= kMostPeers);  // at the last level one peer a cell is left
      return;
    }
    raise(cell, fullest, cells_[cell].level[fullest] + 1U);
  }
}

unsigned History::low_bits(const Cell& cell, std::uint8_t lanes) {
  unsigned least = kHashBits;
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    if ((lanes >> lane & 1U) != 0) least = std::min<unsigned>(least, cell.level[lane]);
  return least;
}

void History::tally(Window w, NumberTally& sum) const {
  for (std::size_t i = 0; i < cell_count_; ++i)
    if (inside(cells_[i], w)) add_to(sum, cells_[i].counts);
}

void History::pack_counts(const NumberTally& n, std::array<unsigned, kLanes + 1>& width, BitWriter& out) const {
  const std::array<std::uint32_t, kLanes> lanes{n.calls_out, n.calls_in, n.messages_out, n.messages_in};
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    out.golomb(lanes[lane], width[lane]);
    width[lane] = order_for(lanes[lane]);
  }
  if (n.calls_in != 0) out.golomb(n.returns, 0);
  if (n.calls_out == 0) return;
  out.golomb(n.calls_out - n.answered_out, order_for(n.calls_out / 4));
  out.golomb(n.calls_out - n.answered_out - n.unanswered_out, 0);
  if (n.answered_out == 0) return;
  out.golomb(n.short_out, 0);
  const auto talk = static_cast<std::uint32_t>(std::min<std::uint64_t>(n.talk_out_s / kTalkUnitS, 0x3fffffff));
  out.golomb(talk, width[kLanes]);
  width[kLanes] = order_for(talk);
}

void History::unpack_counts(NumberTally& n, std::array<unsigned, kLanes + 1>& width, BitReader& in) {
  std::array<std::uint32_t, kLanes> lanes{};
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    lanes[lane] = in.golomb(width[lane]);
    width[lane] = order_for(lanes[lane]);
  }
  n = NumberTally{};
  n.calls_out = lanes[0];
  n.calls_in = lanes[1];
  n.messages_out = lanes[2];
  n.messages_in = lanes[3];
  if (n.calls_in != 0) n.returns = in.golomb(0);
  if (n.calls_out == 0) return;
  const std::uint32_t not_answered = in.golomb(order_for(n.calls_out / 4)), unknown = in.golomb(0);
  n.answered_out = n.calls_out - std::min(n.calls_out, not_answered);
  n.unanswered_out = not_answered - std::min(not_answered, unknown);
  if (n.answered_out == 0) return;
  n.short_out = in.golomb(0);
  const std::uint32_t talk = in.golomb(width[kLanes]);
  n.talk_out_s = std::uint64_t{talk} * kTalkUnitS;
  width[kLanes] = order_for(talk);
}

namespace {
// Orders for the first day's counts, by lane, and its talk time; spans begin with higher ones.
constexpr std::array<unsigned, kLanes + 1> kFirstOrders{2, 2, 2, 2, 3};
void raise_orders(std::array<unsigned, kLanes + 1>& orders) {
  for (unsigned& order : orders) order = std::min(order + 2, kOrderMost);
}
}  // namespace

void History::pack(BitWriter& out) const {
  std::size_t days = 0;
  while (days < cell_count_ && !cells_[days].span) ++days;
  out.bits(clock_day_, 16);
  out.bits(static_cast<std::uint32_t>(days), 3);
  out.bits(static_cast<std::uint32_t>(cell_count_ - days), 3);
  std::array<unsigned, kLanes + 1> orders = kFirstOrders;
  std::uint32_t next = clock_day_;  // the newest step that the next cell can be
  for (std::size_t at = 0; at < cell_count_; ++at) {
    const Cell& cell = cells_[at];
    if (at == days) {
      next = clock_day_ / kSpanDays;
      raise_orders(orders);
    }
    const std::uint32_t step = cell.span ? cell.day / kSpanDays : cell.day;
    out.golomb(next - step, 0);
    next = step - 1;
    pack_counts(cell.counts, orders, out);
    std::uint32_t things = 0;
    for (std::size_t i = 0; i < thing_count_; ++i) things += things_[i].cell == at ? 1U : 0U;
    out.golomb(things, 1);
    const bool levels = cell.level != Levels{};
    out.bit(levels);
    for (std::size_t lane = 0; levels && lane < kLanes; ++lane) out.golomb(cell.level[lane], 0);
    for (std::size_t i = 0; i < thing_count_; ++i) {
      const Thing& thing = things_[i];
      if (thing.cell != at) continue;
      const bool one = std::has_single_bit(thing.lanes);
      out.bit(one);
      out.bits(one ? static_cast<std::uint32_t>(std::countr_zero(thing.lanes)) : thing.lanes, one ? 2 : kLanes);
      const unsigned low = low_bits(cell, thing.lanes);
      out.bits(std::uint32_t{thing.hash} >> low, kHashBits - low);
    }
  }
}

bool History::unpack(BitReader& in) {
  clock_day_ = in.bits(16);
  const std::size_t days = in.bits(3);
  cell_count_ = days + in.bits(3);
  thing_count_ = 0;
  if (!in.ok() || cell_count_ > kDays + kSpans) return false;
  std::array<unsigned, kLanes + 1> orders = kFirstOrders;
  std::uint32_t steps = clock_day_ + 1;  // the next cell's is below
  for (std::size_t at = 0; at < cell_count_; ++at) {
    const bool span = at >= days;
    if (at == days) {
      steps = clock_day_ / kSpanDays + 1;
      raise_orders(orders);
    }
    const std::uint32_t back = in.golomb(0);
    if (back >= steps) return false;
    const std::uint32_t step = steps - 1 - back;
    steps = step;
    Cell& cell = cells_[at];
    cell.day = static_cast<std::uint16_t>(span ? step * kSpanDays : step);
    cell.span = span;
    if (cell.day < (span ? first_span_day() : first_day())) return false;
    unpack_counts(cell.counts, orders, in);
    const std::uint32_t things = in.golomb(1);
    cell.level = {};
    if (in.bit())
      for (std::uint8_t& level : cell.level) {
        const std::uint32_t n = in.golomb(0);
        if (n > kHashBits) return false;
        level = static_cast<std::uint8_t>(n);
      }
    if (!in.ok() || thing_count_ + things > 2 * kMostPeers) return false;
    for (std::uint32_t i = 0; i < things; ++i) {
      Thing& thing = things_[thing_count_++];
      const bool one = in.bit();
      thing.lanes = static_cast<std::uint8_t>(one ? 1U << in.bits(2) : in.bits(kLanes));
      if (thing.lanes == 0) return false;
      const unsigned low = low_bits(cell, thing.lanes);
      thing.hash = static_cast<std::uint16_t>(in.bits(kHashBits - low) << low);
      thing.cell = static_cast<std::uint8_t>(at);
    }
  }
  return in.ok();
}

}  // namespace pandun::detect
