#include "detect/features/number_activity.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "detect/features/catalog.h"
#include "detect/features/number_state.h"

namespace pandun::detect {
namespace {

const model::NumberKey kNumber = model::NumberKey::e164(8613800000001);
const std::uint64_t kHash = hash_of(model::key_of(kNumber));
constexpr std::uint32_t kStart = 1'772'416'800;  // 2026-03-02T02:00:00Z, 10:00 in China

model::NumberKey peer(std::uint64_t n) {
  return model::NumberKey::e164(8613900000000 + n * 10007);
}

struct Told {
  std::uint32_t time;
  std::uint64_t peer;
  bool outgoing, message, returned;
  model::Answered answered;
  std::int32_t talk;
  int device, cell;  // 0 = not said
  bool abroad = false, roaming = false;
};

// The features' definitions, straight from the header comment, over everything ever told.
class BruteForce {
 public:
  void tell(Told t) {
    newest_ = std::max(newest_, t.time);
    if (t.time < start_s(kLongest, newest_)) return;
    if (!t.message && !t.outgoing)
      for (const Told& o : all_)
        t.returned |= o.outgoing && !o.message && o.peer == t.peer && o.time >= start_s(Window::k24h, newest_);
    all_.push_back(t);
  }
  template <typename F>
  double count(Window w, F wanted) const {
    double n = 0;
    for (const Told& t : all_) n += t.time >= start_s(w, newest_) && wanted(t) ? 1 : 0;
    return n;
  }
  template <typename F, typename G>
  double distinct(Window w, F wanted, G what) const {
    std::set<std::uint64_t> seen;
    for (const Told& t : all_)
      if (t.time >= start_s(w, newest_) && wanted(t)) seen.insert(static_cast<std::uint64_t>(what(t)));
    return static_cast<double>(seen.size());
  }
  double max_per_minute(bool message) const {
    std::map<std::uint32_t, double> minutes;
    double most = 0;
    for (const Told& t : all_)
      if (t.outgoing && t.message == message && t.time / 60 + 5 > newest_ / 60)
        most = std::max(most, ++minutes[t.time / 60]);
    return most;
  }
  double talk(Window w) const {
    double sum = 0;
    for (const Told& t : all_)
      if (t.time >= start_s(w, newest_) && t.outgoing && !t.message && t.answered == model::Answered::kYes)
        sum += std::max(t.talk, 0);
    return sum;
  }
  std::uint32_t newest() const { return newest_; }
  std::uint32_t first() const {
    std::uint32_t first = UINT32_MAX;
    for (const Told& t : all_) first = std::min(first, t.time);
    return first;
  }
  double night(Window w) const {
    return count(w, [](const Told& t) { return t.outgoing && is_night(t.time, std::chrono::hours(8)); });
  }
  // Of the different numbers called in 24 h, those not met before these (called; or in any way).
  double unmet_share(bool any_way) const {
    const std::uint32_t day = start_s(Window::k24h, newest_), from = start_s(kLongest, newest_);
    std::set<std::uint64_t> callees, before;
    for (const Told& t : all_) {
      const bool call_out = t.outgoing && !t.message;
      if (t.time >= day && call_out) callees.insert(t.peer);
      if (t.time < day && t.time >= from && (any_way || call_out)) before.insert(t.peer);
    }
    double unmet = 0;
    for (const std::uint64_t callee : callees) unmet += before.contains(callee) ? 0 : 1;
    return unmet / static_cast<double>(callees.size());
  }

 private:
  std::vector<Told> all_;
  std::uint32_t newest_ = 0;
};

void expect_same(double a, double b, const char* what, Window w) {
  if (std::isnan(a) && std::isnan(b)) return;
  ASSERT_DOUBLE_EQ(a, b) << what << " " << spec(w).name;
}

// How far peers of the long windows were off, over a whole run.
struct Errors {
  double sum = 0, squares = 0, n = 0;
  void add(double got, double real) {
    if (real < 20) return;
    const double error = got / real - 1;
    sum += error;
    squares += error * error;
    n += 1;
  }
};

// Of 7 d and 30 d, who was met in the last 24 h is known; of the others a few, or a sample.
constexpr double kStatedError = History::kRelativeError;

void expect_peers(double a, double b, const char* what, Window w, std::array<Errors, 2>& errors) {
  if (w <= Window::k24h) {
    ASSERT_NEAR(a, b, 1 + 0.02 * b) << what << " " << spec(w).name;
    return;
  }
  ASSERT_NEAR(a, b, 20 + 6 * kStatedError * b) << what << " " << spec(w).name;
  errors[w == Window::k7d ? 0 : 1].add(a, b);
}

struct ShareErrors {
  double sum = 0, squares = 0, n = 0;
  void add(double error) {
    sum += error;
    squares += error * error;
    n += 1;
  }
};

void compare(const NumberActivity& n, const BruteForce& b, int form, std::array<Errors, 2>& errors,
             ShareErrors& shares) {
  const auto call_out = [](const Told& t) { return t.outgoing && !t.message; };
  const auto call_in = [](const Told& t) { return !t.outgoing && !t.message; };
  const auto message_out = [](const Told& t) { return t.outgoing && t.message; };
  const auto message_in = [](const Told& t) { return !t.outgoing && t.message; };
  const auto answered = [&](const Told& t) { return call_out(t) && t.answered == model::Answered::kYes; };
  const auto who = [](const Told& t) { return t.peer; };
  for (const Window w : kAllWindows) {
    const double calls = b.count(w, call_out), yes = b.count(w, answered);
    const double no = b.count(w, [&](const Told& t) { return call_out(t) && t.answered == model::Answered::kNo; });
    expect_same(n.calls_out(w), calls, "calls_out", w);
    expect_same(n.calls_in(w), b.count(w, call_in), "calls_in", w);
    expect_same(n.messages_out(w), b.count(w, message_out), "messages_out", w);
    expect_same(n.messages_in(w), b.count(w, message_in), "messages_in", w);
    expect_same(n.unanswered_out(w), no, "unanswered_out", w);
    expect_same(n.answered_ratio_out(w), yes / (yes + no), "answered_ratio_out", w);
    expect_same(n.short_ratio_out(w), b.count(w, [&](const Told& t) { return answered(t) && t.talk <= 10; }) / yes,
                "short_ratio_out", w);
    if (w <= Window::k24h || yes == 0) {
      expect_same(n.talk_s_mean_out(w), b.talk(w) / yes, "talk_s_mean_out", w);
    } else {
      ASSERT_NEAR(n.talk_s_mean_out(w), b.talk(w) / yes, History::kTalkUnitS / 2) << spec(w).name;
    }
    expect_peers(n.distinct_callees(w), b.distinct(w, call_out, who), "distinct_callees", w, errors);
    expect_peers(n.distinct_callers(w), b.distinct(w, call_in, who), "distinct_callers", w, errors);
    expect_peers(n.distinct_recipients(w), b.distinct(w, message_out, who), "distinct_recipients", w, errors);
    expect_peers(n.distinct_senders(w), b.distinct(w, message_in, who), "distinct_senders", w, errors);
    const double all = b.count(w, [](const Told&) { return true; });
    ASSERT_LE(all, n.contacts_at_most());
    for (const double least : {1.0, 2.5, all, all + 0.5, all + 1, all * 1.2 + 60}) {
      if (n.fewer_than(least, w)) {
        ASSERT_LT(all, least) << spec(w).name;
      } else if (form == NumberRecord::kListed && w <= Window::k24h) {
        ASSERT_GE(all, least) << spec(w).name;
      }
    }
    const auto in_yes = [&](const Told& t) { return call_in(t) && t.answered == model::Answered::kYes; };
    const double got = b.count(w, in_yes),
                 missed = b.count(w, [&](const Told&t) { return call_in(t) && t.answered == model::Answered::kNo; });
    expect_same(n.unanswered_in(w), missed, "unanswered_in", w);
    expect_same(n.answered_ratio_in(w), got / (got + missed), "answered_ratio_in", w);
    expect_same(n.short_ratio_in(w), b.count(w, [&](const Told& t) { return in_yes(t) && t.talk <= 10; }) / got,
                "short_ratio_in", w);
    expect_same(n.long_ratio_out(w), b.count(w, [&](const Told& t) { return answered(t) && t.talk > 300; }) / yes,
                "long_ratio_out", w);
    const double out = b.count(w, [](const Told&t) { return t.outgoing; }), in = all - out;
    expect_same(n.night_share(w), b.night(w) / out, "night_share", w);
    expect_same(n.international_share_out(w), b.count(w, [](const Told& t) { return t.outgoing && t.abroad; }) / out,
                "international_share_out", w);
    expect_same(n.international_share_in(w), b.count(w, [](const Told& t) { return !t.outgoing && t.abroad; }) / in,
                "international_share_in", w);
    expect_same(n.roaming_share_out(w), b.count(w, [&](const Told& t) { return call_out(t) && t.roaming; }) / calls,
                "roaming_share_out", w);
    const auto place = [&](double got_here, const char* what, double real) {
      if (w <= Window::k24h) {
        expect_same(got_here, real, what, w);
      } else {
        ASSERT_NEAR(got_here, real, real <= 4 ? 1 : 3 * kStatedError * real + 2) << what << " " << spec(w).name;
      }
    };
    place(n.distinct_devices(w), "distinct_devices",
          b.distinct(
              w, [](const Told& t) { return t.device != 0; }, [](const Told& t) { return t.device; }));
    place(n.distinct_cells(w), "distinct_cells",
          b.distinct(
              w, [](const Told& t) { return t.cell != 0; }, [](const Told& t) { return t.cell; }));
    const double regions = b.distinct(w, call_out, [](const Told& t) { return peer(t.peer).value() / 10000; });
    ASSERT_NEAR(n.regions_callee(w), regions, 2 + regions * (w <= Window::k24h ? 0.15 : 4 * kStatedError))
        << "regions_callee " << spec(w).name;
    double series = 0;
    for (const model::EvidencePoint& p : n.calls_out_series(w)) series += p.value;
    expect_same(series, calls, "calls_out_series", w);
  }
  constexpr Window day = Window::k24h;
  // By 16 bits of hash: after many calls out, a call in may be taken for one from somebody called.
  ASSERT_NEAR(n.return_calls_24h(), b.count(day, [](const Told& t) { return t.returned; }), 1 + 0.02 * n.calls_in(day));
  if (form != NumberRecord::kBare) {
    const double missed = b.count(day, [&](const Told& t) {
      const Lane lane = t.message ? (t.outgoing ? Lane::kMessageOut : Lane::kMessageIn)
                                  : (t.outgoing ? Lane::kCallOut : Lane::kCallIn);
      return !n.may_have_met(lane, peer(t.peer));
    });
    ASSERT_LE(missed, form == NumberRecord::kBusy ? 1 + 0.01 * n.contacts_at_most() : 0);  // two that share 16 bits
  }
  if (form != NumberRecord::kBusy) {
    // Sampled where many were met: as far off as the few that pass.
    const double callees = b.distinct(day, call_out, who);
    for (const bool any_way : {false, true}) {
      const double share = any_way ? n.first_contact_share_24h() : n.new_callee_share_24h();
      const double real = b.unmet_share(any_way);
      if (callees == 0) {
        ASSERT_TRUE(std::isnan(share));
      } else if (!std::isnan(share)) {
        shares.add(share - real);
      }
    }
  }
  expect_same(n.max_calls_per_minute_5m(), b.max_per_minute(false), "max_calls_per_minute_5m", Window::k5m);
  expect_same(n.max_messages_per_minute_5m(), b.max_per_minute(true), "max_messages_per_minute_5m", Window::k5m);
}

class Stream {
 public:
  explicit Stream(std::uint64_t seed) : random_(seed) {}

  // Seasons of different business, so that every form of the record is reached and left again.
  Told next() {
    if (left_-- == 0) {
      season_ = random_() % 5;
      left_ = 20 + random_() % (season_ == 0 ? 900 : 300);
    }
    const std::uint64_t late = random_() % 100;
    constexpr std::uint32_t kGap[] = {15, 600, 9000, 60000, 900000};  // s between events at most: dialler … hermit
    std::uint32_t time = clock_;
    if (late >= 94) {
      time -= static_cast<std::uint32_t>(random_() % (late < 98 ? 1200 : late < 99 ? 900000 : 3000000));
    } else {
      clock_ += static_cast<std::uint32_t>(random_() % kGap[season_]);
      if (random_() % 400 == 0) clock_ += static_cast<std::uint32_t>(random_() % 4'000'000);
      time = clock_;
    }
    const bool message = random_() % 4 == 0, outgoing = random_() % 3 != 0;
    const auto answered = static_cast<model::Answered>(random_() % 3);
    Told t{time,
           random_() % (season_ == 0   ? 2000
                        : season_ == 1 ? 200
                                       : 12),
           outgoing,
           message,
           false,
           answered,
           answered == model::Answered::kYes ? static_cast<std::int32_t>(random_() % 60) : -1,
           0,
           0};
    if (t.talk >= 55) t.talk *= 8;
    t.abroad = random_() % 20 == 0;
    t.roaming = outgoing && !message && random_() % 25 == 0;
    if (outgoing && random_() % 2 == 0) t.device = 1 + static_cast<int>(random_() % (season_ == 1 ? 5 : 1));
    if (random_() % 2 == 0) t.cell = 1 + static_cast<int>(random_() % (season_ == 2 ? 9 : 1));
    return t;
  }
  std::uint32_t clock() const { return clock_; }
  std::uint64_t dice() { return random_(); }

 private:
  std::mt19937_64 random_;
  std::uint32_t clock_ = kStart;
  std::uint64_t left_ = 0, season_ = 0;
};

void update(NumberActivities& all, const Told& t, std::uint32_t watermark) {
  const std::string device = t.device == 0 ? "" : "device" + std::to_string(t.device),
                    cell = t.cell == 0 ? "" : "cell" + std::to_string(t.cell);
  all.update(kNumber, kHash,
             {EventMs{t.time * 1000LL}, peer(t.peer), t.outgoing, t.message, t.answered, t.talk, device, cell, t.abroad,
              t.roaming},
             EventMs{watermark * 1000LL});
}

TEST(NumberActivity, EveryFeatureEqualsABruteForcePass) {
  std::set<int> ways;
  std::array<Errors, 2> errors;  // 7 d, 30 d
  ShareErrors shares;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Stream stream(seed);
    auto all = std::make_unique<NumberActivities>(NumberOptions{});
    BruteForce brute;
    int last_form = 0;
    for (int i = 0; i < 4000; ++i) {
      const Told t = stream.next();
      update(*all, t, stream.clock());
      brute.tell(t);
      if (stream.dice() % 300 == 0) {  // a restart
        StateWriter out;
        all->save(out);
        auto loaded = std::make_unique<NumberActivities>(NumberOptions{});
        StateReader in(out.bytes());
        ASSERT_TRUE(loaded->load(in).ok());
        ASSERT_EQ(loaded->too_old(), all->too_old());
        all = std::move(loaded);
      }
      if (i % 50 == 0) all->evict(EventMs{stream.clock() * 1000LL});
      const NumberRecord* record = all->find(kNumber, kHash, EventMs{stream.clock() * 1000LL});
      ASSERT_NE(record, nullptr);
      ways.insert(last_form * 10 + record->form);
      last_form = record->form;
      if (i % 17 != 0 && i > 20) continue;
      compare(NumberActivity(*all, *record, kNumber), brute, record->form, errors, shares);
      if (HasFatalFailure()) {
        ADD_FAILURE() << "at event " << i << ", record in form " << record->form;
        return;
      }
    }
    EXPECT_GT(all->too_old(), 0U);
  }
  // Every way from one form of the record to another was taken.
  for (const int way : {1, 11, 13, 33, 31}) EXPECT_TRUE(ways.contains(way)) << way;
  EXPECT_GT(shares.n, 500);
  EXPECT_LT(std::abs(shares.sum / shares.n), 0.05) << "shares of who was not met before";
  EXPECT_LT(std::sqrt(shares.squares / shares.n), 0.25) << "shares of who was not met before";
  for (const Window w : {Window::k7d, Window::k30d}) {
    const Errors& e = errors[w == Window::k7d ? 0 : 1];
    EXPECT_GT(e.n, 500) << spec(w).name << " " << e.sum / e.n << " " << std::sqrt(e.squares / e.n);
    EXPECT_LT(std::abs(e.sum / e.n), 0.03) << "peers of " << spec(w).name;
    EXPECT_LT(std::sqrt(e.squares / e.n), kStatedError) << "peers of " << spec(w).name;
  }
}

// What is packed answers everything as what is not, to the bit: in both worlds the same, with restarts and sweeps at other times.
TEST(NumberActivity, PackedOrListedCannotBeTold) {
  std::uint64_t packed_seen = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Stream stream(seed);
    NumberOptions few;
    few.listed_most = 0;
    auto listed = std::make_unique<NumberActivities>(NumberOptions{}), packed = std::make_unique<NumberActivities>(few);
    for (int i = 0; i < 3000; ++i) {
      const Told t = stream.next();
      update(*listed, t, stream.clock());
      update(*packed, t, stream.clock());
      if (stream.dice() % 200 == 0) {
        StateWriter out;
        packed->save(out);
        packed = std::make_unique<NumberActivities>(few);
        StateReader in(out.bytes());
        ASSERT_TRUE(packed->load(in).ok());
        packed_seen += packed->packed();
      }
      if (i % 30 == 0) packed->evict(EventMs{stream.clock() * 1000LL});
      const EventMs now{stream.clock() * 1000LL};
      const NumberRecord *a = listed->find(kNumber, kHash, now), *b = packed->find(kNumber, kHash, now);
      ASSERT_TRUE(a != nullptr && b != nullptr);
      ASSERT_EQ(a->form, b->form);
      if (i % 5 != 0) continue;
      const NumberActivity one(*listed, *a, kNumber), other(*packed, *b, kNumber);
      for (const Feature& f : features()) {
        if (f.number == nullptr) continue;
        const double x = f.number(one), y = f.number(other);
        ASSERT_TRUE(x == y || (std::isnan(x) && std::isnan(y))) << f.name << " " << x << " " << y << " at event " << i;
      }
      for (const Window w : kAllWindows) {
        const auto x = one.calls_out_series(w), y = other.calls_out_series(w);
        ASSERT_EQ(x.size(), y.size());
        for (std::size_t p = 0; p < x.size(); ++p)
          ASSERT_EQ(x[p].value, y[p].value) << spec(w).name << " at event " << i;
      }
    }
  }
  EXPECT_GT(packed_seen, 10U);
}

// What a feature of the catalogue is, worked out from all events at once, by its name alone. A feature without a line here has
// no definition that live scoring, rules and training could be held to.
std::optional<double> from_scratch(const BruteForce& b, const Feature& f) {
  const Window w = f.window.value_or(kLongest);
  const auto call_out = [](const Told& t) { return t.outgoing && !t.message; };
  const auto call_in = [](const Told& t) { return !t.outgoing && !t.message; };
  const auto message_out = [](const Told& t) { return t.outgoing && t.message; };
  const auto message_in = [](const Told& t) { return !t.outgoing && t.message; };
  const auto answered = [&](const Told& t) { return call_out(t) && t.answered == model::Answered::kYes; };
  const auto unanswered = [&](const Told& t) { return call_out(t) && t.answered == model::Answered::kNo; };
  const auto who = [](const Told& t) { return t.peer; };
  const double calls = b.count(w, call_out), yes = b.count(w, answered), no = b.count(w, unanswered);
  const auto in_yes = [&](const Told& t) { return call_in(t) && t.answered == model::Answered::kYes; };
  const double got = b.count(w, in_yes),
               missed = b.count(w, [&](const Told&t) { return call_in(t) && t.answered == model::Answered::kNo; });
  const double out = b.count(w, [](const Told&t) { return t.outgoing; }),
               in = b.count(w, [](const Told&t) { return !t.outgoing; });
  const std::map<std::string, double> stems{
      {"calls_out", calls},
      {"calls_in", b.count(w, call_in)},
      {"messages_out", b.count(w, message_out)},
      {"messages_in", b.count(w, message_in)},
      {"unanswered_out", no},
      {"distinct_callees", b.distinct(w, call_out, who)},
      {"distinct_callers", b.distinct(w, call_in, who)},
      {"distinct_recipients", b.distinct(w, message_out, who)},
      {"distinct_senders", b.distinct(w, message_in, who)},
      {"answered_ratio_out", yes / (yes + no)},
      {"short_ratio_out", b.count(w, [&](const Told& t) { return answered(t) && t.talk <= 10; }) / yes},
      {"talk_s_mean_out", b.talk(w) / yes},
      {"out_share", calls / (calls + b.count(w, call_in))},
      {"repeat_ratio_out", 1 - b.distinct(w, call_out, who) / calls},
      {"return_calls", b.count(w, [](const Told& t) { return t.returned; })},
      {"distinct_devices", b.distinct(
                               w, [](const Told& t) { return t.device != 0; }, [](const Told& t) { return t.device; })},
      {"distinct_cells", b.distinct(
                             w, [](const Told& t) { return t.cell != 0; }, [](const Told& t) { return t.cell; })},
      {"regions_callee", b.distinct(w, call_out, [](const Told& t) { return peer(t.peer).value() / 10000; })},
      {"night_share", b.night(w) / out},
      {"max_calls_per_minute", b.max_per_minute(false)},
      {"max_messages_per_minute", b.max_per_minute(true)},
      {"long_ratio_out", b.count(w, [&](const Told& t) { return answered(t) && t.talk > 300; }) / yes},
      {"unanswered_in", missed},
      {"answered_ratio_in", got / (got + missed)},
      {"short_ratio_in", b.count(w, [&](const Told& t) { return in_yes(t) && t.talk <= 10; }) / got},
      {"international_share_out", b.count(w, [](const Told& t) { return t.outgoing && t.abroad; }) / out},
      {"international_share_in", b.count(w, [](const Told& t) { return !t.outgoing && t.abroad; }) / in},
      {"roaming_share_out", b.count(w, [&](const Told& t) { return call_out(t) && t.roaming; }) / calls},
      {"new_callee_share", b.unmet_share(false)},
      {"first_contact_share", b.unmet_share(true)},
  };
  if (f.name == "first_seen_age_s") return b.newest() - b.first();
  if (f.name == "idle_before_s") return 0;  // within one day; SilenceIsKnownForAWeekAfterItEnded says the rest
  const std::string suffix = f.window.has_value() ? "_" + std::string(spec(w).name) : "";
  if (f.name.size() <= suffix.size() || !f.name.ends_with(suffix)) return std::nullopt;
  const auto found = stems.find(f.name.substr(0, f.name.size() - suffix.size()));
  return found == stems.end() ? std::nullopt : std::optional<double>(found->second);
}

TEST(NumberActivity, EveryFeatureOfTheCatalogueEqualsABatchOverADay) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random(seed);
    NumberActivities all{NumberOptions{}};
    BruteForce brute;
    // A quiet line, a busy one, a dialler; each with its day.
    const std::uint32_t events = seed % 3 == 0 ? 12 : seed % 3 == 1 ? 150 : 900, peers = events / 3 + 2;
    for (std::uint32_t i = 0; i < events; ++i) {
      const std::uint32_t t = kStart + i * (86400 / events) + static_cast<std::uint32_t>(random() % 60);
      const bool message = random() % 3 == 0, outgoing = random() % 2 == 0;
      const auto answered = static_cast<model::Answered>(random() % 3);
      const Told told{t,
                      random() % peers,
                      outgoing,
                      message,
                      false,
                      answered,
                      answered == model::Answered::kYes ? static_cast<std::int32_t>(random() % 400) : -1,
                      outgoing ? static_cast<int>(random() % 3) : 0,
                      static_cast<int>(random() % 5),
                      random() % 10 == 0,
                      outgoing && !message && random() % 12 == 0};
      update(all, told, t);
      brute.tell(told);
    }
    const NumberRecord* record = all.find(kNumber, kHash, EventMs{brute.newest() * 1000LL});
    ASSERT_NE(record, nullptr);
    const NumberActivity n(all, *record, kNumber);
    for (const Feature& f : features()) {
      if (f.number == nullptr) continue;
      const std::optional<double> batch = from_scratch(brute, f);
      ASSERT_TRUE(batch.has_value()) << f.name << " has no batch definition in this test";
      const double streamed = f.number(n);
      ++compared;
      const bool novelty = f.name == "new_callee_share_24h" || f.name == "first_contact_share_24h";
      if (novelty && record->form == NumberRecord::kBusy) {
        EXPECT_TRUE(std::isnan(streamed)) << f.name;
        continue;
      }
      ASSERT_EQ(std::isnan(streamed), std::isnan(*batch)) << f.name << " seed " << seed;
      if (std::isnan(*batch)) continue;
      const double size = f.unit == "ratio" ? 1 : *batch;
      const bool talk = f.name.starts_with("talk_s_mean_out") && f.window >= Window::k7d;
      const double room = talk                                                          ? History::kTalkUnitS / 2.0
                          : f.exactness == Exactness::kExact || f.window < Window::k24h ? 1e-9 * (1 + size)
                          : f.exactness == Exactness::kSketch ? 0.01 * size + (f.unit == "ratio" ? 0 : 1)
                          : f.exactness == Exactness::kSample ? 4 * kStatedError * size + 16
                                                              : 0.15 * size + 2;
      ASSERT_NEAR(streamed, *batch, room) << f.name << " seed " << seed << ", form " << record->form;
    }
  }
  EXPECT_GT(compared, 12U * 60);
}

TEST(NumberActivity, SilenceIsKnownForAWeekAfterItEnded) {
  NumberActivities all{NumberOptions{}};
  const auto call = [&](std::uint32_t t) { update(all, {t, 1, true, false, false, model::Answered::kNo, 0, 0, 0}, t); };
  const auto idle = [&](std::uint32_t t) {
    return NumberActivity(all, *all.find(kNumber, kHash, EventMs{t * 1000LL}), kNumber).idle_before_s();
  };
  call(kStart);
  EXPECT_EQ(idle(kStart), 0);
  std::uint32_t t = kStart + 95 * 86400 + 1800;
  call(t);
  EXPECT_EQ(idle(t), 95 * 86400);
  for (int hour = 0; hour < 168; ++hour) {
    call(t += 3600);
    ASSERT_EQ(idle(t), 95 * 86400) << hour;
  }
  call(t += 3600);
  EXPECT_EQ(idle(t), 0);
  for (int hour = 0; hour < 5000; ++hour) {  // it must not come back when the stored hour wraps
    call(t += 3600);
    ASSERT_EQ(idle(t), 0) << hour;
  }
  EXPECT_EQ(NumberActivity(all, *all.find(kNumber, kHash, EventMs{t * 1000LL}), kNumber).first_seen_age_s(),
            t - kStart);
}

TEST(NumberActivity, AnsweredIsToldByTheTalkTimeWhereTheRecordDoesNotSay) {
  NumberActivities all{NumberOptions{}};
  const auto call = [&](model::Answered a, std::int32_t talk) {
    update(all, {kStart, 1, true, false, false, a, talk, 0, 0}, kStart);
  };
  call(model::Answered::kUnknown, 8);
  call(model::Answered::kUnknown, 0);
  call(model::Answered::kUnknown, -1);
  call(model::Answered::kYes, -1);
  const NumberActivity n(all, *all.find(kNumber, kHash, EventMs{kStart * 1000LL}), kNumber);
  const NumberTally& tally = n.tally(Window::k1h);
  EXPECT_EQ(tally.calls_out, 4U);
  EXPECT_EQ(tally.answered_out, 2U);
  EXPECT_EQ(tally.unanswered_out, 1U);
  EXPECT_EQ(tally.short_out, 2U);
}

TEST(NumberActivity, RatiosWithoutADenominatorAreNotKnown) {
  NumberActivities all{NumberOptions{}};
  update(all, {kStart, 1, false, true, false, model::Answered::kUnknown, -1, 0, 0}, kStart);
  const NumberActivity n(all, *all.find(kNumber, kHash, EventMs{kStart * 1000LL}), kNumber);
  EXPECT_TRUE(std::isnan(n.answered_ratio_out(Window::k1h)));
  EXPECT_TRUE(std::isnan(n.short_ratio_out(Window::k1h)));
  EXPECT_TRUE(std::isnan(n.repeat_ratio_out(Window::k24h)));
  EXPECT_TRUE(std::isnan(n.night_share(Window::k24h)));
}

TEST(NumberActivity, ANumberWithManyPeersIsCountedWithinTheStatedError) {
  NumberActivities all{NumberOptions{}};
  constexpr std::uint32_t kCalls = 40000;
  for (std::uint32_t i = 0; i < kCalls; ++i)
    update(all, {kStart + i, i, true, false, false, model::Answered::kNo, 0, 0, 0}, kStart + i);
  const NumberActivity n(all, *all.find(kNumber, kHash, EventMs{(kStart + kCalls) * 1000LL}), kNumber);
  EXPECT_FALSE(n.exact());
  EXPECT_EQ(n.calls_out(Window::k24h), kCalls);
  EXPECT_NEAR(n.distinct_callees(Window::k24h) / kCalls, 1, 4 * DistinctSketch::kRelativeError);
  EXPECT_NEAR(n.distinct_callees(Window::k1h) / n.calls_out(Window::k1h), 1, 4 * DistinctSketch::kRelativeError);
}

TEST(NumberActivity, RegionsComeFromThePrefix) {
  const auto e164 = [](std::uint64_t n) { return region_of(model::NumberKey::e164(n)); };
  EXPECT_EQ(e164(8613800131234), e164(8613800139999));
  EXPECT_NE(e164(8613800131234), e164(8613800141234));
  EXPECT_EQ(e164(861062345678), e164(861088888888));    // Beijing
  EXPECT_EQ(e164(8675512345678), e164(8675587654321));  // Shenzhen
  EXPECT_NE(e164(8675512345678), e164(8675612345678));
  EXPECT_EQ(e164(442071838750), e164(441312345678));  // one country
  EXPECT_EQ(e164(12125550123), e164(16505550123));
  EXPECT_NE(e164(442071838750), e164(4930123456));
  EXPECT_EQ(e164(85223456789), e164(85298765432));
  EXPECT_EQ(region_of(model::NumberKey::opaque("abc")), 0U);
}

TEST(NumberState, AQuietNumberFillsOneCacheLine) {
  NumberActivities all{NumberOptions{}};
  for (std::uint64_t i = 0; i < 200000; ++i) {
    const model::NumberKey n = peer(i);
    all.update(n, hash_of(model::key_of(n)),
               {EventMs{kStart * 1000LL}, kNumber, true, false, model::Answered::kYes, 30, "d", "c"},
               EventMs{kStart * 1000LL});
  }
  EXPECT_EQ(all.packed(), 0U);
  EXPECT_LT(static_cast<double>(all.bytes()) / 200000, 115.0);
}

}  // namespace
}  // namespace pandun::detect
