#include "detect/features/cell_days.h"

#include <algorithm>
#include <cstring>

namespace pandun::detect {
namespace {

// The shortest codes for what a cell of some hundred telephones sees in a day; 6 days have more.
constexpr std::array<unsigned, CellDays::kCounters> kOrders{9, 9, 9, 2, 8, 6, 4, 0, 13};
constexpr unsigned order(std::size_t counter, bool span) {
  return kOrders[counter] + (span ? 2 : 0);
}

}  // namespace

void CellDays::add_to(Counts& sum, const Counts& n) {
  for (std::size_t c = 0; c < kCounters; ++c) sum[c] = std::min(kCountMost, sum[c] + std::min(n[c], kCountMost));
}

CellDays::Step& CellDays::Steps::open(std::uint32_t day, bool span) {
  for (std::size_t i = 0; i < size; ++i)
    if (all[i].day == day && all[i].span == span) return all[i];
  Step& step = all[size++];
  step = {day, span, {}};
  return step;
}

void CellDays::advance(std::uint32_t now_s) {
  const std::uint32_t day = now_s / kDayS;
  if (day <= clock_day_) return;
  Steps before, steps;
  unpack(before);
  if (today_ != Counts{}) before.open(clock_day_, false).counts = today_;
  today_ = {};
  clock_day_ = static_cast<std::uint16_t>(day);
  for (std::size_t i = 0; i < before.size; ++i) {
    const Step& step = before.all[i];
    if (step.day < first_span_day()) continue;
    const bool span = step.span || step.day < first_day();
    add_to(steps.open(span ? step.day / kSpanDays * kSpanDays : step.day, span).counts, step.counts);
  }
  pack(steps);
}

void CellDays::add(std::uint32_t time_s, const Counts& n) {
  const std::uint32_t day = time_s / kDayS;
  if (day == clock_day_) return add_to(today_, n);
  if (day > clock_day_ || day < first_day()) return;
  Steps steps;
  unpack(steps);
  add_to(steps.open(day, false).counts, n);
  pack(steps);
}

CellDays::Counts CellDays::total(Window w) const {
  Counts sum = today_;
  Steps steps;
  unpack(steps);
  for (std::size_t i = 0; i < steps.size; ++i)
    if (w == Window::k30d || !steps.all[i].span) add_to(sum, steps.all[i].counts);
  return sum;
}

void CellDays::pack(const Steps& steps) {
  std::array<std::uint8_t, 1024> bytes{};
  BitWriter out(bytes.data(), bytes.size());
  out.bits(static_cast<std::uint32_t>(steps.size), 4);
  for (std::size_t i = 0; i < steps.size; ++i) {
    const Step& step = steps.all[i];
    out.bits(clock_day_ - step.day, 6);
    out.bit(step.span);
    for (std::size_t c = 0; c < kCounters; ++c) out.golomb(step.counts[c], order(c, step.span));
  }
  const std::size_t size = steps.size == 0 ? 0 : out.finish();
  if (size != size_) packed_ = size == 0 ? nullptr : std::make_unique<std::uint8_t[]>(size + kSpare);
  size_ = static_cast<std::uint16_t>(size);
  if (size != 0) std::memcpy(packed_.get(), bytes.data(), size);
}

bool CellDays::unpack(Steps& steps) const {
  if (size_ == 0) return true;
  BitReader in(packed_.get(), size_);
  const std::size_t size = in.bits(4);
  if (size > kDays + kSpans) return false;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t back = in.bits(6), day = clock_day_ - back;
    const bool span = in.bit();
    if (back == 0 && !span) return false;
    if (back > clock_day_ || day < (span ? first_span_day() : first_day()) ||
        (span && (day % kSpanDays != 0 || day >= first_day())))
      return false;
    Step& step = steps.open(day, span);
    if (steps.size != i + 1) return false;  // twice
    for (std::size_t c = 0; c < kCounters; ++c) {
      step.counts[c] = in.golomb(order(c, span));
      if (step.counts[c] > kCountMost) return false;
    }
    if (!in.ok()) return false;
  }
  return true;
}

void CellDays::save(StateWriter& out) const {
  out.u16(clock_day_);
  for (const std::uint32_t n : today_) out.varint(n);
  out.text({reinterpret_cast<const char*>(packed_.get()), size_});
}

void CellDays::load(StateReader& in) {
  *this = CellDays();
  clock_day_ = in.u16();
  for (std::uint32_t& n : today_) n = static_cast<std::uint32_t>(std::min<std::uint64_t>(in.varint(), kCountMost));
  const std::string packed = in.text(1024);
  if (!in.ok() || packed.empty()) return;
  packed_ = std::make_unique<std::uint8_t[]>(packed.size() + kSpare);
  std::memcpy(packed_.get(), packed.data(), packed.size());
  size_ = static_cast<std::uint16_t>(packed.size());
  Steps steps;
  if (!unpack(steps)) {
    *this = CellDays();
    in.fail("a cell's days cannot be");
  }
}

}  // namespace pandun::detect
