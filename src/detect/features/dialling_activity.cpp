#include "detect/features/dialling_activity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "detect/features/dialling_state.h"
#include "detect/features/spread.h"

namespace pandun::detect {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::int16_t kShortRingS = 5;
constexpr std::uint32_t kNear = 10;
constexpr std::size_t kBack = 4;

double ratio(double part, double whole) {
  return whole == 0 ? kUnknown : part / whole;
}

double share(std::span<const DialCall> calls, DialCall::Flag flag) {
  return ratio(
      static_cast<double>(std::count_if(calls.begin(), calls.end(), [flag](const DialCall& c) { return c.is(flag); })),
      static_cast<double>(calls.size()));
}

Spread ring_of(std::span<const DialCall> calls) {
  SpreadSums rings;
  for (const DialCall& c : calls)
    if (c.ring_s >= 0) rings.add(static_cast<std::uint64_t>(c.ring_s));
  return rings.spread();
}

// How often each of `values` occurs: runs of the sorted values.
template <typename F>
void each_count(std::array<std::uint32_t, DialRecord::kCallsMax>& values, std::size_t n, F f) {
  std::sort(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n));
  for (std::size_t at = 0; at < n;) {
    std::size_t end = at + 1;
    while (end < n && values[end] == values[at]) ++end;
    f(static_cast<double>(end - at));
    at = end;
  }
}

// Shannon's, in bits.
double entropy(std::array<std::uint32_t, DialRecord::kCallsMax>& values, std::size_t n) {
  double sum = 0;
  each_count(values, n, [&](double count) {
    const double p = count / static_cast<double>(n);
    sum -= p * std::log2(p);
  });
  return n == 0 ? kUnknown : std::max(0.0, sum);
}

bool is_sequential(std::span<const DialCall> calls, std::size_t at) {
  if (!calls[at].is(DialCall::kE164)) return false;
  for (std::size_t back = 1; back <= std::min(kBack, at); ++back) {
    const DialCall& before = calls[at - back];
    if (!before.is(DialCall::kE164)) continue;
    const std::uint32_t up = calls[at].callee - before.callee, down = before.callee - calls[at].callee;
    if (up != 0 && std::min(up, down) <= kNear) return true;
  }
  return false;
}

}  // namespace

DiallingActivity::DiallingActivity(const DialRecord& record, EventMs now)
    : record_(&record), now_s_(std::max(record.newest_s(), seconds32(now))) {}

std::span<const DialCall> DiallingActivity::inside(Window w) const {
  if (!unpacked_) size_ = record_->unpack(calls_);
  unpacked_ = true;
  const std::uint32_t start = start_s(w == Window::k5m || w == Window::k1h ? w : Window::k24h, now_s_);
  const DialCall *begin = calls_.data(), *end = begin + size_;
  return {std::partition_point(begin, end, [start](const DialCall& c) { return c.time_s < start; }), end};
}

double DiallingActivity::calls(Window w) const {
  return static_cast<double>(inside(w).size());
}
double DiallingActivity::ring_s_mean(Window w) const {
  return ring_of(inside(w)).mean;
}
double DiallingActivity::ring_s_spread(Window w) const {
  return ring_of(inside(w)).deviation;
}
double DiallingActivity::ring_short_share(Window w) const {
  double told = 0, brief = 0;
  for (const DialCall& c : inside(w)) {
    told += c.ring_s >= 0 ? 1 : 0;
    brief += c.ring_s >= 0 && c.ring_s <= kShortRingS ? 1 : 0;
  }
  return ratio(brief, told);
}

double DiallingActivity::sequential_share(Window w) const {
  const std::span<const DialCall> calls = inside(w);
  double numbers = 0, near = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    numbers += calls[i].is(DialCall::kE164) ? 1 : 0;
    near += is_sequential(calls, i) ? 1 : 0;
  }
  return ratio(near, numbers);
}
double DiallingActivity::sequential_run(Window w) const {
  const std::span<const DialCall> calls = inside(w);
  double run = calls.empty() ? 0 : 1, longest = run;
  for (std::size_t i = 1; i < calls.size(); ++i) {
    run = is_sequential(calls, i) ? run + 1 : 1;
    longest = std::max(longest, run);
  }
  return longest;
}

double DiallingActivity::gap_cv_1h() const {
  const std::span<const DialCall> calls = inside(Window::k1h);
  return gap_cv(calls.size(), [calls](std::size_t i) { return calls[i].time_s; });
}

double DiallingActivity::new_callee_share(Window w) const {
  return share(inside(w), DialCall::kNew);
}
double DiallingActivity::first_contact_share(Window w) const {
  return share(inside(w), DialCall::kFirst);
}
double DiallingActivity::international_share(Window w) const {
  return share(inside(w), DialCall::kInternational);
}
double DiallingActivity::roaming_share_24h() const {
  return share(inside(Window::k24h), DialCall::kRoaming);
}
double DiallingActivity::suspect_share_24h() const {
  return share(inside(Window::k24h), DialCall::kSuspect);
}
double DiallingActivity::suspect_calls_24h() const {
  const std::span<const DialCall> calls = inside(Window::k24h);
  return calls.empty() ? 0 : std::round(suspect_share_24h() * static_cast<double>(calls.size()));
}

double DiallingActivity::impossible_moves_24h() const {
  if (!record_->placed()) return kUnknown;
  const std::span<const DialCall> calls = inside(Window::k24h);
  return static_cast<double>(
      std::count_if(calls.begin(), calls.end(), [](const DialCall& c) { return c.is(DialCall::kFar); }));
}

double DiallingActivity::dispersion(Window w) const {
  const std::span<const DialCall> calls = inside(w);
  std::array<std::uint32_t, DialRecord::kCallsMax> values;
  for (std::size_t i = 0; i < calls.size(); ++i) values[i] = calls[i].callee;
  double different = 0;
  each_count(values, calls.size(), [&](double) { ++different; });
  return ratio(different, static_cast<double>(calls.size()));
}
double DiallingActivity::callee_entropy(Window w) const {
  const std::span<const DialCall> calls = inside(w);
  if (calls.size() < 2) return kUnknown;
  std::array<std::uint32_t, DialRecord::kCallsMax> values;
  for (std::size_t i = 0; i < calls.size(); ++i) values[i] = calls[i].callee;
  return std::min(1.0, entropy(values, calls.size()) / std::log2(static_cast<double>(calls.size())));
}
double DiallingActivity::region_entropy(Window w) const {
  std::array<std::uint32_t, DialRecord::kCallsMax> values;
  std::size_t n = 0;
  for (const DialCall& c : inside(w))
    if (c.region != 0) values[n++] = c.region;
  return entropy(values, n);
}

double DiallingActivity::distinct_cells_1h() const {
  std::array<std::uint32_t, DialRecord::kCallsMax> values;
  std::size_t n = 0;
  for (const DialCall& c : inside(Window::k1h))
    if (c.cell != 0) values[n++] = c.cell;
  double different = 0;
  each_count(values, n, [&](double) { ++different; });
  return different;
}
double DiallingActivity::top_cell_share_24h() const {
  std::array<std::uint32_t, DialRecord::kCallsMax> values;
  std::size_t n = 0;
  for (const DialCall& c : inside(Window::k24h))
    if (c.cell != 0) values[n++] = c.cell;
  double most = 0;
  each_count(values, n, [&](double count) { most = std::max(most, count); });
  return ratio(most, static_cast<double>(n));
}

double DiallingActivity::device_changes_7d() const {
  const std::uint32_t start = start_s(Window::k7d, now_s_);
  const std::span<const std::uint32_t> changes = record_->device_changes();
  return static_cast<double>(
      std::count_if(changes.begin(), changes.end(), [start](std::uint32_t t) { return t >= start; }));
}

}  // namespace pandun::detect
