#include "detect/features/device_activity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include "detect/features/device_activity_state.h"
#include "detect/features/device_singles.h"
#include "detect/features/regions.h"

namespace pandun::detect {
namespace {

const model::EntityKey kDevice = device_key("860000000000001");
const std::uint64_t kHash = hash_of(kDevice);
constexpr std::uint32_t kStart = 1'772'416'800;

struct Told {
  std::uint32_t time;
  DeviceKind kind;
  int number, peer, cell;  // number and cell: 0 = not said
  model::Answered answered;
  std::int32_t talk;
  bool switched, moved;
  std::int32_t ring;
  bool international, roaming, returned;
};

model::NumberKey number_of(int n) {
  if (n == 0) return {};
  // Every ninth is abroad.
  const std::uint64_t from = n % 9 == 0 ? 85'251'000'000ULL : 8'613'800'000'000ULL;
  return model::NumberKey::e164(from + static_cast<std::uint64_t>(n) * 7919);
}

DeviceContact contact_of(const Told& t, const std::string& cell) {
  return {EventMs{t.time * 1000LL},        t.kind, number_of(t.number), number_of(t.peer), t.answered, t.talk,
          cell.empty() ? 0 : hash64(cell), t.ring, t.international,     t.roaming};
}

// The features' definitions, straight from the header comment. While one number uses the device only that number is known.
class BruteForce {
 public:
  void tell(Told t, std::uint32_t watermark) {
    const std::uint32_t half_hour = t.time / 1800 * 1800;
    if (shared_ && watermark > touched_ + 30U * 86400) {
      shared_ = false;
      numbers_.clear();
    }
    touched_ = watermark;
    if (!shared_) {
      if (t.number == 0) return;
      if (!numbers_.empty() && watermark / 1800 * 1800 > newest_half_hour() + 30U * 86400) numbers_.clear();
      const std::uint32_t last = numbers_.empty() ? 0 : newest_half_hour();
      if (!numbers_.empty() && t.time < start_s(Window::k24h, last)) return;
      const bool other = !numbers_.empty() && numbers_.count(t.number) == 0;
      if (!other || last < start_s(Window::k30d, std::max(last, t.time))) {
        if (other) numbers_.clear();
        if (numbers_.empty() || half_hour >= last) last_kind_ = static_cast<int>(t.kind);
        return see(t.number, half_hour);
      }
      shared_ = true;
      all_.clear();
      cell_ = 0;
      number_ = numbers_.begin()->first;
      Used& only = numbers_.begin()->second;
      if (only.last - only.first >= 2048U * 1800) only.first = only.first / 86400 * 86400;  // known to the day
      first_ = only.first;
      newest_ = last;
      silence_ = 0;
      // The use before is known to have been.
      if (last_kind_ >= 0)
        all_.push_back({last, static_cast<DeviceKind>(last_kind_), number_, 0, 0, model::Answered::kUnknown, -1, false,
                        false, -1, false, false, false});
    }
    if (t.time > newest_ && t.time - newest_ >= 24 * 3600) {
      silence_ = (t.time - newest_) / 3600 * 3600;
      woke_ = t.time;
    }
    newest_ = std::max(newest_, t.time);
    if (t.time < start_s(Window::k24h, newest_)) return;
    first_ = std::min(first_, t.time);
    if (t.number != 0) {
      t.switched = number_ != t.number;
      number_ = t.number;
      see(t.number, t.time);
    }
    const std::uint32_t month = start_s(Window::k30d, newest_);
    if (used_since(month) < 2) return leave(t);
    if (t.cell != 0) {
      t.moved = cell_ != 0 && cell_ != t.cell;
      cell_ = t.cell;
    }
    if (t.answered == model::Answered::kUnknown && t.talk >= 0)
      t.answered = t.talk > 0 ? model::Answered::kYes : model::Answered::kNo;
    if (t.kind == kDeviceCallIn)
      for (const Told& o : all_)
        t.returned |=
            o.kind == kDeviceCallOut && o.peer != 0 && o.peer == t.peer && o.time >= start_s(Window::k24h, newest_);
    all_.push_back(t);
  }
  template <typename F>
  double count(Window w, F wanted) const {
    double n = 0;
    for (const Told& t : all_) n += t.time >= start_s(w, newest_) && wanted(t) ? 1 : 0;
    return n;
  }
  template <typename F, typename G>
  double distinct(std::uint32_t start, F wanted, G what) const {
    std::set<int> seen;
    for (const Told& t : all_)
      if (t.time >= start && wanted(t)) seen.insert(what(t));
    return static_cast<double>(seen.size());
  }
  double used_since(std::uint32_t start) const {
    double n = 0;
    for (const auto& [number, used] : numbers_) n += used.last >= start ? 1 : 0;
    return n;
  }
  double fresh(std::uint32_t start) const {  // first used on it at or after `start`
    double n = 0;
    for (const auto& [number, used] : numbers_) n += used.first >= start ? 1 : 0;
    return n;
  }
  double idle_before() const { return newest_ / 3600 - woke_ / 3600 > 7 * 24 ? 0 : silence_; }
  // The values, by time, that `what` tells of the uses of a window; those below 0 are not told.
  template <typename F>
  std::vector<double> values(Window w, F what) const {
    std::vector<Told> inside;
    for (const Told& t : all_)
      if (t.time >= start_s(w, newest_)) inside.push_back(t);
    std::stable_sort(inside.begin(), inside.end(), [](const Told& a, const Told& b) { return a.time < b.time; });
    std::vector<double> out;
    for (const Told& t : inside)
      if (const double v = what(t); v >= 0) out.push_back(v);
    return out;
  }
  std::uint32_t newest() const { return newest_; }
  std::uint32_t first() const { return first_; }
  bool shared() const { return shared_; }

 private:
  struct Used {
    std::uint32_t first, last;
  };
  std::uint32_t newest_half_hour() const { return numbers_.begin()->second.last; }
  void see(int number, std::uint32_t time) {
    const auto [at, made] = numbers_.emplace(number, Used{time, time});
    Used& used = at->second;
    // A number is forgotten 30 days after its last use.
    if (shared_ && used.last < start_s(Window::k30d, newest_)) used = {time, time};
    used.first = std::min(used.first, time);
    used.last = std::max(used.last, time);
  }
  void leave(const Told& t) {
    shared_ = false;
    auto left = numbers_.begin();
    for (auto at = left; at != numbers_.end(); ++at)
      if (at->second.last > left->second.last) left = at;
    const int number = left->first;
    last_kind_ = number == t.number ? static_cast<int>(t.kind) : -1;
    const Used used{left->second.first / 1800 * 1800, left->second.last / 1800 * 1800};
    numbers_.clear();
    numbers_[number] = used;
  }
  std::vector<Told> all_;
  std::map<int, Used> numbers_;
  std::uint32_t newest_ = 0, first_ = 0, touched_ = 0;
  std::uint32_t woke_ = 0;
  double silence_ = 0;
  bool shared_ = false;
  int number_ = 0, cell_ = 0, last_kind_ = -1;
};

void same(double a, double b, const char* what) {
  if (std::isnan(a) && std::isnan(b)) return;
  ASSERT_DOUBLE_EQ(a, b) << what;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}
double deviation_of(const std::vector<double>& values) {
  double squares = 0;
  for (const double v : values) squares += (v - mean_of(values)) * (v - mean_of(values));
  return std::sqrt(squares / static_cast<double>(values.size()));
}

double told_talk(int talk) {
  return talk_of(talk_code(talk));
}

struct Off {  // of callees of 7 d and 30 d, where they are sampled
  double squares = 0, looks = 0;
};

void compare(const DeviceActivity& d, const BruteForce& b, Off& off) {
  const auto out = [](const Told& t) { return t.kind == kDeviceCallOut; };
  const auto sent = [](const Told& t) { return t.kind != kDeviceCallIn; };
  const auto yes = [&](const Told& t) { return out(t) && t.answered == model::Answered::kYes; };
  const auto talk = [&](const Told& t) { return yes(t) ? told_talk(t.talk) : -1; };
  const auto ring = [&](const Told& t) { return out(t) ? std::min(t.ring, 62) : -1; };
  const auto abroad = [&](const Told& t) {
    return sent(t) && (t.international || (t.number != 0 && t.peer != 0 && (t.number % 9 == 0) != (t.peer % 9 == 0)));
  };
  for (const Window w : kAllWindows) {
    SCOPED_TRACE(spec(w).name);
    const double calls = b.count(w, out), in = b.count(w, [](const Told&t) { return t.kind == kDeviceCallIn; });
    const double no = b.count(w, [&](const Told& t) { return out(t) && t.answered == model::Answered::kNo; });
    same(d.calls_out(w), calls, "calls_out");
    same(d.calls_in(w), in, "calls_in");
    same(d.messages_out(w), b.count(w, [](const Told& t) { return t.kind == kDeviceMessage; }), "messages_out");
    same(d.out_share(w), calls / (calls + in), "out_share");
    same(d.answered_ratio(w), b.count(w, yes) / (b.count(w, yes) + no), "answered_ratio");
    same(d.short_ratio(w), b.count(w, [&](const Told& t) { return yes(t) && t.talk <= 10; }) / b.count(w, yes),
         "short_ratio");
    same(d.unanswered(w), no, "unanswered");
    same(d.unanswered_ratio(w), no / (b.count(w, yes) + no), "unanswered_ratio");
    same(d.talk_s_mean(w), mean_of(b.values(w, talk)), "talk_s_mean");
    same(d.return_calls(w), b.count(w, [](const Told& t) { return t.returned; }), "return_calls");
    same(d.international_share(w), b.count(w, abroad) / b.count(w, sent), "international_share");
    same(d.roaming_share(w), b.count(w, [&](const Told& t) { return out(t) && t.roaming; }) / calls, "roaming_share");
    if (w >= Window::k24h)
      same(d.night_share(w),
           b.count(w, [&](const Told& t) { return sent(t) && is_night(t.time, std::chrono::hours(8)); }) /
               b.count(w, sent),
           "night_share");
    if (w <= Window::k24h) same(d.ring_s_mean(w), mean_of(b.values(w, ring)), "ring_s_mean");
    same(d.switches(w), b.count(w, [](const Told& t) { return t.switched; }), "switches");
    same(d.moves(w), b.count(w, [](const Told& t) { return t.moved; }), "moves");
    const double callees = b.distinct(start_s(w, b.newest()), out, [](const Told& t) { return t.peer; });
    if (w <= Window::k24h) {
      same(d.distinct_callees(w), callees, "distinct_callees");
      same(d.dispersion(w), callees / calls, "dispersion");
    } else if (callees <= DeviceDays::kStepMost) {
      same(d.distinct_callees(w), callees, "distinct_callees");
    } else {
      off.squares += std::pow(d.distinct_callees(w) / callees - 1, 2);
      ++off.looks;
    }
    double series = 0;
    for (const model::EvidencePoint& p : d.uses_series(w)) series += p.value;
    same(series, b.count(w, [](const Told&) { return true; }), "series");
  }
  for (const Window w : kAllWindows) {
    SCOPED_TRACE(spec(w).name);
    const std::uint32_t start = start_s(w, b.newest());
    same(d.distinct_numbers(w), b.used_since(start), "distinct_numbers");
    same(d.new_numbers(w), b.fresh(start), "new_numbers");
    same(d.distinct_cells(w),
         b.distinct(
             start, [](const Told& t) { return t.cell != 0; }, [](const Told& t) { return t.cell; }),
         "distinct_cells");
  }
  const auto near = [](double a, double c, const char* what) {
    if (std::isnan(a) && std::isnan(c)) return;
    ASSERT_NEAR(a, c, 1e-6 * (1 + c)) << what;
  };
  near(d.talk_s_spread_24h(), deviation_of(b.values(Window::k24h, talk)), "talk_s_spread");
  near(d.ring_s_spread_24h(), deviation_of(b.values(Window::k24h, ring)), "ring_s_spread");
  std::vector<double> times = b.values(Window::k1h, [&](const Told&t) { return out(t) ? t.time : -1.0; }), gaps;
  if (times.size() > 128) times.erase(times.begin(), times.end() - 128);
  for (std::size_t i = 1; times.size() >= 5 && i < times.size(); ++i) gaps.push_back(times[i] - times[i - 1]);
  near(d.gap_cv_1h(), deviation_of(gaps) / mean_of(gaps), "gap_cv");
  std::set<std::uint32_t> regions;
  for (const double r :
       b.values(Window::k24h, [&](const Told& t) { return out(t) && t.peer != 0 ? region_of(number_of(t.peer)) : 0; }))
    if (r > 0) regions.insert(static_cast<std::uint32_t>(r));
  ASSERT_NEAR(d.regions_callee_24h(), static_cast<double>(regions.size()),
              1 + 0.1 * static_cast<double>(regions.size()));
  same(d.idle_before_s(), b.idle_before(), "idle_before_s");
  same(d.distinct_numbers_30d(), b.used_since(start_s(Window::k30d, b.newest())), "distinct_numbers_30d");
  same(d.first_seen_age_s(), b.newest() - b.first(), "first_seen_age_s");
  same(d.new_numbers_30d(), b.fresh(start_s(Window::k30d, b.newest())), "new_numbers_30d");
}

struct Sight {
  bool busy = false, left_busy = false;
  double returned = 0, idle = 0;
  Off off;
  int shared = 0, single = 0, turns = 0;
  std::uint64_t too_old = 0;
};

// Random uses by at most `numbers` numbers; `gap(i, random)` seconds lie between them.
template <typename Gap, typename Number>
Sight run(std::uint64_t seed, int uses, Gap gap, Number number) {
  Sight sight;
  std::mt19937_64 random(seed);
  auto devices = std::make_unique<DeviceActivities>();
  BruteForce brute;
  std::uint32_t clock = kStart;
  for (int i = 0; i < uses; ++i) {
    clock += static_cast<std::uint32_t>(gap(i, random));
    Told t{};
    t.time = random() % 15 == 0 ? clock - static_cast<std::uint32_t>(random() % 100'000) : clock;
    t.kind = random() % 10 < 6 ? kDeviceCallOut : static_cast<DeviceKind>(random() % 3);
    t.number = random() % 10 == 0 ? 0 : number(clock, random);
    t.peer = static_cast<int>(1 + random() % 300);
    t.cell = static_cast<int>(random() % 6);
    t.ring = static_cast<std::int32_t>(random() % 140) - 5;
    if (t.ring < 0) t.ring = -1;
    t.international = random() % 20 == 0;
    t.roaming = random() % 7 == 0;
    t.answered = static_cast<model::Answered>(random() % 3);
    t.talk = random() % 40 == 0 ? 60 + static_cast<std::int32_t>(random() % 20'000)
                                : static_cast<std::int32_t>(random() % 30) - 1;
    const std::string cell = t.cell == 0 ? "" : "cell" + std::to_string(t.cell);
    const EventMs watermark{clock * 1000LL};
    const DeviceRecord* record = devices->update(kDevice, kHash, contact_of(t, cell), watermark);
    const bool before = brute.shared();
    brute.tell(t, clock);
    sight.turns += brute.shared() != before ? 1 : 0;
    if (random() % 150 == 0) {  // a restart
      StateWriter out;
      devices->save(out);
      auto loaded = std::make_unique<DeviceActivities>();
      StateReader in(out.bytes());
      EXPECT_TRUE(loaded->load(in).ok());
      devices = std::move(loaded);
    }
    if (random() % 50 == 0) devices->evict(watermark);
    EXPECT_EQ(record != nullptr, brute.shared()) << "at use " << i;
    record = devices->find(kDevice, kHash, watermark);
    EXPECT_EQ(record != nullptr, brute.shared()) << "at use " << i;
    if (testing::Test::HasFailure()) return sight;
    ++(record != nullptr ? sight.shared : sight.single);
    if (record == nullptr) continue;
    sight.left_busy |= sight.busy && record->busy == 0;
    sight.busy |= record->busy != 0;
    if (i % 17 != 0 && i > 100) continue;
    const DeviceActivity view(*devices, *record);
    compare(view, brute, sight.off);
    sight.returned += view.return_calls(Window::k24h);
    sight.idle += view.idle_before_s();
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "at use " << i << (record->busy != 0 ? ", busy" : ", listed");
      return sight;
    }
  }
  sight.too_old = devices->too_old();
  return sight;
}

TEST(DeviceActivity, EveryFeatureEqualsABruteForcePass) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sight seen = run(
        seed, 2400, [](int i, auto& random) { return random() % (i % 1200 < 700 ? 60U : 2000U); },
        [seed](std::uint32_t, auto& random) { return static_cast<int>(1 + random() % (seed % 2 == 0 ? 2 : 40)); });
    EXPECT_TRUE(seen.busy && seen.left_busy);
    EXPECT_GT(seen.too_old, 0U);
    EXPECT_GT(seen.returned, 0);
    EXPECT_GT(seen.off.looks, 100);
    EXPECT_LT(std::sqrt(seen.off.squares / seen.off.looks), 0.3);
  }
}

// Owners follow one another, a second card comes and goes, the telephone lies in a drawer.
TEST(DeviceActivity, ADeviceHasFeaturesWhileTwoNumbersUseIt) {
  for (std::uint64_t seed = 11; seed <= 18; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sight seen = run(
        seed, 1500,
        [](int, auto& random) { return random() % 40 == 0 ? random() % (40U * 86400) : random() % (2U * 86400); },
        [](std::uint32_t clock, auto& random) {
          const auto owner = static_cast<int>(1 + (clock - kStart) / (90U * 86400));
          const bool guests = (clock - kStart) / (25U * 86400) % 3 == 0;
          return guests && random() % 3 == 0 ? 500 + static_cast<int>(random() % 3) : owner;
        });
    EXPECT_GT(seen.shared, 200);
    EXPECT_GT(seen.single, 200);
    EXPECT_GT(seen.turns, 10);
    EXPECT_GT(seen.idle, 0);
  }
}

TEST(DeviceActivity, ANumberThatComesBackAfterAMonthIsNewAgain) {
  DeviceActivities devices;
  const auto use = [&](std::uint32_t time, int number) {
    Told t{};
    t.time = time;
    t.number = number;
    t.peer = 9;
    return devices.update(kDevice, kHash, contact_of(t, ""), EventMs{time * 1000LL});
  };
  EXPECT_EQ(use(kStart, 1), nullptr);
  EXPECT_EQ(DeviceActivity(devices, *use(kStart + 20 * 86400, 2)).distinct_numbers_30d(), 2);
  EXPECT_EQ(use(kStart + 40 * 86400, 2), nullptr);  // alone again
  const DeviceActivity back(devices, *use(kStart + 40 * 86400 + 3600, 1));
  EXPECT_EQ(back.new_numbers(Window::k1h), 1);
  EXPECT_EQ(back.distinct_numbers_30d(), 2);
  EXPECT_EQ(back.switches(Window::k1h), 1);
  EXPECT_EQ(back.first_seen_age_s(), 20 * 86400 + 3600);
}

TEST(DeviceUse, IsReadBackAsItWasStored) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint32_t newest = kStart + static_cast<std::uint32_t>(random() % 1'000'000);
    DeviceUse u;
    u.time_s = newest - static_cast<std::uint32_t>(random() % 131'072);
    u.kind = static_cast<std::uint16_t>(random() % 3);
    u.switched = random() % 2 == 0;
    u.moved = random() % 2 == 0;
    u.abroad = random() % 2 == 0;
    u.returned = u.kind == kDeviceCallIn && random() % 2 == 0;
    if (u.kind == kDeviceCallOut) {
      u.answered = static_cast<model::Answered>(random() % 3);
      u.roaming = random() % 2 == 0;
      u.ring_s = static_cast<std::uint16_t>(random() % 64);
      u.talk = talk_code(static_cast<std::int32_t>(random() % 16'384));
      u.callee = static_cast<std::uint32_t>(random() % (1U << 25));
    }
    const DeviceUse back = DeviceThing::of(u).use(newest);
    const auto all = [](const DeviceUse& x) {
      return std::tuple(x.time_s, x.callee, x.kind, x.ring_s, x.talk, x.answered, x.switched, x.moved, x.returned,
                        x.roaming, x.abroad);
    };
    ASSERT_EQ(all(back), all(u));
  }
  for (std::uint32_t talk = 0; talk <= kTalkMaxS; ++talk) {
    const std::uint32_t told = talk_of(talk_code(static_cast<std::int32_t>(talk)));
    ASSERT_LE(std::abs(static_cast<double>(told) - talk), talk < 64 ? 0 : talk / 64.0) << talk;
    ASSERT_EQ(told <= kShortTalkS, talk <= kShortTalkS);
  }
}

// A third of the callees are the same on other days, so that they move from day to day; packed and unpacked each day.
TEST(DeviceDays, TellCalleesOfAWeekAndAMonthWithinTheStatedError) {
  for (const std::uint32_t callees : {10U, 60U, 600U}) {
    double off_week = 0, off_day = 0, off_month = 0;
    constexpr int kTries = 60;
    std::uint32_t newest = 0;
    for (std::uint64_t seed = 1; seed <= kTries; ++seed) {
      std::mt19937_64 random(mix64(seed * callees));
      DeviceDays days;
      std::map<std::uint64_t, std::uint32_t> last;
      const auto off = [&](Window w, std::uint32_t now) {
        double met = 0;
        for (const auto& [who, time] : last) met += time >= start_s(w, now) ? 1 : 0;
        return std::pow(days.callees(w) / met - 1, 2);
      };
      for (std::uint32_t day = 0; day < 32; ++day) {
        for (std::uint32_t i = 0; i < callees; ++i) {
          const std::uint32_t time = kStart + day * 86400 + i;
          const std::uint64_t who = random() % 3 == 0 ? random() % callees : (day + 1) * 100'000ULL + i;
          days.advance(time);
          days.add(time, {});
          days.meet(time, static_cast<std::uint32_t>(mix64(combine64(seed, who)) >> (64 - DeviceDays::kHashBits)));
          last[who] = newest = time;
        }
        if (day == 0) off_day += off(Window::k7d, newest);
        std::array<std::uint8_t, DeviceDays::kPackedMost> packed{};
        BitWriter out(packed.data(), packed.size());
        days.pack(out);
        const std::size_t size = out.finish();
        ASSERT_GT(size, 0U);
        BitReader in(packed.data(), size);
        DeviceDays read;
        ASSERT_TRUE(read.unpack(in));
        days = read;
      }
      off_week += off(Window::k7d, newest);
      off_month += off(Window::k30d, newest);
    }
    SCOPED_TRACE(std::to_string(callees) + " callees a day");
    if (callees <= DeviceDays::kStepMost) {
      EXPECT_EQ(off_day + off_week, 0);
    }
    EXPECT_LT(std::sqrt(off_day / kTries), 0.35);
    EXPECT_LT(std::sqrt(off_week / kTries), 0.16);
    EXPECT_LT(std::sqrt(off_month / kTries), 0.18);
    RecordProperty("off_" + std::to_string(callees), std::to_string(std::sqrt(off_day / kTries)) + " " +
                                                         std::to_string(std::sqrt(off_week / kTries)) + " " +
                                                         std::to_string(std::sqrt(off_month / kTries)));
  }
}

TEST(DeviceDays, AreRefusedOrReadWhateverTheBytes) {
  std::mt19937_64 random(2);
  int read = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::array<std::uint8_t, 80> bytes{};
    for (std::size_t at = 2; at < 64; ++at) bytes[at] = static_cast<std::uint8_t>(random() & random());
    bytes[0] = 4;
    bytes[1] = 80;
    bytes[2] = static_cast<std::uint8_t>(bytes[2] & 3U);
    DeviceDays days;
    BitReader in(bytes.data(), 64);
    if (!days.unpack(in)) continue;
    ++read;
    days.advance((days.clock_day() + 3) * 86400);
    days.add(days.clock_day() * 86400, {});
    ASSERT_GE(days.callees(Window::k30d), days.callees(Window::k7d));
  }
  EXPECT_GT(read, 100);
}

TEST(DeviceActivity, ATelephoneOfOneNumberCostsTwelveBytesAndIdleOnesNothing) {
  DeviceActivities devices;
  const std::uint64_t before = devices.bytes();
  constexpr int kDevices = 200'000;
  const auto use_all = [&](int devices_used, int first_number, int uses) {
    for (int d = 0; d < devices_used; ++d) {
      const model::EntityKey key = device_key("imei" + std::to_string(d));
      for (int use = 0; use < uses; ++use) {
        Told t{};
        t.time = kStart + static_cast<std::uint32_t>(use) * 2500;
        t.number = first_number + use % 2 * 1'000'000 + d;
        t.peer = use + 1;
        t.cell = 1 + use % 3;
        devices.update(key, hash_of(key), contact_of(t, "c" + std::to_string(t.cell)), EventMs{t.time * 1000LL});
      }
    }
  };
  use_all(kDevices, 1, 1);
  EXPECT_EQ(devices.size(), std::uint64_t{kDevices});
  EXPECT_LT(static_cast<double>(devices.bytes() - before) / kDevices, 12.5);
  const std::uint64_t single = devices.bytes();
  constexpr int kShared = 20'000;
  use_all(kShared, 1, 34);
  EXPECT_EQ(devices.size(), std::uint64_t{kDevices});
  EXPECT_LT(static_cast<double>(devices.bytes() - single) / kShared, 520);
  for (int sweep = 0; sweep < 16; ++sweep) devices.evict(EventMs{(kStart + 40U * 86400) * 1000LL});
  EXPECT_EQ(devices.size(), 0U);
}

// Devices one by one against a map, with restarts on other numbers of shards, and years without an event.
TEST(DeviceSingles, EqualAMap) {
  constexpr std::uint32_t kDay = DeviceSingles::kDaySteps;
  const auto hash = [](std::uint64_t i) { return mix64(i * 0x9e3779b97f4a7c15ULL); };
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto singles = std::make_unique<DeviceSingles>();
    std::map<std::uint64_t, DeviceSingles::Single> told;
    std::uint32_t now = kStart / DeviceSingles::kStepS;
    for (int i = 0; i < 60'000; ++i) {
      if (random() % 100 == 0) now += static_cast<std::uint32_t>(random() % (kDay / 2));
      if (random() % 20'000 == 0) now += static_cast<std::uint32_t>(random() % (400 * kDay));
      const std::uint64_t device = random() % (i % 20'000 < 10'000 ? 6000 : 300), h = hash(device);
      const auto known = told.find(device);
      const bool present = known != told.end() && now <= known->second.last + DeviceSingles::kIdleSteps;
      const DeviceSingles::Found found = singles->find(h, now);
      ASSERT_EQ(static_cast<bool>(found), present) << "at " << i;
      if (present) {
        ASSERT_EQ(found.single.number, known->second.number);
        ASSERT_EQ(found.single.last, known->second.last);
        ASSERT_EQ(found.single.kind, known->second.kind);
        const std::uint32_t age = known->second.last - known->second.first;
        ASSERT_EQ(found.single.first, age < 2048 ? known->second.first : known->second.first / kDay * kDay);
      }
      const std::uint32_t last = now - static_cast<std::uint32_t>(random() % 40);
      if (present && random() % 9 == 0) {
        singles->erase(found);
        told.erase(device);
      } else if (present) {
        known->second.last = std::max(known->second.last, last);
        singles->change(found, known->second);
      } else {
        told[device] = {static_cast<std::uint32_t>(1 + random() % DeviceSingles::kNumberMask), last, last,
                        static_cast<std::uint32_t>(random() % 4)};
        singles->put(h, now, told[device]);
      }
      if (random() % 300 == 0) singles->evict(now);
      if (random() % 10'000 == 0) {
        StateWriter out;
        singles->save(out);
        StateReader in(out.bytes());
        singles = std::make_unique<DeviceSingles>();
        singles->load(in);
        ASSERT_TRUE(in.ok());
      }
    }
    now += 31 * kDay;
    for (int sweep = 0; sweep < 16; ++sweep) singles->evict(now);
    EXPECT_EQ(singles->size(), 0U);
    EXPECT_EQ(singles->bytes(), DeviceSingles().bytes());
  }
}

}  // namespace
}  // namespace pandun::detect
