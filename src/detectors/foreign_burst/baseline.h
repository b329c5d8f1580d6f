// What foreign_burst remembers of one origin: its last hour, its usual hours,
// its usual regions.
//
// Threads  plain values.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "detect/distinct.h"
#include "detect/recent.h"
#include "detect/window.h"

namespace pandun::detectors::foreign_burst {

using detect::Window;

inline constexpr double kKeep = 0.7;  // weight of what was known when another day is learned
inline constexpr std::uint32_t kHourS = 3600, kRegionStepS = 300;
inline constexpr std::uint32_t kLearnS = 48 * kHourS;  // before that, an hour has no yesterday

// Mean calls of an origin by the hour of the day (UTC: a rhythm needs no zone),
// learned as each hour ends.
class Baseline {
 public:
  // Closes the hours before `now_s`, each with what was counted in it; a surge
  // teaches at most `teach_max` times the usual.
  void close(std::uint32_t now_s, double floor, double teach_max) {
    const std::uint32_t hour = now_s / kHourS;
    if (first_hour_ == 0) first_hour_ = hour_ = hour;
    if (hour <= hour_) return;
    const std::uint32_t silent = std::min(hour - hour_, 24U * 30);  // a month of silence has emptied everything
    for (std::uint32_t i = 0; i < silent; ++i) {
      const std::size_t at = (hour_ + i) % 24;
      const double usual = mean_[at];
      const double seen = i == 0 ? std::min(count_, std::max(floor, teach_max * usual)) : 0;
      mean_[at] = static_cast<float>(days(hour_ + i) == 0 ? seen : kKeep * usual + (1 - kKeep) * seen);
    }
    hour_ = hour;
    count_ = 0;
  }
  void add() { count_ += 1; }
  // What an hour ending now would usually hold: the window lies across two
  // hours of the day.
  double usual(std::uint32_t now_s) const {
    const std::size_t at = now_s / kHourS % 24;
    return std::max(mean_[at], mean_[(at + 23) % 24]);
  }
  bool learned(std::uint32_t now_s) const { return first_hour_ != 0 && now_s >= first_hour_ * kHourS + kLearnS; }

  void save(detect::StateWriter& out) const {
    for (const float m : mean_) out.f64(m);
    out.f64(count_);
    out.u32(hour_);
    out.u32(first_hour_);
  }
  void load(detect::StateReader& in) {
    for (float& m : mean_) m = static_cast<float>(sane(in.f64()));
    count_ = sane(in.f64());
    hour_ = in.u32();
    first_hour_ = in.u32();
  }

 private:
  std::uint32_t days(std::uint32_t hour) const { return (hour - first_hour_) / 24; }
  static double sane(double v) { return std::isfinite(v) && v >= 0 && v < 1e9 ? v : 0; }
  std::array<float, 24> mean_{};
  double count_ = 0;
  std::uint32_t hour_ = 0, first_hour_ = 0;
};

// Calls into one region: the last hour, and the mean of the hours before.
struct Region {
  std::uint16_t id = 0;
  detect::StepRing<12> hour;
  float mean = 0;
  std::uint32_t count = 0, hour_no = 0;

  void close(std::uint32_t now_s) {
    const std::uint32_t now = now_s / kHourS;
    if (hour_no == 0) hour_no = now;
    if (now <= hour_no) return;
    constexpr double kKeepHour = 0.95;
    mean = static_cast<float>((kKeepHour * mean + (1 - kKeepHour) * count) * std::pow(kKeepHour, now - hour_no - 1));
    count = 0;
    hour_no = now;
  }
};

class Origin {
 public:
  enum Counter : std::size_t { kCalls, kEnded, kTalked, kCounters };
  static constexpr std::size_t kRegionsMax = 512;

  void advance(std::uint32_t now_s, double floor, double teach_max) {
    rings_.advance(now_s);
    callees_.advance(now_s);
    callers_.advance(now_s);
    newest_s_ = std::max(newest_s_, now_s);
    baseline_.close(newest_s_, floor, teach_max);
  }
  void add(std::uint32_t time_s, std::uint32_t caller, std::uint32_t callee, bool ended, bool talked) {
    rings_.add(time_s, kCalls);
    if (ended) rings_.add(time_s, kEnded);
    if (talked) rings_.add(time_s, kTalked);
    callees_.add(callee, time_s);
    callers_.add(caller, time_s);
    baseline_.add();
  }
  // Null for region 0, and when there are more regions than any plan has.
  Region* into(std::uint16_t id, std::uint32_t time_s) {
    if (id == 0) return nullptr;
    auto at = std::lower_bound(regions_.begin(), regions_.end(), id,
                               [](const Region& r, std::uint16_t wanted) { return r.id < wanted; });
    if (at == regions_.end() || at->id != id) {
      if (regions_.size() >= kRegionsMax) return nullptr;
      at = regions_.insert(at, Region{});
      at->id = id;
    }
    at->close(newest_s_);
    at->hour.advance(newest_s_, kRegionStepS);
    at->hour.add(time_s, kRegionStepS);
    ++at->count;
    return &*at;
  }

  double calls() const { return static_cast<double>(rings_.total(Window::k1h, kCalls)); }
  double callees() const { return callees_.count(Window::k1h); }
  double callers() const { return callers_.count(Window::k1h); }
  double usual() const { return baseline_.usual(newest_s_); }
  bool learned() const { return baseline_.learned(newest_s_); }
  double ended() const { return static_cast<double>(rings_.total(Window::k1h, kEnded)); }
  double talked() const { return static_cast<double>(rings_.total(Window::k1h, kTalked)); }
  std::uint32_t newest_s() const { return newest_s_; }
  std::vector<model::EvidencePoint> series() const {
    const detect::WindowSpec& w = detect::spec(Window::k24h);
    std::vector<model::EvidencePoint> out;
    for (std::uint32_t back = std::min(w.steps - 1, newest_s_ / w.step_s) + 1; back-- > 0;)
      out.push_back({EventMs{std::int64_t{newest_s_ / w.step_s - back} * w.step_s * 1000},
                     static_cast<double>(rings_.at(Window::k24h, back, kCalls))});
    return out;
  }

  detect::RecentContacts<16> callers_seen;
  std::uint32_t emitted_calls = 0, emitted_s = 0;  // of the last signal

  std::uint64_t bytes() const {
    return sizeof(Origin) + callees_.bytes() + callers_.bytes() + regions_.capacity() * sizeof(Region);
  }
  void save(detect::StateWriter& out) const {
    rings_.save(out);
    callees_.save(out);
    callers_.save(out);
    baseline_.save(out);
    out.varint(regions_.size());
    for (const Region& r : regions_) {
      out.u16(r.id);
      r.hour.save(out);
      out.f64(r.mean);
      out.varint(r.count);
      out.u32(r.hour_no);
    }
    out.u32(newest_s_);
    callers_seen.save(out);
    out.u32(emitted_calls);
    out.u32(emitted_s);
  }
  void load(detect::StateReader& in) {
    rings_.load(in);
    callees_.load(in);
    callers_.load(in);
    baseline_.load(in);
    const std::uint64_t count = in.varint();
    if (count > kRegionsMax) return in.fail("more regions than there is room for");
    regions_.clear();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      Region r;
      r.id = in.u16();
      r.hour.load(in);
      const double mean = in.f64();
      r.mean = std::isfinite(mean) && mean >= 0 && mean < 1e9 ? static_cast<float>(mean) : 0;
      r.count = static_cast<std::uint32_t>(in.varint());
      r.hour_no = in.u32();
      if (!regions_.empty() && r.id <= regions_.back().id) return in.fail("regions out of order");
      regions_.push_back(r);
    }
    newest_s_ = in.u32();
    callers_seen.load(in);
    emitted_calls = in.u32();
    emitted_s = in.u32();
  }

 private:
  detect::WindowRings<kCounters, std::uint32_t, 3> rings_;
  detect::DistinctWindows callees_{Window::k1h}, callers_{Window::k1h};
  Baseline baseline_;
  std::vector<Region> regions_;  // by id
  std::uint32_t newest_s_ = 0;
};

}  // namespace pandun::detectors::foreign_burst
