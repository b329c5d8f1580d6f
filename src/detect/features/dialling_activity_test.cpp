#include "detect/features/dialling_activity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "detect/distinct.h"
#include "detect/features/dialling_state.h"
#include "detect/features/number_state.h"

namespace pandun::detect {
namespace {

const model::NumberKey kNumber = model::NumberKey::e164(8613800000001);
const std::uint64_t kHash = hash_of(model::key_of(kNumber));
constexpr std::uint32_t kStart = 1'772'416'800;

struct Told {
  std::uint32_t time;
  std::uint64_t callee;  // digits
  int ring, cell, device;
  bool abroad, roaming, suspect, fresh, first;
  bool far = false;
};

double ratio(double a, double b) {
  return b == 0 ? std::nan("") : a / b;
}
double entropy(const std::map<std::uint64_t, double>& counts) {
  double n = 0, sum = 0;
  for (const auto& [key, count] : counts) n += count;
  for (const auto& [key, count] : counts) sum -= count / n * std::log2(count / n);
  return n == 0 ? std::nan("") : sum;
}

void same(double a, double b, const char* what) {
  if (std::isnan(a) && std::isnan(b)) return;
  ASSERT_NEAR(a, b, 1e-9) << what;
}

// Every feature from its definition, over the latest 128 of 24 h.
void compare(const DiallingActivity& d, std::vector<Told> all, const std::vector<std::uint32_t>& changes,
             std::uint32_t newest, bool placed_ever) {
  std::stable_sort(all.begin(), all.end(), [](const Told& a, const Told& b) { return a.time < b.time; });
  for (const Window w : {Window::k1h, Window::k24h}) {
    SCOPED_TRACE(spec(w).name);
    std::vector<Told> in;
    for (std::size_t i = all.size() > 128 ? all.size() - 128 : 0; i < all.size(); ++i)
      if (all[i].time >= start_s(w, newest)) in.push_back(all[i]);
    const double n = static_cast<double>(in.size());
    double told = 0, sum = 0, squares = 0, brief = 0, near = 0, run = in.empty() ? 0 : 1, longest = run, fresh = 0,
           first = 0, abroad = 0, roaming = 0, suspect = 0, far = 0;
    std::map<std::uint64_t, double> callees, regions, cells;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const Told& t = in[i];
      if (t.ring >= 0) {
        ++told;
        sum += t.ring;
        squares += t.ring * t.ring;
        brief += t.ring <= 5 ? 1 : 0;
      }
      bool next = false;
      for (std::size_t back = 1; back <= 4 && back <= i; ++back) {
        const auto gap = static_cast<std::int64_t>(t.callee) - static_cast<std::int64_t>(in[i - back].callee);
        next |= gap != 0 && std::abs(gap) <= 10;
      }
      near += next ? 1 : 0;
      if (i > 0) run = next ? run + 1 : 1;
      longest = std::max(longest, run);
      fresh += t.fresh ? 1 : 0;
      first += t.first ? 1 : 0;
      abroad += t.abroad ? 1 : 0;
      roaming += t.roaming ? 1 : 0;
      suspect += t.suspect ? 1 : 0;
      far += t.far ? 1 : 0;
      ++callees[t.callee];
      ++regions[region_of(model::NumberKey::e164(t.callee))];
      if (t.cell != 0) ++cells[static_cast<std::uint64_t>(t.cell)];
    }
    same(d.calls(w), n, "calls");
    same(d.ring_s_mean(w), ratio(sum, told), "ring_s_mean");
    const double mean = ratio(sum, told);
    ASSERT_TRUE(told == 0 ||
                std::abs(d.ring_s_spread(w) - std::sqrt(std::max(0.0, squares / told - mean * mean))) < 1e-6);
    same(d.ring_short_share(w), ratio(brief, told), "ring_short_share");
    same(d.sequential_share(w), ratio(near, n), "sequential_share");
    same(d.sequential_run(w), longest, "sequential_run");
    same(d.new_callee_share(w), ratio(fresh, n), "new_callee_share");
    same(d.first_contact_share(w), ratio(first, n), "first_contact_share");
    same(d.international_share(w), ratio(abroad, n), "international_share");
    same(d.dispersion(w), ratio(static_cast<double>(callees.size()), n), "dispersion");
    same(d.callee_entropy(w), n < 2 ? std::nan("") : entropy(callees) / std::log2(n), "callee_entropy");
    same(d.region_entropy(w), entropy(regions), "region_entropy");
    if (w == Window::k1h) {
      same(d.distinct_cells_1h(), static_cast<double>(cells.size()), "distinct_cells_1h");
      double gaps = 0, gap_squares = 0;
      for (std::size_t i = 1; i < in.size(); ++i) {
        const double gap = in[i].time - in[i - 1].time;
        gaps += gap;
        gap_squares += gap * gap;
      }
      const double m = gaps / (n - 1);
      if (n < 5) {
        ASSERT_TRUE(std::isnan(d.gap_cv_1h()));
      } else if (gaps > 0) {
        ASSERT_NEAR(d.gap_cv_1h(), std::sqrt(std::max(0.0, gap_squares / (n - 1) - m * m)) / m, 1e-6);
      }
    } else {
      same(d.roaming_share_24h(), ratio(roaming, n), "roaming_share_24h");
      same(d.suspect_calls_24h(), suspect, "suspect_calls_24h");
      same(d.impossible_moves_24h(), placed_ever ? far : std::nan(""), "impossible_moves_24h");
      double most = 0, placed = 0;
      for (const auto& [cell, count] : cells) {
        most = std::max(most, count);
        placed += count;
      }
      same(d.top_cell_share_24h(), ratio(most, placed), "top_cell_share_24h");
    }
  }
  double changed = 0;
  for (const std::uint32_t t : changes) changed += t >= start_s(Window::k7d, newest) ? 1 : 0;
  same(d.device_changes_7d(), std::min(64.0, changed), "device_changes_7d");
}

TEST(DiallingActivity, EveryFeatureEqualsABruteForcePass) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto dialling = std::make_unique<DiallingActivities>();
    std::vector<Told> all;
    std::map<std::uint64_t, std::uint32_t> called, heard;  // last time
    std::vector<std::uint32_t> changes;
    std::uint32_t clock = kStart, newest = 0, heard_newest = 0;
    int device = 0;
    CellPlace last_place;
    std::uint32_t last_place_s = 0;
    for (int i = 0; i < 900; ++i) {
      clock += static_cast<std::uint32_t>(random() % (i % 300 < 200 ? 60 : 9000));
      const EventMs watermark{clock * 1000LL};
      if (random() % 5 == 0) {
        const std::uint64_t from = 8613900000000ULL + random() % 200;
        dialling->hear(kNumber, kHash, model::NumberKey::e164(from), EventMs{clock * 1000LL}, watermark);
        if (!all.empty()) {
          heard_newest = std::max({heard_newest, newest, clock});
          heard[from] = std::max(heard[from], clock);
        }
        continue;
      }
      Told t{};
      t.time = random() % 15 == 0 ? clock - static_cast<std::uint32_t>(random() % 100'000) : clock;
      t.callee = random() % 20 == 0 ? 14155550000ULL + random() % 50
                                    : 8613900000000ULL + random() % (seed % 2 == 0 ? 200 : 20'000'000);
      t.ring = static_cast<int>(random() % 30) - 5;
      t.cell = static_cast<int>(random() % 4);
      t.device = static_cast<int>(random() % 3);
      t.roaming = random() % 6 == 0;
      t.suspect = random() % 9 == 0;
      t.abroad = t.callee < 8600000000000ULL;
      const std::string cell = t.cell == 0 ? "" : "c" + std::to_string(t.cell);
      const std::string imei = t.device == 0 ? "" : "d" + std::to_string(t.device);
      model::Call call;
      call.caller = kNumber;
      call.callee = model::NumberKey::e164(t.callee);
      call.ring_s = static_cast<std::int16_t>(std::max(-1, t.ring));
      call.caller_cell = cell;
      call.caller_device = imei;
      call.roaming = t.roaming;
      // Cell 1 has no place; the others stand in cities 280 and 2,200 km apart.
      const CellPlace place =
          t.cell == 2   ? CellPlace{true, 30.25F, 120.17F}
          : t.cell == 3 ? CellPlace{true, random() % 9 == 0 ? 45.75F : 32.06F, random() % 2 == 0 ? 118.79F : 118.8F}
                        : CellPlace{};
      dialling->update(kNumber, kHash, call, EventMs{t.time * 1000LL}, watermark, t.suspect, place);
      t.ring = std::max(-1, t.ring);
      newest = std::max(newest, t.time);
      if (t.time >= start_s(Window::k24h, newest)) {
        heard_newest = std::max(heard_newest, newest);
        const auto c = called.find(t.callee), h = heard.find(t.callee);
        t.fresh = c == called.end() || c->second < start_s(Window::k7d, newest);
        t.first = t.fresh && (h == heard.end() || h->second < start_s(Window::k7d, heard_newest));
        called[t.callee] = std::max(called[t.callee], t.time);
        if (place.known) {
          const double apart_s = std::abs(static_cast<double>(t.time) - last_place_s);
          // By the law of cosines, in degrees as told: not the way the engine takes.
          const auto rad = [](float degrees) { return static_cast<double>(degrees) * std::acos(-1.0) / 180; };
          const double a = rad(place.latitude), b = rad(last_place.latitude);
          const double cosine = std::sin(a) * std::sin(b) +
                                std::cos(a) * std::cos(b) * std::cos(rad(place.longitude) - rad(last_place.longitude));
          const double km = 6371 * std::acos(std::clamp(cosine, -1.0, 1.0));
          t.far = last_place.known && km - 30 > (apart_s + 60) / 3.6;
          last_place = place;
          last_place_s = t.time;
        }
        if (t.device != 0) {
          if (device != 0 && device != t.device) changes.push_back(t.time);
          device = t.device;
        }
        all.push_back(t);
      }
      if (random() % 120 == 0) {  // a restart
        StateWriter out;
        dialling->save(out);
        auto loaded = std::make_unique<DiallingActivities>();
        StateReader in(out.bytes());
        ASSERT_TRUE(loaded->load(in).ok());
        dialling = std::move(loaded);
      }
      if (i % 7 != 0 && i > 60) continue;
      const DialRecord* record = dialling->find(kNumber, kHash, watermark);
      ASSERT_NE(record, nullptr);
      // Only the latest 64 changes are kept; all.size() grows slowly enough here that a week holds fewer in most rounds.
      std::vector<std::uint32_t> kept = changes;
      compare(DiallingActivity(*record, EventMs{newest * 1000LL}), all, kept, newest, last_place.known);
      if (HasFatalFailure()) {
        ADD_FAILURE() << "at call " << i;
        return;
      }
    }
  }
}

TEST(DiallingActivity, RemembersWhomItMetWithinAWeek) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::uint64_t people = seed <= 3 ? 40 : seed == 4 ? 3000 : 20'000;  // the last come to more than it remembers
    auto set = std::make_unique<DialSet>();
    std::map<std::uint32_t, std::uint32_t> last;
    std::uint32_t day = 20'000;
    set->advance(day);
    for (int i = 0; i < 60'000; ++i) {
      const auto who = peer_hash(mix64(seed << 32 | random() % people));
      if (random() % (seed % 2 == 0 ? 5000 : 50) == 0) {
        day += static_cast<std::uint32_t>(1 + (random() % 10 == 0 ? random() % 9 : 0));
        set->advance(day);
        std::erase_if(last, [day](const auto& met) { return met.second + 7 <= day; });
      }
      if (random() % 3 == 0) {
        ASSERT_EQ(set->contains(who), last.contains(who)) << "at " << i;
        continue;
      }
      const auto met = day - static_cast<std::uint32_t>(random() % 4 == 0 ? random() % 9 : 0);
      set->add(who, met);
      if (met + 7 > day) {
        if (last.size() == DialSet::kMost) last.clear();
        last[who] = std::max(last[who], met);
      }
      if (i % 10'000 == 9'999) {  // a restart
        StateWriter out;
        set->save(out);
        set = std::make_unique<DialSet>();
        StateReader in(out.bytes());
        set->load(in);
        ASSERT_TRUE(in.ok());
      }
    }
    EXPECT_LE(set->bytes(), 24 + last.size() * 10) << last.size();
  }
}

TEST(DiallingActivity, KeepsThreeCallsInLittle) {
  DiallingActivities dialling;
  const std::uint64_t empty = dialling.bytes();
  for (std::uint32_t i = 0; i < 3; ++i) {
    model::Call call;
    call.caller = kNumber;
    call.callee = model::NumberKey::e164(8613900001000ULL + i);
    call.ring_s = static_cast<std::int16_t>(i == 0 ? 400 : 20);  // told as 254
    const EventMs time{(kStart + i * 30) * 1000LL};
    dialling.update(kNumber, kHash, call, time, time, false, {});
  }
  EXPECT_LE(dialling.bytes() - empty, 72U + 4 * 11 + 4 * 4 + 16 * 25);  // the last: sixteen slots of the table
  const EventMs now{(kStart + 90) * 1000LL};
  EXPECT_NEAR(DiallingActivity(*dialling.find(kNumber, kHash, now), now).ring_s_mean(Window::k1h), 98, 1e-9);
}

TEST(DiallingActivity, TellsAMachineThatDialsRowByRow) {
  DiallingActivities dialling;
  for (std::uint32_t i = 0; i < 60; ++i) {
    model::Call call;
    call.caller = kNumber;
    call.callee = model::NumberKey::e164(8613900001000ULL + i);
    call.ring_s = 2;
    const EventMs time{(kStart + i * 30) * 1000LL};
    dialling.update(kNumber, kHash, call, time, time, false, {});
  }
  const EventMs now{(kStart + 1800) * 1000LL};
  const DiallingActivity d(*dialling.find(kNumber, kHash, now), now);
  EXPECT_NEAR(d.sequential_share(Window::k1h), 59.0 / 60, 1e-9);
  EXPECT_EQ(d.sequential_run(Window::k1h), 60);
  EXPECT_EQ(d.gap_cv_1h(), 0);
  EXPECT_EQ(d.ring_short_share(Window::k1h), 1);
  EXPECT_EQ(d.new_callee_share(Window::k1h), 1);
  EXPECT_TRUE(std::isnan(d.top_cell_share_24h()));
  // Long after, nothing is in its windows.
  const DiallingActivity later(*dialling.find(kNumber, kHash, now), now + std::chrono::hours(48));
  EXPECT_EQ(later.calls(Window::k24h), 0);
  EXPECT_TRUE(std::isnan(later.dispersion(Window::k24h)));
}

}  // namespace
}  // namespace pandun::detect
