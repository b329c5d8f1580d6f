#include "detect/features/device_activity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "detect/features/device_activity_state.h"

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
};

DeviceContact contact_of(const Told& t, const std::string& cell) {
  const auto key = [](int n) {
    return n == 0 ? model::NumberKey()
                  : model::NumberKey::e164(8613800000000ULL + static_cast<std::uint64_t>(n) * 7919);
  };
  return {EventMs{t.time * 1000LL},       t.kind, key(t.number), key(t.peer), t.answered, t.talk,
          cell.empty() ? 0 : hash64(cell)};
}

// The features' definitions, straight from the header comment, over everything ever told.
class BruteForce {
 public:
  void tell(Told t) {
    newest_ = std::max(newest_, t.time);
    if (t.time < start_s(Window::k24h, newest_)) return;
    if (t.number != 0) {
      t.switched = number_ != 0 && number_ != t.number;
      number_ = t.number;
    }
    if (t.cell != 0) {
      t.moved = cell_ != 0 && cell_ != t.cell;
      cell_ = t.cell;
    }
    if (t.answered == model::Answered::kUnknown && t.talk >= 0)
      t.answered = t.talk > 0 ? model::Answered::kYes : model::Answered::kNo;
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
  double fresh(std::uint32_t start) const {  // first used on it at or after `start`; the test never lasts 30 d
    std::map<int, std::uint32_t> first;
    for (const Told& t : all_)
      if (t.number != 0) {
        const auto [at, made] = first.emplace(t.number, t.time);
        at->second = std::min(at->second, t.time);
      }
    double n = 0;
    for (const auto& [number, time] : first) n += time >= start ? 1 : 0;
    return n;
  }
  std::uint32_t newest() const { return newest_; }

 private:
  std::vector<Told> all_;
  std::uint32_t newest_ = 0;
  int number_ = 0, cell_ = 0;
};

void same(double a, double b, const char* what) {
  if (std::isnan(a) && std::isnan(b)) return;
  ASSERT_DOUBLE_EQ(a, b) << what;
}

void compare(const DeviceActivity& d, const BruteForce& b) {
  const auto out = [](const Told& t) { return t.kind == kDeviceCallOut; };
  const auto yes = [&](const Told& t) { return out(t) && t.answered == model::Answered::kYes; };
  for (const Window w : {Window::k5m, Window::k1h, Window::k24h}) {
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
    same(d.switches(w), b.count(w, [](const Told& t) { return t.switched; }), "switches");
    same(d.moves(w), b.count(w, [](const Told& t) { return t.moved; }), "moves");
    same(d.distinct_callees(w), b.distinct(start_s(w, b.newest()), out, [](const Told& t) { return t.peer; }),
         "distinct_callees");
    double series = 0;
    for (const model::EvidencePoint& p : d.uses_series(w)) series += p.value;
    same(series, b.count(w, [](const Told&) { return true; }), "series");
  }
  const auto number = [](const Told& t) { return t.number; };
  const auto has_number = [](const Told& t) { return t.number != 0; };
  for (const Window w : {Window::k1h, Window::k24h, Window::k7d}) {
    SCOPED_TRACE(spec(w).name);
    const std::uint32_t start = start_s(w, b.newest());
    same(d.distinct_numbers(w), b.distinct(start, has_number, number), "distinct_numbers");
    same(d.new_numbers(w), b.fresh(start), "new_numbers");
    same(d.distinct_cells(w),
         b.distinct(
             start, [](const Told& t) { return t.cell != 0; }, [](const Told& t) { return t.cell; }),
         "distinct_cells");
  }
  same(d.distinct_numbers_30d(), b.distinct(start_s(Window::k30d, b.newest()), has_number, number),
       "distinct_numbers_30d");
  same(d.new_numbers_30d(), b.fresh(start_s(Window::k30d, b.newest())), "new_numbers_30d");
}

TEST(DeviceActivity, EveryFeatureEqualsABruteForcePass) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto devices = std::make_unique<DeviceActivities>();
    BruteForce brute;
    std::uint32_t clock = kStart;
    bool was_busy = false, left_busy = false;
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t gap = i % 500 < 250 ? 40 : 7200;
      clock += static_cast<std::uint32_t>(random() % gap);
      Told t{};
      t.time = random() % 15 == 0 ? clock - static_cast<std::uint32_t>(random() % 100'000) : clock;
      t.kind = random() % 10 < 6 ? kDeviceCallOut : static_cast<DeviceKind>(random() % 3);
      t.number = static_cast<int>(random() % 10 == 0 ? 0 : 1 + random() % (seed % 2 == 0 ? 2 : 40));
      t.peer = static_cast<int>(1 + random() % 300);
      t.cell = static_cast<int>(random() % 6);
      t.answered = static_cast<model::Answered>(random() % 3);
      t.talk = static_cast<std::int32_t>(random() % 30) - 1;
      const std::string cell = t.cell == 0 ? "" : "cell" + std::to_string(t.cell);
      devices->update(kDevice, kHash, contact_of(t, cell), EventMs{clock * 1000LL});
      brute.tell(t);
      if (random() % 150 == 0) {  // a restart
        StateWriter out;
        devices->save(out);
        auto loaded = std::make_unique<DeviceActivities>();
        StateReader in(out.bytes());
        ASSERT_TRUE(loaded->load(in).ok());
        devices = std::move(loaded);
      }
      const DeviceRecord* record = devices->find(kDevice, kHash, EventMs{clock * 1000LL});
      ASSERT_NE(record, nullptr);
      left_busy |= was_busy && record->busy == 0;
      was_busy |= record->busy != 0;
      if (i % 7 != 0 && i > 100) continue;
      compare(DeviceActivity(*devices, *record), brute);
      if (HasFatalFailure()) {
        ADD_FAILURE() << "at use " << i << (record->busy != 0 ? ", busy" : ", listed");
        return;
      }
    }
    EXPECT_TRUE(was_busy && left_busy);
    EXPECT_GT(devices->too_old(), 0U);
  }
}

TEST(DeviceActivity, ANumberThatComesBackAfterAMonthIsNewAgain) {
  DeviceActivities devices;
  const auto use = [&](std::uint32_t time, int number) {
    Told t{};
    t.time = time;
    t.number = number;
    t.peer = 9;
    devices.update(kDevice, kHash, contact_of(t, ""), EventMs{time * 1000LL});
    return DeviceActivity(devices, *devices.find(kDevice, kHash, EventMs{time * 1000LL}));
  };
  use(kStart, 1);
  EXPECT_EQ(use(kStart + 20 * 86400, 2).distinct_numbers_30d(), 2);
  EXPECT_EQ(use(kStart + 40 * 86400, 2).distinct_numbers_30d(), 1);
  const DeviceActivity back = use(kStart + 40 * 86400 + 60, 1);
  EXPECT_EQ(back.new_numbers(Window::k1h), 1);
  EXPECT_EQ(back.distinct_numbers_30d(), 2);
}

TEST(DeviceActivity, MostDevicesCostLittleAndIdleOnesNothing) {
  DeviceActivities devices;
  const std::uint64_t before = devices.bytes();
  constexpr int kDevices = 20'000;
  for (int d = 0; d < kDevices; ++d) {
    const model::EntityKey key = device_key("imei" + std::to_string(d));
    for (int use = 0; use < 8; ++use) {
      Told t{};
      t.time = kStart + static_cast<std::uint32_t>(use) * 3000;
      t.number = d + 1;
      t.peer = use + 1;
      t.cell = 1 + use % 3;
      devices.update(key, hash_of(key), contact_of(t, "c" + std::to_string(t.cell)), EventMs{t.time * 1000LL});
    }
  }
  EXPECT_LT(static_cast<double>(devices.bytes() - before) / kDevices, 260);
  for (int sweep = 0; sweep < 16; ++sweep) devices.evict(EventMs{(kStart + 40U * 86400) * 1000LL});
  EXPECT_EQ(devices.size(), 0U);
}

}  // namespace
}  // namespace pandun::detect
