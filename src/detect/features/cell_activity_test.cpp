#include "detect/features/cell_activity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "detect/features/cell_activity_state.h"
#include "detect/features/regions.h"
#include "detect/features/talk_code.h"

namespace pandun::detect {
namespace {

const model::EntityKey kCell = model::key_of_text("460-00-1-1");
const std::uint64_t kHash = hash_of(kCell);
constexpr std::uint32_t kStart = 1'772'416'800;

struct Told {
  std::uint32_t time;
  CellContact::Counter kind;
  int number, device;  // 0 = not said
  bool international, fresh, roaming;
  model::Answered answered;
  std::int32_t talk;
};

void same(double a, double b, const char* what) {
  if (std::isnan(a) && std::isnan(b)) return;
  ASSERT_DOUBLE_EQ(a, b) << what;
}

model::NumberKey number_of(int n) {
  return n == 0 ? model::NumberKey() : model::NumberKey::e164(8613800000000ULL + static_cast<std::uint64_t>(n) * 7919);
}

// Counts are equal; different things and new numbers within the stated errors, root mean square over all looks.
TEST(CellActivity, EveryFeatureEqualsABruteForcePass) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    double off_distinct = 0, off_new = 0, looks = 0, looks_new = 0;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto cells = std::make_unique<CellActivities>();
    std::vector<Told> all;
    std::map<int, std::uint32_t> known;  // the last span each number was there in
    std::uint32_t clock = kStart, newest = 0, running = 0, woke = 0;
    double silence = 0, silences = 0;
    std::map<Window, double> sent;
    for (int i = 0; i < 1200; ++i) {
      clock +=
          static_cast<std::uint32_t>(random() % 150 == 0 ? random() % 300'000 : random() % (i % 400 < 200 ? 30 : 6000));
      Told t{};
      t.time = random() % 15 == 0 ? clock - static_cast<std::uint32_t>(random() % 100'000) : clock;
      t.kind = static_cast<CellContact::Counter>(random() % 3);
      t.number = static_cast<int>(random() % 10 == 0 ? 0 : 1 + random() % (seed == 1 ? 20 : 400));
      t.device = static_cast<int>(random() % 50);
      t.international = random() % 5 == 0;
      t.roaming = random() % 6 == 0;
      t.answered = static_cast<model::Answered>(random() % 3);
      t.talk = random() % 30 == 0 ? static_cast<std::int32_t>(random() % 20'000)
                                  : static_cast<std::int32_t>(random() % 30) - 1;
      const std::string device = t.device == 0 ? "" : "imei" + std::to_string(t.device);
      cells->update(kCell, kHash,
                    {EventMs{t.time * 1000LL}, t.kind, number_of(t.number), device.empty() ? 0 : hash64(device),
                     t.international, t.roaming, t.answered, t.talk},
                    EventMs{clock * 1000LL});
      if (t.answered == model::Answered::kUnknown && t.talk >= 0)
        t.answered = t.talk > 0 ? model::Answered::kYes : model::Answered::kNo;
      if (newest != 0 && t.time > newest && t.time - newest >= 86400) {
        silence = (t.time - newest) / 3600 * 3600;
        woke = t.time;
      }
      newest = std::max(newest, t.time);
      if (t.time >= start_s(Window::k24h, newest)) {
        running = std::max(running, t.time / CellMarks::kSpanS);
        if (t.number != 0) {
          const auto at = known.find(t.number);
          t.fresh = at == known.end() || at->second + 1 < running;
          known[t.number] = running;
        }
        all.push_back(t);
      }
      if (random() % 150 == 0) {  // a restart
        StateWriter out;
        cells->save(out);
        auto loaded = std::make_unique<CellActivities>();
        StateReader in(out.bytes());
        ASSERT_TRUE(loaded->load(in).ok());
        cells = std::move(loaded);
      }
      if (i % 7 != 0 && i > 60) continue;
      const CellRecord* record = cells->find(kCell, kHash, EventMs{clock * 1000LL});
      ASSERT_NE(record, nullptr);
      ASSERT_EQ(record->busy == 0, all.size() <= 32) << i;
      const CellActivity c(*cells, *record);
      same(c.idle_before_s(), newest / 3600 - woke / 3600 > 7 * 24 ? 0 : silence, "idle_before_s");
      silences += c.idle_before_s();
      for (const Window w : kAllWindows) {
        SCOPED_TRACE(std::string(spec(w).name) + " at " + std::to_string(i));
        double out = 0, in = 0, messages = 0, abroad = 0, fresh = 0, series = 0;
        double yes = 0, no = 0, brief = 0, talk = 0, roaming = 0, night = 0;
        std::set<int> numbers, devices;
        for (const Told& o : all) {
          if (o.time < start_s(w, newest)) continue;
          (o.kind == CellContact::kCallsOut ? out : o.kind == CellContact::kCallsIn ? in : messages) += 1;
          abroad += o.international ? 1 : 0;
          night += is_night(o.time, std::chrono::hours(8)) ? 1 : 0;
          if (o.kind == CellContact::kCallsOut) {
            yes += o.answered == model::Answered::kYes ? 1 : 0;
            no += o.answered == model::Answered::kNo ? 1 : 0;
            brief += o.answered == model::Answered::kYes && o.talk <= 10 ? 1 : 0;
            talk += o.answered == model::Answered::kYes ? talk_of(talk_code(o.talk)) : 0;
            roaming += o.roaming ? 1 : 0;
          }
          fresh += o.fresh ? 1 : 0;
          if (o.number != 0) numbers.insert(o.number);
          if (o.device != 0) devices.insert(o.device);
        }
        ASSERT_EQ(c.calls_out(w), out);
        ASSERT_EQ(c.calls_in(w), in);
        ASSERT_EQ(c.messages(w), messages);
        ASSERT_EQ(c.international(w), abroad);
        sent[w] = messages;
        if (w >= Window::k1h) {
          same(c.answered_ratio(w), yes / (yes + no), "answered_ratio");
          same(c.unanswered_ratio(w), no / (yes + no), "unanswered_ratio");
          same(c.short_ratio(w), brief / yes, "short_ratio");
        }
        if (w >= Window::k24h) {
          same(c.talk_s_mean(w), talk / yes, "talk_s_mean");
          same(c.roaming_share(w), roaming / out, "roaming_share");
        }
        if (w == Window::k24h) same(c.night_share_24h(), night / (out + in + messages), "night_share_24h");
        if (w > Window::k24h) {
          const auto size = static_cast<double>(numbers.size());
          if (size <= SeenThings::kBest) {
            ASSERT_NEAR(c.distinct_numbers(w), size, 1);
          } else {
            off_distinct += std::pow(c.distinct_numbers(w) / size - 1, 2);
            ++looks;
          }
          if (w == Window::k30d)
            for (const auto& [shorter, usual] :
                 {std::pair{Window::k24h, Window::k7d}, {Window::k7d, Window::k30d}, {Window::k1h, Window::k24h}})
              if (sent[usual] > 0)
                same(c.message_rise(shorter),
                     sent[shorter] / spec(shorter).width_s() / (sent[usual] / spec(usual).width_s()), "message_rise");
          continue;
        }
        if (all.size() <= 32) {
          ASSERT_EQ(c.new_numbers(w), fresh);
        } else if (fresh >= 20) {
          off_new += std::pow(c.new_numbers(w) / fresh - 1, 2);
          ++looks_new;
        }
        ASSERT_LE(c.new_numbers(w), out + in + messages);
        if (w == Window::k5m) continue;  // answered as 1 h
        ASSERT_LE(std::max(c.distinct_numbers(w), c.distinct_devices(w)), out + in + messages);
        for (const auto& [told, set] :
             {std::pair{c.distinct_numbers(w), &numbers}, {c.distinct_devices(w), &devices}}) {
          const auto size = static_cast<double>(set->size());
          if (size <= SeenThings::kBest) {
            ASSERT_NEAR(told, size, 1);  // two may share 16 bits
          } else {
            off_distinct += std::pow(told / size - 1, 2);
            ++looks;
          }
        }
        for (const model::EvidencePoint& p : c.messages_series(w)) series += p.value;
        ASSERT_EQ(series, messages);
      }
    }
    EXPECT_GT(silences, 0);
    EXPECT_LT(std::sqrt(off_distinct / looks), 0.13);  // of 29 to 200 things
    EXPECT_LT(std::sqrt(off_new / std::max(1.0, looks_new)), 0.1);
  }
}

TEST(CellDays, EqualABruteForcePassAndAreRefusedOrReadWhateverTheBytes) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<std::pair<std::uint32_t, CellDays::Counts>> all;
    auto days = std::make_unique<CellDays>();
    std::uint32_t clock = kStart;
    for (int i = 0; i < 1500; ++i) {
      clock += static_cast<std::uint32_t>(random() % (i % 500 < 400 ? 20'000 : 400'000));
      const std::uint32_t time = random() % 6 == 0 ? clock - static_cast<std::uint32_t>(random() % 86'400) : clock;
      CellDays::Counts n{};
      for (std::uint32_t& count : n) count = static_cast<std::uint32_t>(random() % (random() % 50 == 0 ? 100'000 : 9));
      days->advance(clock);
      days->add(time, n);
      all.emplace_back(time, n);
      StateWriter out;
      days->save(out);
      StateReader in(out.bytes());
      days = std::make_unique<CellDays>();
      days->load(in);
      ASSERT_TRUE(in.ok());
      for (const Window w : {Window::k7d, Window::k30d}) {
        CellDays::Counts sum{};
        for (const auto& [at, counts] : all)
          for (std::size_t c = 0; at >= start_s(w, clock) && c < sum.size(); ++c) sum[c] += counts[c];
        ASSERT_EQ(days->total(w), sum) << spec(w).name << " at " << i;
      }
      std::string torn(out.bytes());
      torn[random() % torn.size()] = static_cast<char>(random());
      CellDays other;
      StateReader bad(torn);
      other.load(bad);
      other.advance(clock + 86'400);
      other.add(clock, n);
      StateWriter again;
      other.save(again);
      EXPECT_FALSE(again.bytes().empty());
    }
  }
}

// Residents who come back and strangers who do not, for 40 days with a restart each day.
TEST(SeenOfMonth, TellsAWeekAndAMonthWithinTheStatedError) {
  double squares = 0;
  constexpr int kTries = 40;
  for (std::uint64_t seed = 1; seed <= kTries; ++seed) {
    std::mt19937_64 random(seed);
    SeenOfMonth things;
    std::map<std::uint64_t, std::uint32_t> last;
    std::uint32_t clock = kStart;
    for (std::uint32_t day = 0; day < 40; ++day) {
      for (int i = 0; i < 60; ++i) {
        clock = kStart + day * 86'400 + static_cast<std::uint32_t>(i) * 1400;
        const std::uint64_t who = random() % 2 == 0 ? random() % 100 : 1000 + day * 100 + static_cast<std::uint64_t>(i);
        things.advance(clock);
        things.add(static_cast<std::uint16_t>(mix64(combine64(seed, who)) >> 48), clock);
        last[who] = clock;
      }
      StateWriter out;
      things.save(out);
      StateReader in(out.bytes());
      SeenOfMonth loaded;
      loaded.load(in);
      ASSERT_TRUE(in.ok());
      things = std::move(loaded);
    }
    for (const Window w : {Window::k24h, Window::k7d, Window::k30d}) {
      double met = 0;
      for (const auto& [who, time] : last) met += time >= start_s(w, clock) ? 1 : 0;
      squares += std::pow(things.count(w) / met - 1, 2);
    }
  }
  EXPECT_LT(std::sqrt(squares / (3 * kTries)), SeenOfMonth::kRelativeError);
}

TEST(CellActivity, TellsStrangersFromThoseWhoLiveThere) {
  CellActivities cells;
  const auto call = [&](std::uint32_t time, int number) {
    cells.update(kCell, kHash,
                 {EventMs{time * 1000LL}, CellContact::kCallsOut, number_of(number), 0, false, false,
                  model::Answered::kUnknown, -1},
                 EventMs{time * 1000LL});
  };
  for (std::uint32_t day = 0; day < 5; ++day)
    for (int n = 1; n <= 500; ++n) call(kStart + day * 86400 + static_cast<std::uint32_t>(n) * 60, n);
  const std::uint32_t now = kStart + 5 * 86400;
  for (int n = 1; n <= 400; ++n) call(now + static_cast<std::uint32_t>(n), n <= 200 ? n : 10'000 + n);
  const CellActivity c(cells, *cells.find(kCell, kHash, EventMs{now * 1000LL}));
  EXPECT_NEAR(c.distinct_numbers(Window::k1h), 400, 100);
  EXPECT_NEAR(c.new_number_share(Window::k1h), 0.5, 0.15);
}

// Cells of 300 to 8,000 numbers a week of which a tenth are new each day: how many new ones are told, over 40 cells of each.
TEST(CellMarks, TellNewNumbersWithinTheStatedError) {
  for (const std::uint32_t residents : {300U, 2000U, 8000U}) {
    SCOPED_TRACE(std::to_string(residents) + " numbers");
    double sum = 0, squares = 0;
    const std::uint32_t cells = residents > 5000 ? 15 : 40;
    for (std::uint32_t cell = 1; cell <= cells; ++cell) {
      auto marks = std::make_unique<CellMarks>();
      std::mt19937_64 random(cell);
      // Three spans: in the third, what is told of strangers while the residents are known.
      const std::uint32_t span = kStart / CellMarks::kSpanS + 1;
      double told = 0, strangers = 0;
      for (std::uint32_t s = 0; s < 3; ++s)
        for (std::uint32_t i = 0; i < residents * 3; ++i) {
          const std::uint32_t time = (span + s) * CellMarks::kSpanS + i * (CellMarks::kSpanS / (residents * 3));
          const bool stranger = s == 2 && i % 30 == 0;
          const std::uint64_t who = stranger ? 1'000'000 + i : random() % residents;
          const std::uint32_t fresh = marks->add(static_cast<std::uint32_t>(mix64(combine64(cell, who))), time);
          if (s != 2) continue;
          strangers += stranger ? 1 : 0;
          told += stranger ? fresh : 0;
        }
      sum += told / strangers;
      squares += std::pow(told / strangers - 1, 2);
    }
    const double mean = sum / cells, error = std::sqrt(squares / cells);
    EXPECT_GT(mean, 0.88);  // at most a tenth are taken as known
    EXPECT_LT(mean, 1.08);
    // Those judged are one in 2^level; of n new ones their number is off by sqrt((2^level - 1) / n).
    const double level = residents <= 384 ? 0 : std::ceil(std::log2(residents * 1.1 / 384.0)), n = residents / 10.0;
    EXPECT_LT(error, 0.1 + 1.2 * std::sqrt((std::pow(2, level) - 1) / n));
    RecordProperty("error_" + std::to_string(residents), std::to_string(error));
  }
}

}  // namespace
}  // namespace pandun::detect
