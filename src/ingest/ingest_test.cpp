#include "ingest/ingest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "ingest/rejects.h"

namespace pandun::ingest {
namespace {

using model::Event;
using model::EventBatch;

class DigitsOnly : public Numbering {
 public:
  model::NumberKey parse(std::string_view text, bool opaque) const override {
    if (text.empty()) return {};
    if (opaque || text.find_first_not_of("0123456789") != std::string_view::npos) return model::NumberKey::opaque(text);
    std::uint64_t value = 0;
    for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
    return model::NumberKey::e164(value);
  }
};
const DigitsOnly kNumbering;

Normaliser normaliser(NormaliserOptions options = {}, OpaqueBook* book = nullptr) {
  return Normaliser(kNumbering, std::move(Domains::open()).value(), options, book);
}

constexpr std::int64_t kDay = 1'767'571'200'000;

Event call(std::int64_t ms, std::uint64_t record, std::string_view caller = "8613800138000", std::uint32_t source = 1) {
  Event event;
  event.time = {ms};
  event.source = source;
  event.record = record;
  model::Call payload;
  payload.caller_text = caller;
  payload.callee_text = "8613900139000";
  event.payload = payload;
  return event;
}

Event dns(std::string_view query) {
  Event event;
  event.time = {kDay};
  model::Dns payload;
  payload.query = query;
  event.payload = payload;
  return event;
}

using Seen = std::tuple<std::int64_t, std::uint32_t, std::uint64_t, bool>;
std::vector<Seen> seen(const EventBatch& batch) {
  std::vector<Seen> out;
  for (const Event& e : batch.events) out.emplace_back(e.time.ms, e.source, e.record, e.late);
  return out;
}

TEST(Normaliser, FillsKeysAndClearsText) {
  OpaqueBook book;
  Normaliser normal = normaliser({}, &book);
  EventBatch batch;
  batch.events = {call(kDay, 1), call(kDay, 2, "hash-abc"), call(kDay, 3, "")};
  std::vector<model::Reject> rejects;
  normal.run(batch, rejects);
  ASSERT_EQ(batch.events.size(), 3U);
  EXPECT_EQ(batch.events[0].as<model::Call>().caller.text(), "+8613800138000");
  EXPECT_EQ(batch.events[0].as<model::Call>().callee.text(), "+8613900139000");
  EXPECT_TRUE(batch.events[0].as<model::Call>().caller_text.empty());
  EXPECT_TRUE(batch.events[0].as<model::Call>().callee_text.empty());
  EXPECT_EQ(book.find(batch.events[1].as<model::Call>().caller), "hash-abc");
  EXPECT_EQ(book.size(), 1U);
  EXPECT_EQ(normal.counts().opaque_numbers, 1U);
  EXPECT_EQ(normal.counts().withheld_numbers, 1U);
}

TEST(Normaliser, RefusesImpossibleTimesAndKeepsTheOrderOfTheRest) {
  NormaliserOptions options;
  options.latest = {kDay + 300'000};
  Normaliser normal = normaliser(options);
  EventBatch batch;
  batch.events = {call(kDay, 1),           call(kDay + 300'001, 2),
                  call(kDay + 300'000, 3), call(kYear2000.ms - 1, 4),
                  call(kYear2000.ms, 5),   call(-5, 6)};
  std::vector<model::Reject> rejects;
  normal.run(batch, rejects);
  ASSERT_EQ(batch.events.size(), 3U);
  EXPECT_EQ(batch.events[0].record, 1U);
  EXPECT_EQ(batch.events[1].record, 3U);
  EXPECT_EQ(batch.events[2].record, 5U);
  ASSERT_EQ(rejects.size(), 3U);
  EXPECT_EQ(rejects[0].reason, model::RejectReason::kFutureTime);
  EXPECT_EQ(rejects[0].record, 2U);
  EXPECT_EQ(rejects[1].reason, model::RejectReason::kBadTime);
  EXPECT_EQ(rejects[2].reason, model::RejectReason::kBadTime);
  EXPECT_NE(rejects[0].detail.find("is later than 2026-01-05T00:05:00Z"), std::string::npos) << rejects[0].detail;
  EXPECT_EQ(normal.counts().rejected, 3U);
}

TEST(Normaliser, NamesSurviveTheirSourceArena) {
  Normaliser normal = normaliser();
  EventBatch batch;
  batch.events = {dns("WWW.Example.COM.CN."), dns("例子.公司.cn"),           dns("host"), dns("com.cn"),
                  dns("192.0.2.1"),           dns("xn--fsqu00a.xn--0zwm56d")};
  std::vector<model::Reject> rejects;
  normal.run(batch, rejects);
  const auto at = [&](std::size_t i) { return batch.events[i].as<model::Dns>(); };
  EXPECT_EQ(at(0).query, "www.example.com.cn");
  EXPECT_EQ(at(0).registrable, "example.com.cn");
  EXPECT_EQ(at(1).query, "xn--fsqu00a.xn--55qx5d.cn");
  EXPECT_EQ(at(1).registrable, "xn--fsqu00a.xn--55qx5d.cn");  // 公司.cn is a public suffix
  EXPECT_EQ(at(2).registrable, "");
  EXPECT_EQ(at(3).registrable, "");
  EXPECT_EQ(at(4).registrable, "");
  EXPECT_EQ(at(5).registrable, "xn--fsqu00a.xn--0zwm56d");
  ASSERT_EQ(batch.arenas.size(), 1U);
}

TEST(Domains, HostsLosePortsAndBrackets) {
  Domains domains = std::move(Domains::open()).value();
  model::Arena arena;
  EXPECT_EQ(domains.host("Example.com:8080", arena).name, "example.com");
  EXPECT_EQ(domains.host("sub.example.co.uk:80", arena).registrable, "example.co.uk");
  EXPECT_EQ(domains.host("[2001:DB8::1]:443", arena).name, "2001:db8::1");
  EXPECT_EQ(domains.host("2001:db8:0::1", arena).name, "2001:db8::1");
  EXPECT_EQ(domains.host("192.0.2.1:80", arena).name, "192.0.2.1");
  EXPECT_EQ(domains.host("192.0.2.1:80", arena).registrable, "");
  EXPECT_EQ(domains.host("", arena).name, "");
  EXPECT_EQ(domains.bad_names(), 0U);
  EXPECT_EQ(domains.host("[::1", arena).registrable, "");
  EXPECT_EQ(domains.host("a:b:c", arena).registrable, "");
  EXPECT_EQ(domains.bad_names(), 2U);
}

TEST(Domains, NonsenseIsKeptAndCounted) {
  Domains domains = std::move(Domains::open()).value();
  model::Arena arena;
  const std::string long_label(64, 'a'), long_name = [] {
    std::string s;
    for (int i = 0; i < 60; ++i) s += "label.";
    return s + "com";
  }();
  for (const std::string& name : {std::string("a..b.com"), std::string("A b.com"), long_label + ".com", long_name,
                                  std::string("\xff\xfe.com"), std::string(".")}) {
    const std::uint64_t before = domains.bad_names();
    EXPECT_EQ(domains.name(name, arena).registrable, "") << name;
    EXPECT_EQ(domains.bad_names(), before + (name == "." ? 0 : 1)) << name;
  }
  EXPECT_EQ(domains.name("A b.com", arena).name, "a b.com");
}

// The cache must not change an answer: names whose slots collide, many times over.
TEST(Domains, CacheChangesNothing) {
  Domains warm = std::move(Domains::open()).value();
  model::Arena arena;
  std::mt19937 random(7);
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) {
    std::string name;
    for (std::size_t n = 3 + random() % 12; n > 0; --n) name += static_cast<char>('a' + random() % 26);
    names.push_back(name + (i % 3 == 0 ? ".example.com" : i % 3 == 1 ? ".co.uk" : ".github.io"));
  }
  for (int round = 0; round < 2; ++round)
    for (const std::string& name : names) {
      const std::string_view found = warm.name(name, arena).registrable;
      const std::string expected = name.ends_with(".example.com") ? "example.com" : name;
      ASSERT_EQ(found, expected) << name;
    }
}

TEST(Domains, AFileThatIsNoListIsRefused) {
  const auto missing = Domains::open("/no/such/list");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Errc::kBadConfig);
}

// ---- order ----

std::vector<Event> in_order(std::size_t n, std::mt19937& random) {
  std::vector<Event> events;
  std::int64_t ms = kDay;
  for (std::size_t i = 0; i < n; ++i) {
    ms += random() % 8 == 0 ? static_cast<std::int64_t>(random() % 900) : 0;
    events.push_back(call(ms, i + 1, "1", static_cast<std::uint32_t>(random() % 3)));
  }
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::tuple(a.time.ms, a.source, a.record) < std::tuple(b.time.ms, b.source, b.record);
  });
  return events;
}

std::vector<Seen> through(const std::vector<Event>& events, std::chrono::milliseconds lateness, std::size_t batch_max,
                          unsigned seed) {
  std::mt19937 random(seed);
  Orderer orderer;
  const auto lane = orderer.add_lane(lateness);
  EventBatch out;
  for (std::size_t i = 0; i < events.size();) {
    EventBatch batch;
    const std::size_t n = std::min<std::size_t>(events.size() - i, 1 + random() % batch_max);
    batch.events.assign(events.begin() + static_cast<std::ptrdiff_t>(i),
                        events.begin() + static_cast<std::ptrdiff_t>(i + n));
    i += n;
    orderer.add(lane, std::move(batch), out);
  }
  orderer.flush(out);
  EXPECT_EQ(orderer.held(), 0U);
  EXPECT_EQ(orderer.held_batches(), 0U);
  return seen(out);
}

TEST(Orderer, ShuffledWithinTheLatenessComesOutSorted) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    const std::vector<Event> sorted = in_order(600, random);
    const std::int64_t lateness = static_cast<std::int64_t>(random() % 20'000);
    std::vector<std::pair<std::int64_t, Event>> arriving;
    for (const Event& e : sorted)
      arriving.emplace_back(e.time.ms + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(lateness + 1)),
                            e);
    std::stable_sort(arriving.begin(), arriving.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Event> shuffled;
    for (const auto& [when, e] : arriving) shuffled.push_back(e);
    EventBatch expected;
    expected.events = sorted;
    EXPECT_EQ(through(shuffled, std::chrono::milliseconds(lateness), 1 + random() % 100, seed), seen(expected));
  }
}

TEST(Orderer, BatchesDoNotChangeWhatLeavesEvenWithLateEventsAndJumps) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    std::vector<Event> events = in_order(400, random);
    for (int swaps = 0; swaps < 60; ++swaps)
      std::swap(events[random() % events.size()], events[random() % events.size()]);
    for (std::size_t i = 300; i < events.size(); ++i) events[i].time.ms += 40'000'000;  // a gap of half a day
    const auto whole = through(events, std::chrono::seconds(2), 100'000, 1);
    EXPECT_EQ(through(events, std::chrono::seconds(2), 1, 2), whole);
    EXPECT_EQ(through(events, std::chrono::seconds(2), 17, 3), whole);
    EXPECT_EQ(whole.size(), events.size());
  }
}

TEST(Orderer, WhatIsBehindTheLatenessLeavesAtOnceAndIsCounted) {
  Orderer orderer;
  const auto lane = orderer.add_lane(std::chrono::seconds(10));
  EventBatch batch, out;
  batch.events = {call(kDay + 100'000, 1), call(kDay + 90'000, 2), call(kDay + 89'999, 3)};
  orderer.add(lane, std::move(batch), out);
  ASSERT_EQ(out.events.size(), 1U);
  EXPECT_EQ(out.events[0].record, 3U);
  EXPECT_TRUE(out.events[0].late);
  EXPECT_EQ(orderer.late(), 1U);
  EXPECT_EQ(orderer.held(), 2U);
  orderer.flush(out);
  EXPECT_EQ(seen(out), (std::vector<Seen>{
                           {kDay + 89'999, 1, 3, true}, {kDay + 90'000, 1, 2, false}, {kDay + 100'000, 1, 1, false}}));
}

TEST(Orderer, ALaneThatLagsHoldsTheOthersUntilItIsIdle) {
  Orderer orderer;
  const auto fast = orderer.add_lane(std::chrono::seconds(1));
  const auto slow = orderer.add_lane(std::chrono::seconds(1));
  EventBatch a, b, out;
  a.events = {call(kDay + 50'000, 1), call(kDay + 60'000, 2)};
  orderer.add(fast, std::move(a), out);
  EXPECT_TRUE(out.events.empty());  // the slow one has not spoken
  b.events = {call(kDay + 20'000, 1, "1", 2), call(kDay + 40'000, 2, "1", 2)};
  orderer.add(slow, std::move(b), out);
  EXPECT_EQ(seen(out), (std::vector<Seen>{{kDay + 20'000, 2, 1, false}}));
  orderer.set_idle(slow, true, out);
  EXPECT_EQ(seen(out).back(), (Seen{kDay + 50'000, 1, 1, false}));
  EXPECT_EQ(orderer.held(), 1U);
  orderer.advance({kDay + 61'000}, out);
  EXPECT_EQ(orderer.held(), 0U);
  EXPECT_EQ(orderer.late(), 0U);
}

TEST(Orderer, KeepsTheArenasOfWhatLeaves) {
  Orderer orderer;
  const auto lane = orderer.add_lane(std::chrono::seconds(1));
  EventBatch batch, out;
  auto arena = std::make_shared<model::Arena>();
  Event event = call(kDay, 1);
  event.as<model::Call>().route = arena->copy("trunk-one");
  batch.events = {event};
  batch.arenas = {std::move(arena)};
  orderer.add(lane, std::move(batch), out);
  orderer.flush(out);
  ASSERT_EQ(out.arenas.size(), 1U);
  EXPECT_EQ(out.events[0].as<model::Call>().route, "trunk-one");
}

// ---- merge ----

class Given : public MergeInput {
 public:
  Given(std::vector<Event> events, std::size_t step) : events_(std::move(events)), step_(step) {}
  Result<bool> pull(EventBatch& out) override {
    for (std::size_t i = 0; i < step_ && at_ < events_.size(); ++i) out.events.push_back(events_[at_++]);
    return at_ < events_.size();
  }

 private:
  std::vector<Event> events_;
  std::size_t step_, at_ = 0;
};

TEST(Merge, ManyStreamsInOrderWhateverTheSteps) {
  std::mt19937 random(11);
  std::vector<std::vector<Event>> streams;
  std::vector<Event> all;
  for (std::uint32_t s = 0; s < 50; ++s) {
    std::vector<Event> events;
    std::int64_t ms = kDay + static_cast<std::int64_t>(s) * 3000;
    for (std::uint64_t i = 1; i <= 40; ++i)
      events.push_back(call(ms += static_cast<std::int64_t>(random() % 400), i, "1", s));
    all.insert(all.end(), events.begin(), events.end());
    streams.push_back(events);
  }
  std::sort(all.begin(), all.end(), [](const Event& a, const Event& b) {
    return std::tuple(a.time.ms, a.source, a.record) < std::tuple(b.time.ms, b.source, b.record);
  });
  EventBatch expected;
  expected.events = all;
  for (const std::size_t step : {1U, 7U, 1000U}) {
    std::size_t open_most = 0;
    std::vector<MergeStream> inputs;
    for (const auto& events : streams)
      inputs.push_back({events.front().time, [&events, step]() -> Result<std::unique_ptr<MergeInput>> {
                          return std::unique_ptr<MergeInput>(std::make_unique<Given>(events, step));
                        }});
    Merge merge(std::move(inputs));
    EventBatch out;
    for (bool more = true; more;) {
      more = merge.next(step, out).value();
      open_most = std::max(open_most, merge.open_now());
    }
    EXPECT_EQ(seen(out), seen(expected)) << step;
    EXPECT_LT(open_most, 10U);
  }
}

TEST(Merge, AnErrorOfOneStreamIsTheMerges) {
  std::vector<MergeStream> inputs;
  inputs.push_back(
      {{kDay}, []() -> Result<std::unique_ptr<MergeInput>> { return error(Errc::kNotFound, "a.csv", "is gone"); }});
  Merge merge(std::move(inputs));
  EventBatch out;
  const auto result = merge.next(10, out);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().where, "a.csv");
}

// ---- whole roads ----

TEST(Ingest, PositionsAndWatermark) {
  Ingest ingest(normaliser(), Positions(41, {kDay}));
  const auto lane = ingest.add_lane(std::chrono::seconds(1));
  EventBatch batch, out;
  batch.events = {call(kDay + 5000, 1), call(kDay + 9000, 2), call(kDay + 1000, 3)};
  std::vector<model::Reject> rejects;
  ingest.add(lane, std::move(batch), rejects, out);
  ingest.flush(out);
  ASSERT_EQ(out.events.size(), 3U);
  EXPECT_EQ(out.events[0].position, 42U);
  EXPECT_EQ(out.events[2].position, 44U);
  EXPECT_EQ(out.events[1].time.ms, kDay + 1000);  // late: 5000 had left
  EXPECT_TRUE(out.events[1].late);
  EXPECT_EQ(out.events[1].watermark.ms, kDay + 5000);
  EXPECT_EQ(out.events[2].watermark.ms, kDay + 9000);
  EXPECT_EQ(ingest.positions().last(), 44U);
}

TEST(OrderedInput, OrdersNormalisesAndHandsOverRejects) {
  Normaliser normal = normaliser();
  std::uint64_t late = 0, rejected = 0;
  int step = 0;
  OrderedInput input(
      [&](EventBatch& out, std::vector<model::Reject>& rejects) -> Result<bool> {
        ++step;
        if (step == 1) out.events = {call(kDay + 3000, 2, "7"), call(kDay + 1000, 1, "8"), call(0, 9)};
        if (step == 2) rejects.emplace_back();
        return step < 2;
      },
      normal, std::chrono::seconds(10), [&](std::vector<model::Reject>& rejects) { rejected += rejects.size(); }, late,
      true);
  EventBatch out;
  while (input.pull(out).value()) {
  }
  ASSERT_EQ(out.events.size(), 2U);
  EXPECT_EQ(out.events[0].record, 1U);
  EXPECT_EQ(out.events[0].as<model::Call>().caller, model::NumberKey::opaque("8"));  // the hint that numbers are ids
  EXPECT_EQ(rejected, 2U);
  EXPECT_EQ(late, 0U);
}

TEST(Duplicates, OffByDefaultAndExactWhenOn) {
  const auto run = [](std::chrono::milliseconds window) {
    NormaliserOptions options;
    options.duplicate_window = window;
    Normaliser normal = normaliser(options);
    EventBatch batch;
    batch.events = {
        call(kDay, 1),        call(kDay, 2),       call(kDay, 3, "8613800138001"), call(kDay, 4, "8613800138000", 2),
        call(kDay + 5000, 5), call(kDay + 5000, 6)};
    std::vector<model::Reject> rejects;
    normal.run(batch, rejects);
    return std::pair(batch.events.size(), normal.counts().duplicates);
  };
  EXPECT_EQ(run(std::chrono::milliseconds(0)), (std::pair<std::size_t, std::uint64_t>(6, 0)));
  EXPECT_EQ(run(std::chrono::seconds(1)), (std::pair<std::size_t, std::uint64_t>(4, 2)));
}

// ---- rejects ----

TEST(Rejects, DigitRunsAreMasked) {
  EXPECT_EQ(mask_digits("13800138000"), "138********");
  EXPECT_EQ(mask_digits("call 12345 and 1234"), "call 123** and 1234");
  EXPECT_EQ(mask_digits("138-0013-8000"), "138-****-****");
  EXPECT_EQ(mask_digits("+86 138 0013 8000"), "+86 1** **** ****");
  EXPECT_EQ(mask_digits("2024-04-19 00:00:01,13800138000"), "2024-04-19 00:00:01,138********");
  EXPECT_EQ(mask_digits("2024-04-1913800138000"), "202*-**-*************");
  EXPECT_EQ(mask_digits("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(mask_digits("１３８００１３８０００"), "138********");
  EXPECT_EQ(mask_digits(std::string_view("a\0b\xff\n", 5)), "a\\x00b\\xff\\x0a");
  EXPECT_EQ(mask_digits("中国", 4), "中");
}

TEST(Rejects, LinesAreJson) {
  model::Reject reject;
  reject.record = 7;
  reject.reason = model::RejectReason::kFieldCount;
  reject.detail = "field \"caller\"";
  reject.excerpt = "13800138000,\"x\\";
  EXPECT_EQ(
      reject_line(reject, "a.csv"),
      R"({"source":"a.csv","position":7,"reason":"field_count","detail":"field \"caller\"","excerpt":"138********,\"x\\"})");
}

}  // namespace
}  // namespace pandun::ingest
