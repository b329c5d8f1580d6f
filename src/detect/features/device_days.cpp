#include "detect/features/device_days.h"

#include <algorithm>

namespace pandun::detect {
namespace {

// The shortest codes for what a telephone does in a day; 6 days have more.
constexpr std::array<unsigned, DeviceDays::kCounters> kOrders{2, 2, 3, 2, 1, 0, 2, 2, 0, 0, 0, 2, 8};
constexpr unsigned order(std::size_t counter, bool span) {
  return kOrders[counter] + (span && kOrders[counter] != 0 ? 2 : 0);
}

}  // namespace

DeviceDays::Step& DeviceDays::open(std::uint32_t day, bool span) {
  for (std::size_t i = 0; i < size_; ++i)
    if (steps_[i].day == day && steps_[i].span == span) return steps_[i];
  Step& step = steps_[size_++];
  step.day = day;
  step.span = span;
  step.level = step.size = 0;
  step.counts = {};
  return step;
}

void DeviceDays::remove(std::size_t at) {
  if (at + 1 != size_) steps_[at] = steps_[size_ - 1];
  --size_;
}

void DeviceDays::advance(std::uint32_t now_s) {
  if (now_s / kDayS <= clock_day_) return;
  clock_day_ = now_s / kDayS;
  for (std::size_t i = size_; i-- > 0;)
    if (steps_[i].day < first_span_day()) remove(i);
  for (std::size_t i = size_; i-- > 0;) {
    if (steps_[i].span || steps_[i].day >= first_day()) continue;
    const Step left = steps_[i];
    remove(i);
    Step& span = open(left.day / kSpanDays * kSpanDays, true);
    for (std::size_t c = 0; c < kCounters; ++c) span.counts[c] = std::min(kCountMost, span.counts[c] + left.counts[c]);
    span.level = std::max(span.level, left.level);
    for (std::size_t n = 0; n < left.size && span.size < span.callees.size(); ++n)
      span.callees[span.size++] = left.callees[n];
    thin(span);
  }
}

// Lets go what does not pass the level, and raises that until few enough are left.
void DeviceDays::thin(Step& step) {
  for (;; ++step.level) {
    const auto end = step.callees.begin() + step.size;
    const auto kept =
        std::remove_if(step.callees.begin(), end, [&](std::uint32_t hash) { return !passes(hash, step.level); });
    step.size = static_cast<std::uint32_t>(kept - step.callees.begin());
    if (step.size <= kStepMost || step.level >= kLevelMost) return;
  }
}

void DeviceDays::add(std::uint32_t time_s, const Counts& n) {
  Step& step = open(time_s / kDayS, false);
  for (std::size_t c = 0; c < kCounters; ++c) step.counts[c] = std::min(kCountMost, step.counts[c] + n[c]);
}

void DeviceDays::meet(std::uint32_t time_s, std::uint32_t callee) {
  Step& now = open(time_s / kDayS, false);
  for (std::size_t i = 0; i < size_; ++i) {
    Step& step = steps_[i];
    const auto end = step.callees.begin() + step.size;
    const auto found = std::find(step.callees.begin(), end, callee);
    if (found == end) continue;
    if (!step.span && step.day >= now.day) return;
    *found = step.callees[--step.size];
    break;
  }
  if (!passes(callee, now.level) || now.size == now.callees.size()) return;
  now.callees[now.size++] = callee;
  thin(now);
}

double DeviceDays::callees(Window w) const {
  double different = 0;
  for (std::size_t i = 0; i < size_; ++i)
    if (w == Window::k30d || !steps_[i].span) different += static_cast<double>(steps_[i].size << steps_[i].level);
  return different;
}

void DeviceDays::pack(BitWriter& out) const {
  out.bits(clock_day_, 16);
  out.bits(static_cast<std::uint32_t>(size_), 4);
  for (std::size_t i = 0; i < size_; ++i) {
    const Step& step = steps_[i];
    out.bits(clock_day_ - step.day, 6);
    out.bit(step.span);
    out.golomb(step.level, 0);
    for (std::size_t c = 0; c < kCounters; ++c) out.golomb(step.counts[c], order(c, step.span));
    out.bits(step.size, kSizeBits);
    for (std::size_t n = 0; n < step.size; ++n) out.bits(step.callees[n] >> step.level, kHashBits - step.level);
  }
}

bool DeviceDays::unpack(BitReader& in) {
  clock_day_ = in.bits(16);
  const std::size_t size = in.bits(4);
  size_ = 0;
  if (!in.ok() || size > kDays + kSpans) return false;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t back = in.bits(6);
    const bool span = in.bit();
    const std::uint32_t day = clock_day_ - back, level = in.golomb(0);
    if (back > clock_day_ || level > kLevelMost || day < (span ? first_span_day() : first_day()) ||
        (span && (day % kSpanDays != 0 || day >= first_day())))
      return false;
    Step& step = open(day, span);
    if (size_ != i + 1) return false;  // twice
    step.level = level;
    for (std::size_t c = 0; c < kCounters; ++c) {
      step.counts[c] = in.golomb(order(c, span));
      if (step.counts[c] > kCountMost) return false;
    }
    step.size = in.bits(kSizeBits);
    for (std::size_t n = 0; n < step.size; ++n) step.callees[n] = in.bits(kHashBits - level) << level;
    if (!in.ok()) return false;
  }
  return true;
}

}  // namespace pandun::detect
