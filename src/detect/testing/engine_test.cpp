#include "detect/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "detect/rules/rule_set.h"
#include "detect/testing/case_runner.h"
#include "detect/testing/memory_files.h"
#include "detect/testing/random_events.h"
#include "detect/testing/toy_detector.h"
#include "platform/seal.h"

namespace pandun::detect::testing {
namespace {

class Collector final : public SignalSink {
 public:
  void take(std::vector<model::Signal>&& signals, std::uint64_t done_position) override {
    EXPECT_GE(done_position, done);
    for (model::Signal& s : signals) {
      EXPECT_GT(s.position, done) << "a signal came after its position was declared done";
      EXPECT_LE(s.position, done_position);
      lines.push_back(signal_text(s));
    }
    done = done_position;
  }
  void take_shadow(std::vector<model::Signal>&& signals) override { shadow += signals.size(); }
  std::vector<std::string> lines;
  std::uint64_t done = 0, shadow = 0;
};

std::string rule_text(std::string_view name, std::string_view entity, std::string_view when, std::string_view state) {
  return fmt::format(
      "[[rule]]\nid = \"{}\"\nentity = \"{}\"\nwhen = \"{}\"\nseverity = 40\nconfidence = 0.5\ntopic = \"t\"\ntitle "
      "= {{ zh = \"题\", en = \"t\" }}\n"
      "message = {{ zh = \"话\", en = \"m\" }}\nground = \"g\"\ncooldown = \"1m\"\nstate = \"{}\"\n",
      name, entity, when, state);
}

// About what is kept only for who asks, and about dialling at pace.
std::string place_rules() {
  return rule_text("r_device", "device",
                   "device_calls_out_1h >= 10 and device_switches_1h > 2 and device_distinct_numbers_24h >= 3 and "
                   "device_out_share_24h > 0.3 and device_new_numbers_24h >= 1",
                   "live") +
         rule_text("r_cell", "cell",
                   "cell_calls_1h >= 20 and cell_new_number_share_24h > 0.1 and cell_distinct_devices_1h >= 2",
                   "live") +
         rule_text("r_dial", "number",
                   "dial_calls_1h >= 9 and dial_new_callee_share_1h > 0.1 and dial_ring_s_mean_1h > 1 and "
                   "dial_first_contact_share_24h < 1",
                   "live");
}

std::shared_ptr<const RuleSet> rules(int threshold, std::string_view state = "live", std::string_view id = "r_calls",
                                     const std::string& more = {}) {
  const RuleSource source{
      "r.toml", rule_text(id, "number", fmt::format("distinct_callees_1h + messages_out_1h >= {}", threshold), state) +
                    rule_text("r_hosts", "ip", "distinct_dst_ports_5m >= 12 and failed_ratio_1h > 0.2", "live") + more};
  RuleCompilation c = RuleSet::compile({&source, 1});
  EXPECT_TRUE(c.faults.empty()) << (c.faults.empty() ? "" : c.faults[0].text());
  return c.rules;
}

EngineConfig config(std::uint32_t shards, std::shared_ptr<const RuleSet> set = rules(12)) {
  EngineConfig out;
  out.shards = shards;
  out.rules = std::move(set);
  out.detectors.push_back({toy_part(), Options::defaults(toy_spec())});
  out.evict_every = std::chrono::seconds(shards);  // when memory is given back must not show
  out.chunk_events = 100;
  out.chunks_in_flight = 3;
  return out;
}

std::shared_ptr<const model::EventBatch> slice(const model::EventBatch& from, std::size_t begin, std::size_t end) {
  auto out = std::make_shared<model::EventBatch>();
  out->arenas = from.arenas;
  out->events.assign(from.events.begin() + static_cast<std::ptrdiff_t>(begin),
                     from.events.begin() + static_cast<std::ptrdiff_t>(end));
  return out;
}

std::vector<std::string> signals_of(const model::EventBatch& events, EngineConfig c, std::size_t batch) {
  Collector sink;
  Engine engine(std::move(c), sink);
  for (std::size_t at = 0; at < events.events.size(); at += batch)
    engine.process(slice(events, at, std::min(events.events.size(), at + batch)));
  engine.finish();
  EXPECT_EQ(sink.done, events.events.size());
  return sink.lines;
}

TEST(Engine, SignalsDoNotDependOnShardsOrBatches) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const model::EventBatch events = random_events({.seed = seed, .events = 3000, .gap_ms = seed == 2 ? 60'000 : 400});
    const std::vector<std::string> one = signals_of(events, config(1), events.events.size());
    EXPECT_GT(one.size(), 50U);
    for (const auto& [shards, batch] :
         {std::pair{1U, 1U}, {1U, 33U}, {2U, 1U}, {2U, 5000U}, {5U, 33U}, {5U, 800U}, {8U, 333U}})
      ASSERT_EQ(signals_of(events, config(shards), batch), one) << shards << " shards, batches of " << batch;
  }
}

TEST(Engine, ARestartAnywhereEvenWithOtherShardsChangesNothing) {
  const model::EventBatch events = random_events({.seed = 9, .events = 3000, .gap_ms = 5000});
  const std::vector<std::string> one = signals_of(events, config(1), events.events.size());
  const platform::SealKey key({1, 2, 3});
  for (const auto& [before, after] : {std::pair{1U, 1U}, {1U, 3U}, {4U, 4U}, {3U, 1U}, {2U, 5U}}) {
    for (const std::size_t cut : {std::size_t{1}, std::size_t{977}, std::size_t{2999}}) {
      MemoryFiles files;
      Collector sink;
      {
        Engine engine(config(before), sink);
        engine.process(slice(events, 0, cut));
        const Result<SaveReport> saved = engine.save(files, "state", &key);
        ASSERT_TRUE(saved.ok()) << saved.error().text();
        EXPECT_EQ(saved->position, cut);
      }
      Engine engine(config(after), sink);
      const Result<LoadReport> loaded = engine.load(files, "state", &key);
      ASSERT_TRUE(loaded.ok()) << loaded.error().text();
      ASSERT_EQ(loaded->position, cut) << fmt::format("{}", fmt::join(loaded->refused, "; "));
      EXPECT_FALSE(loaded->rules_changed);
      engine.process(slice(events, cut, events.events.size()));
      engine.finish();
      ASSERT_EQ(sink.lines, one) << before << " then " << after << " shards, cut at " << cut;
    }
  }
}

TEST(Engine, DeviceCellAndDiallingRulesAreTheSameInEveryWeather) {
  const model::EventBatch events = random_events({.seed = 6, .events = 4000, .gap_ms = 1500, .calls_share = 0.9});
  const auto set = rules(1000, "live", "r_calls", place_rules());
  const std::vector<std::string> one = signals_of(events, config(1, set), events.events.size());
  for (const char* id : {" r_device ", " r_cell ", " r_dial "})
    EXPECT_TRUE(std::any_of(one.begin(), one.end(), [id](const std::string& l) {
      return l.find(id) != std::string::npos;
    })) << id;
  ASSERT_EQ(signals_of(events, config(3, set), 77), one);
  ASSERT_EQ(signals_of(events, config(8, set), 1), one);
  for (const std::size_t cut : {std::size_t{200}, std::size_t{2500}}) {
    MemoryFiles files;
    Collector sink;
    {
      Engine engine(config(2, set), sink);
      engine.process(slice(events, 0, cut));
      ASSERT_TRUE(engine.save(files, "state", nullptr).ok());
    }
    Engine engine(config(3, set), sink);
    const Result<LoadReport> loaded = engine.load(files, "state", nullptr);
    ASSERT_TRUE(loaded.ok()) << loaded.error().text();
    ASSERT_EQ(loaded->position, cut) << fmt::format("{}", fmt::join(loaded->refused, "; "));
    EXPECT_TRUE(loaded->started_empty.empty());
    engine.process(slice(events, cut, events.events.size()));
    engine.finish();
    ASSERT_EQ(sink.lines, one) << "cut at " << cut;
  }
}

TEST(Engine, DevicesAndCellsAreKeptOnlyWhileSomebodyAsks) {
  const model::EventBatch events = random_events({.seed = 7, .events = 3000, .calls_share = 1});
  Collector sink;
  Engine engine(config(2, rules(1000)), sink);
  const auto kept = [&](std::size_t begin, std::size_t end) {
    engine.process(slice(events, begin, end));
    std::map<std::string, std::uint64_t> keys;
    for (const PartStats& part : engine.stats().parts) keys[part.name] = part.state.keys;
    return std::pair{keys["devices"], keys["cells"]};
  };
  EXPECT_EQ(kept(0, 1000), (std::pair{std::uint64_t{0}, std::uint64_t{0}}));
  engine.set_rules(rules(1000, "live", "r_calls", place_rules()));
  EXPECT_EQ(kept(1000, 2000), (std::pair{std::uint64_t{5}, std::uint64_t{8}}));
  engine.set_rules(rules(1000));
  EXPECT_EQ(kept(2000, 3000), (std::pair{std::uint64_t{0}, std::uint64_t{0}}));
}

TEST(Engine, NewRulesHoldFromTheirPositionWhateverTheBatches) {
  const model::EventBatch events = random_events({.seed = 4, .events = 3000});
  const auto run = [&](std::uint32_t shards, std::size_t batch, std::size_t ask_at) {
    Collector sink;
    Engine engine(config(shards, rules(1000)), sink);
    for (std::size_t at = 0; at < events.events.size(); at += batch) {
      if (at <= ask_at && ask_at < at + batch) engine.set_rules(rules(12), 1500);
      engine.process(slice(events, at, std::min(events.events.size(), at + batch)));
    }
    engine.finish();
    return sink.lines;
  };
  const std::vector<std::string> one = run(1, 3000, 0);
  std::size_t of_rule = 0;
  for (const std::string& line : one) {
    if (line.find(" r_calls ") == std::string::npos) continue;
    ++of_rule;
    EXPECT_GE(std::stoull(line), 1500U);
  }
  EXPECT_GT(of_rule, 10U);
  EXPECT_EQ(run(1, 7, 0), one);
  EXPECT_EQ(run(3, 64, 1400), one);
  EXPECT_EQ(run(4, 500, 0), one);
}

TEST(Engine, ShadowRulesAreCountedButNeverSignalled) {
  const model::EventBatch events = random_events({.seed = 5, .events = 3000});
  Collector live, shadow;
  Engine a(config(1, rules(12)), live), b(config(3, rules(12, "shadow")), shadow);
  a.process(events);
  b.process(events);
  a.finish();
  const EngineStats stats = b.stats();
  b.finish();
  const auto of_rule = [](const Collector& c) {
    return std::count_if(c.lines.begin(), c.lines.end(),
                         [](const std::string& l) { return l.find(" r_calls ") != std::string::npos; });
  };
  EXPECT_GT(of_rule(live), 10);
  EXPECT_EQ(of_rule(shadow), 0);
  EXPECT_EQ(shadow.shadow, static_cast<std::uint64_t>(of_rule(live)));
  EXPECT_EQ(stats.parts[2].shadow_signals, shadow.shadow);
}

TEST(Engine, ARuleSpeaksOncePerCooldownEvenAcrossAReload) {
  const model::EventBatch events =
      random_events({.seed = 6, .events = 4000, .numbers = 20, .gap_ms = 1000, .late_ms = 0, .calls_share = 1});
  Collector sink;
  Engine engine(config(1), sink);
  engine.process(*slice(events, 0, 2000));
  engine.set_rules(rules(12));
  engine.process(*slice(events, 2000, 4000));
  std::map<std::string, std::int64_t> last;
  std::size_t spoken = 0;
  for (const std::string& line : sink.lines) {
    if (line.find(" r_calls ") == std::string::npos) continue;
    const std::size_t number = line.find("number ") + 7;
    const std::string entity = line.substr(number, line.find(' ', number) - number);
    const std::int64_t time = std::stoll(line.substr(line.find(' ', number) + 1));
    if (last.contains(entity)) {
      EXPECT_GE(time - last[entity], 60'000) << line;
    }
    last[entity] = time;
    ++spoken;
  }
  EXPECT_GT(spoken, 20U);
}

TEST(Engine, CountsWhatItDoes) {
  const model::EventBatch events = random_events({.seed = 7, .events = 2000});
  Collector sink;
  Engine engine(config(2), sink);
  engine.process(events);
  const EngineStats stats = engine.stats();
  EXPECT_EQ(stats.events, 2000U);
  EXPECT_EQ(stats.position, 2000U);
  EXPECT_EQ(stats.signals, sink.lines.size());
  ASSERT_EQ(stats.parts.size(), 7U);
  EXPECT_EQ(stats.parts[6].name, "toy");
  EXPECT_GT(stats.parts[6].state.keys, 50U);
  EXPECT_EQ(stats.parts[0].state.keys,
            stats.quiet_numbers + stats.listed_numbers + stats.packed_numbers + stats.busy_numbers);
  EXPECT_GT(stats.parts[0].state.bytes, 10000U);
  EXPECT_EQ(stats.parts[2].signals + stats.parts[6].signals, stats.signals);
}

TEST(Options, AreCheckedAgainstTheirSpec) {
  const std::vector<std::pair<std::string, double>> bad{{"calls_mni", 3}, {"calls_min", 5000}};
  const Result<Options> faults = Options::parse(toy_spec(), bad);
  ASSERT_FALSE(faults.ok());
  EXPECT_EQ(faults.error().code, Errc::kBadConfig);
  EXPECT_EQ(faults.error().message,
            "no option is called 'calls_mni'; did you mean 'calls_min'?; calls_min = 5000 is outside 1 … 1000 calls");
  const std::vector<std::pair<std::string, double>> good{{"calls_min", 7}};
  EXPECT_EQ(Options::parse(toy_spec(), good).value()["calls_min"], 7);
}

}  // namespace
}  // namespace pandun::detect::testing
