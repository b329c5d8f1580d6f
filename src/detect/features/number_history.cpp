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

void History::add_to(NumberMarks& into, const NumberMarks& from) {
  into.night_out += from.night_out;
  into.long_out += from.long_out;
  into.abroad_out += from.abroad_out;
  into.roaming_out += from.roaming_out;
  into.abroad_in += from.abroad_in;
  into.answered_in += from.answered_in;
  into.unanswered_in += from.unanswered_in;
  into.short_in += from.short_in;
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
  cells_[at] = Cell{day, span, {}, {}, {}};
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
    add_to(cells_[into].marks, cells_[i].marks);
    for (std::size_t what = 0; what < kMets; ++what) {
      const unsigned level = std::max(cells_[into].level[what], cells_[i].level[what]);
      raise(into, what, level);
      raise(i, what, level);
    }
    for (std::size_t t = thing_count_; t-- > 0;) {
      if (things_[t].cell != i) continue;
      const Thing moved = things_[t];
      drop_thing(t);
      put(moved.hash, moved.mets, into);
    }
    remove_cell(i);
    for (std::size_t what = kLanes - 1; what < kMets; ++what) thin(true, what);
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
  mark_contacts({&c, 1}, cell->marks);
  if (c.peer != 0) meet(c.time_s, met(static_cast<Lane>(c.lane)), hash_of(c.peer), 0);
  if (c.device != 0) meet(c.time_s, Met::kDevice, hash_of_place(c.device), 0);
  if (c.cell != 0) meet(c.time_s, Met::kCell, hash_of_place(c.cell), 0);
  if (c.region != 0) meet(c.time_s, Met::kRegion, static_cast<std::uint16_t>(c.region), 0);
}

void History::add(std::uint32_t time_s, const NumberTally& counts, const NumberMarks& marks) {
  Cell* cell = open(time_s);
  if (cell == nullptr) return;
  add_to(cell->counts, counts);
  add_to(cell->marks, marks);
}

void History::meet(std::uint32_t time_s, Met what, std::uint16_t hash, unsigned level) {
  Cell* cell = open(time_s);
  if (cell == nullptr) return;
  const auto at = static_cast<std::size_t>(cell - cells_.data());
  const auto bit = static_cast<std::uint8_t>(1U << static_cast<unsigned>(what));
  raise(at, static_cast<std::size_t>(what), std::min(level, kHashBits));
  for (std::size_t i = 0; i < thing_count_; ++i) {
    Thing& thing = things_[i];
    if (thing.hash != hash || (thing.mets & bit) == 0) continue;
    if (thing.cell <= at) return;  // last met there, or later
    thing.mets = static_cast<std::uint8_t>(thing.mets & ~bit);
    if (thing.mets == 0) drop_thing(i);
    break;
  }
  put(hash, bit, at);
  thin(cells_[at].span, static_cast<std::size_t>(what));
}

void History::put(std::uint16_t hash, std::uint8_t mets, std::size_t cell) {
  std::uint8_t kept = 0;
  for (std::size_t what = 0; what < kMets; ++what)
    if ((mets >> what & 1U) != 0 && passes(hash, cells_[cell].level[what]))
      kept = static_cast<std::uint8_t>(kept | 1U << what);
  if (kept == 0) return;
  for (std::size_t i = 0; i < thing_count_; ++i) {
    if (things_[i].cell != cell || things_[i].hash != hash) continue;
    things_[i].mets = static_cast<std::uint8_t>(things_[i].mets | kept);
    return;
  }
  CHECK(thing_count_ < kThings);
  things_[thing_count_++] = {hash, kept, static_cast<std::uint8_t>(cell)};
}

void History::raise(std::size_t cell, std::size_t what, unsigned level) {
  if (level <= cells_[cell].level[what]) return;
  cells_[cell].level[what] = static_cast<std::uint8_t>(level);
  for (std::size_t i = thing_count_; i-- > 0;) {
    Thing& thing = things_[i];
    if (thing.cell != cell || passes(thing.hash, level)) continue;
    thing.mets = static_cast<std::uint8_t>(thing.mets & ~(1U << what));
    if (thing.mets == 0) drop_thing(i);
  }
}

void History::thin(bool span, std::size_t what) {
  if (what < kLanes)
    thin(span, kPeers, span ? kSpanPeers : kDayPeers, kMostPeers);
  else
    thin(span, static_cast<std::uint8_t>(1U << what), (span ? kSpanPlaces : kDayPlaces)[what - kLanes], kMostPlaces);
}

void History::thin(bool span, std::uint8_t mets, std::size_t few, std::size_t most_kept) {
  for (;;) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < thing_count_; ++i)
      sum += (things_[i].mets & mets) != 0 && cells_[things_[i].cell].span == span ? 1U : 0U;
    if (sum <= few) return;
    std::array<std::array<std::uint8_t, kMets>, kCells> kept{};
    for (std::size_t i = 0; i < thing_count_; ++i)
      for (unsigned rest = things_[i].mets & mets; rest != 0; rest &= rest - 1)
        ++kept[things_[i].cell][static_cast<std::size_t>(std::countr_zero(rest))];
    const unsigned level_end = sum > most_kept ? kHashBits : kCheapLevel;
    std::size_t cell = kCells, fullest = 0, most = 0;
    for (std::size_t i = 0; i < cell_count_; ++i) {
      if (cells_[i].span != span) continue;
      for (std::size_t what = 0; what < kMets; ++what) {
        if (cells_[i].level[what] >= level_end || kept[i][what] == 0 || kept[i][what] < most) continue;
        if (kept[i][what] == most && cells_[i].level[what] > cells_[cell].level[fullest]) continue;
        cell = i;
        fullest = what;
        most = kept[i][what];
      }
    }
    if (cell == kCells) {
      CHECK(sum <= most_kept);  // at the last level one a cell is left
      return;
    }
    raise(cell, fullest, cells_[cell].level[fullest] + 1U);
  }
}

unsigned History::low_bits(const Cell& cell, std::uint8_t mets) {
  unsigned least = kHashBits;
  for (unsigned rest = mets; rest != 0; rest &= rest - 1)
    least = std::min<unsigned>(least, cell.level[static_cast<std::size_t>(std::countr_zero(rest))]);
  return least;
}

unsigned History::level(std::uint8_t lanes) const {
  unsigned highest = 0;
  for (std::size_t i = 0; i < cell_count_; ++i)
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      if ((lanes >> lane & 1U) != 0) highest = std::max<unsigned>(highest, cells_[i].level[lane]);
  return highest;
}

bool History::has_met(std::uint16_t hash, std::uint8_t lanes) const {
  return std::any_of(things_.begin(), things_.begin() + static_cast<std::ptrdiff_t>(thing_count_),
                     [=](const Thing& thing) { return thing.hash == hash && (thing.mets & lanes) != 0; });
}

void History::tally(Window w, NumberTally& sum) const {
  for (std::size_t i = 0; i < cell_count_; ++i)
    if (inside(cells_[i], w)) add_to(sum, cells_[i].counts);
}

void History::mark(Window w, NumberMarks& sum) const {
  for (std::size_t i = 0; i < cell_count_; ++i)
    if (inside(cells_[i], w)) add_to(sum, cells_[i].marks);
}

// Few hold any of the last three, so one bit says that there is none.
void History::pack_marks(const NumberTally& n, const NumberMarks& m, BitWriter& out) {
  if (n.calls_out + n.messages_out != 0) out.golomb(m.night_out, order_for((n.calls_out + n.messages_out) / 8));
  if (n.answered_out != 0) out.golomb(m.long_out, 0);
  if (n.calls_in != 0) {
    const std::uint32_t not_answered = n.calls_in - std::min(n.calls_in, m.answered_in);
    out.golomb(not_answered, order_for(n.calls_in / 4));
    if (not_answered != 0) out.golomb(not_answered - std::min(not_answered, m.unanswered_in), 0);
    if (m.answered_in != 0) out.golomb(m.short_in, 0);
  }
  const bool rare = (m.abroad_out | m.roaming_out | m.abroad_in) != 0;
  out.bit(rare);
  if (!rare) return;
  out.golomb(m.abroad_out, 0);
  out.golomb(m.roaming_out, 0);
  out.golomb(m.abroad_in, 0);
}

void History::unpack_marks(const NumberTally& n, NumberMarks& m, BitReader& in) {
  m = NumberMarks{};
  if (n.calls_out + n.messages_out != 0) m.night_out = in.golomb(order_for((n.calls_out + n.messages_out) / 8));
  if (n.answered_out != 0) m.long_out = in.golomb(0);
  if (n.calls_in != 0) {
    const std::uint32_t not_answered = std::min(n.calls_in, in.golomb(order_for(n.calls_in / 4)));
    m.answered_in = n.calls_in - not_answered;
    if (not_answered != 0) m.unanswered_in = not_answered - std::min(not_answered, in.golomb(0));
    if (m.answered_in != 0) m.short_in = in.golomb(0);
  }
  if (!in.bit()) return;
  m.abroad_out = in.golomb(0);
  m.roaming_out = in.golomb(0);
  m.abroad_in = in.golomb(0);
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

namespace {
// A peer in one lane: 1 and the lane. One device, cell or region: 01 and 10, 0, 11. Several: 00 and a bit each.
void pack_mets(std::uint8_t mets, BitWriter& out) {
  const auto first = static_cast<std::uint32_t>(std::countr_zero(mets));
  if (!std::has_single_bit(mets)) {
    out.bits(0, 2);
    out.bits(mets, kMets);
  } else if (first < kLanes) {
    out.bit(true);
    out.bits(first, 2);
  } else {
    out.bits(2, 2);  // the lowest bit is written first
    const std::uint32_t place = first - std::uint32_t{kLanes};
    out.bit(place != 1);
    if (place != 1) out.bit(place == 2);
  }
}

std::uint8_t unpack_mets(BitReader& in) {
  if (in.bit()) return static_cast<std::uint8_t>(1U << in.bits(2));
  if (!in.bit()) return static_cast<std::uint8_t>(in.bits(kMets));
  const std::uint32_t place = !in.bit() ? 1U : in.bit() ? 2U : 0U;
  return static_cast<std::uint8_t>(1U << (kLanes + place));
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
    pack_marks(cell.counts, cell.marks, out);
    std::uint32_t things = 0;
    for (std::size_t i = 0; i < thing_count_; ++i) things += things_[i].cell == at ? 1U : 0U;
    out.golomb(things, 1);
    const bool levels = cell.level != Levels{};
    out.bit(levels);
    for (std::size_t what = 0; levels && what < kMets; ++what) out.golomb(cell.level[what], 0);
    for (std::size_t i = 0; i < thing_count_; ++i) {
      const Thing& thing = things_[i];
      if (thing.cell != at) continue;
      pack_mets(thing.mets, out);
      const unsigned low = low_bits(cell, thing.mets);
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
    unpack_marks(cell.counts, cell.marks, in);
    const std::uint32_t things = in.golomb(1);
    cell.level = {};
    if (in.bit())
      for (std::uint8_t& level : cell.level) {
        const std::uint32_t n = in.golomb(0);
        if (n > kHashBits) return false;
        level = static_cast<std::uint8_t>(n);
      }
    if (!in.ok() || thing_count_ + things > 2 * (kMostPeers + (kMets - kLanes) * kMostPlaces)) return false;
    for (std::uint32_t i = 0; i < things; ++i) {
      Thing& thing = things_[thing_count_++];
      thing.mets = unpack_mets(in);
      if (thing.mets == 0) return false;
      const unsigned low = low_bits(cell, thing.mets);
      thing.hash = static_cast<std::uint16_t>(in.bits(kHashBits - low) << low);
      thing.cell = static_cast<std::uint8_t>(at);
    }
  }
  return in.ok();
}

}  // namespace pandun::detect
