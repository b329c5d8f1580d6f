// What spoofed_caller remembers: of a line (a trunk, or a number that came without one) and of a number's own trunks.
//
// Threads  plain values.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "detect/distinct.h"
#include "detect/recent.h"
#include "detect/window.h"

namespace pandun::detectors::spoofed_caller {

using detect::Window;

// The ways a caller's number is seen to be false; also the counters of a Line's rings.
enum Way : std::uint8_t { kShown, kEmergency, kImpossible, kSelf, kWays };

// Calls through one trunk, or from one number where the record names no trunk. Some hundreds to thousands of them.
class Line {
 public:
  void advance(std::uint32_t now_s) {
    rings_.advance(now_s);
    for (detect::DistinctWindows& d : callers_) d.advance(now_s);
    callees_.advance(now_s);
    newest_s_ = std::max(newest_s_, now_s);
  }
  void foreign(std::uint32_t time_s) { rings_.add(time_s, kForeign); }
  void home(std::uint32_t time_s) { rings_.add(time_s, kHome); }
  void add(Way way, std::uint32_t caller, std::uint32_t callee, std::uint32_t time_s) {
    rings_.add(time_s, way);
    callers_[way].add(caller, time_s);
    callees_.add(callee, time_s);
  }
  // A trunk that brings calls from abroad and hardly any others, as its last 24 h show.
  bool from_abroad(double calls_min, double share_min) {
    const auto foreign = static_cast<double>(rings_.total(Window::k24h, kForeign));
    const auto home = static_cast<double>(rings_.total(Window::k24h, kHome));
    if (foreign < calls_min) abroad_ = false;
    if (foreign >= calls_min && foreign >= share_min * (foreign + home)) abroad_ = true;
    return abroad_;
  }

  double calls(Way way) const { return static_cast<double>(rings_.total(Window::k24h, way)); }
  double callers(Way way) const { return callers_[way].count(Window::k24h); }
  double callees() const { return callees_.count(Window::k24h); }  // of all calls with a false caller
  std::uint32_t newest_s() const { return newest_s_; }
  std::vector<model::EvidencePoint> series(Way way) const {
    const std::uint32_t step_s = detect::spec(Window::k24h).step_s, steps = detect::spec(Window::k24h).steps;
    std::vector<model::EvidencePoint> out;
    for (std::uint32_t back = std::min(steps - 1, newest_s_ / step_s) + 1; back-- > 0;)
      out.push_back({EventMs{std::int64_t{newest_s_ / step_s - back} * step_s * 1000},
                     static_cast<double>(rings_.at(Window::k24h, back, way))});
    return out;
  }

  detect::RecentContacts<16> recent;
  std::array<std::uint32_t, kWays> emitted{};  // calls in 24 h when a signal was last made; 0 = none
  std::int64_t first_ms = 0;                   // of the first call with a false caller

  void save(detect::StateWriter& out) const {
    rings_.save(out);
    for (const detect::DistinctWindows& d : callers_) d.save(out);
    callees_.save(out);
    out.u32(newest_s_);
    out.u8(abroad_ ? 1 : 0);
    recent.save(out);
    for (const std::uint32_t n : emitted) out.varint(n);
    out.i64(first_ms);
  }
  void load(detect::StateReader& in) {
    rings_.load(in);
    for (detect::DistinctWindows& d : callers_) d.load(in);
    callees_.load(in);
    newest_s_ = in.u32();
    abroad_ = in.u8() != 0;
    recent.load(in);
    for (std::uint32_t& n : emitted) n = static_cast<std::uint32_t>(in.varint());
    first_ms = in.i64();
  }
  std::uint64_t bytes() const {
    std::uint64_t sum = sizeof(Line) + callees_.bytes();
    for (const detect::DistinctWindows& d : callers_) sum += d.bytes();
    return sum;
  }

 private:
  enum : std::size_t { kForeign = kWays, kHome, kCounters };
  detect::WindowRings<kCounters, std::uint32_t, 3> rings_;
  std::array<detect::DistinctWindows, kWays> callers_{
      detect::DistinctWindows(Window::k24h), detect::DistinctWindows(Window::k24h),
      detect::DistinctWindows(Window::k24h), detect::DistinctWindows(Window::k24h)};
  detect::DistinctWindows callees_{Window::k24h};
  std::uint32_t newest_s_ = 0;
  bool abroad_ = false;
};

// The trunks a fixed or service number came through: at most kTrunksMax, the longest unused makes room.
class Trunks {
 public:
  static constexpr std::size_t kTrunksMax = 32;
  void add(std::uint32_t trunk, std::uint32_t time_s) {
    for (Seen& s : seen_) {
      if (s.trunk != trunk) continue;
      s.last_s = std::max(s.last_s, time_s);
      s.first_s = std::min(s.first_s, time_s);
      return;
    }
    if (seen_.size() == kTrunksMax)
      seen_.erase(std::min_element(seen_.begin(), seen_.end(),
                                   [](const Seen& a, const Seen& b) { return a.last_s < b.last_s; }));
    if (seen_.size() == seen_.capacity()) seen_.reserve(seen_.size() + (seen_.size() < 4 ? 2 : 8));
    seen_.push_back({trunk, time_s, time_s});
  }
  // Used within the hour; of these, not used before the last 24 h.
  struct Use {
    std::uint32_t now = 0, fresh = 0;
  };
  Use use(std::uint32_t now_s) const {
    Use out;
    for (const Seen& s : seen_) {
      if (s.last_s < detect::start_s(Window::k1h, now_s)) continue;
      ++out.now;
      if (s.first_s >= detect::start_s(Window::k24h, now_s)) ++out.fresh;
    }
    return out;
  }
  std::uint64_t bytes() const { return seen_.capacity() * sizeof(Seen); }
  void save(detect::StateWriter& out) const {
    out.varint(seen_.size());
    for (const Seen& s : seen_) {
      out.u32(s.trunk);
      out.u32(s.first_s);
      out.u32(s.last_s);
    }
  }
  void load(detect::StateReader& in) {
    const std::uint64_t count = in.varint();
    if (count > kTrunksMax) return in.fail("more trunks than there is room for");
    seen_.clear();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      Seen s{};
      s.trunk = in.u32();
      s.first_s = in.u32();
      s.last_s = in.u32();
      seen_.push_back(s);
    }
  }

 private:
  struct Seen {
    std::uint32_t trunk, first_s, last_s;
  };
  std::vector<Seen> seen_;
};

// A home mobile that is shown by calls from abroad: whether it calls from home in the same minutes.
struct Abroad {
  std::array<std::uint32_t, 6> times_s{};  // of its last calls from abroad
  struct Clash {
    std::uint32_t time_s = 0, callee = 0;
  };
  std::array<Clash, 6> clashes{};  // one for each callee
  std::uint8_t next_time = 0, next_clash = 0;
  std::uint32_t emitted_s = 0;

  void called(std::uint32_t time_s) {
    times_s[next_time] = time_s;
    next_time = static_cast<std::uint8_t>((next_time + 1) % times_s.size());
  }
  std::uint32_t calls_since(std::uint32_t since_s) const {
    return static_cast<std::uint32_t>(
        std::count_if(times_s.begin(), times_s.end(), [since_s](std::uint32_t t) { return t != 0 && t >= since_s; }));
  }
  void clashed(std::uint32_t time_s, std::uint32_t callee) {
    for (Clash& c : clashes) {
      if (c.callee != callee || c.time_s == 0) continue;
      c.time_s = std::max(c.time_s, time_s);
      return;
    }
    clashes[next_clash] = {time_s, callee};
    next_clash = static_cast<std::uint8_t>((next_clash + 1) % clashes.size());
  }
  std::uint32_t clashes_since(std::uint32_t since_s) const {
    return static_cast<std::uint32_t>(std::count_if(
        clashes.begin(), clashes.end(), [since_s](const Clash& c) { return c.time_s != 0 && c.time_s >= since_s; }));
  }
  void save(detect::StateWriter& out) const {
    for (const std::uint32_t t : times_s) out.u32(t);
    for (const Clash& c : clashes) {
      out.u32(c.time_s);
      out.u32(c.callee);
    }
    out.u8(next_time);
    out.u8(next_clash);
    out.u32(emitted_s);
  }
  void load(detect::StateReader& in) {
    for (std::uint32_t& t : times_s) t = in.u32();
    for (Clash& c : clashes) {
      c.time_s = in.u32();
      c.callee = in.u32();
    }
    next_time = static_cast<std::uint8_t>(in.u8() % times_s.size());
    next_clash = static_cast<std::uint8_t>(in.u8() % clashes.size());
    emitted_s = in.u32();
  }
};

}  // namespace pandun::detectors::spoofed_caller
