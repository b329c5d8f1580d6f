#include "detect/testing/case_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "detect/engine.h"
#include "detect/rules/rule_set.h"
#include "detect/testing/case_ports.h"
#include "detect/testing/memory_files.h"
#include "platform/file_system.h"

namespace pandun::detect::testing {
namespace {

constexpr std::array<Weather, 6> kWeathers{{{"calm", 1, 0, false, 0},
                                            {"single", 1, 1, false, 0},
                                            {"restart", 1, 0, true, 0},
                                            {"shards2", 2, 7, false, 0},
                                            {"shards5", 5, 64, false, 0},
                                            {"shuffled", 1, 0, false, 2000}}};
constexpr std::size_t kRestarts = 40;

class Collector final : public SignalSink {
 public:
  void take(std::vector<model::Signal>&& signals, std::uint64_t) override {
    for (model::Signal& s : signals) all.push_back(std::move(s));
  }
  std::vector<model::Signal> all;
};

std::optional<EngineConfig> configure(const Case& c, std::string_view own, std::span<const DetectorPart> parts,
                                      std::string& failure) {
  EngineConfig config;
  for (const DetectorPart& part : parts) {
    std::vector<std::pair<std::string, double>> values;
    for (const Setting& s : c.settings)
      if (s.detector == part.spec().name || (s.detector.empty() && own == part.spec().name))
        values.emplace_back(s.option, s.value);
    Result<Options> options = Options::parse(part.spec(), values);
    if (!options.ok()) {
      failure = options.error().text();
      return std::nullopt;
    }
    config.detectors.push_back({part, std::move(options).value()});
  }
  for (const Setting& s : c.settings) {
    const std::string_view wanted = s.detector.empty() ? own : std::string_view(s.detector);
    if (std::none_of(parts.begin(), parts.end(), [&](const DetectorPart& p) { return p.spec().name == wanted; }))
      failure = fmt::format("config: no detector '{}' in this run", wanted);
  }
  if (!failure.empty()) return std::nullopt;
  return config;
}

// Out of order within the bound, as a late feed would be; positions and watermarks are those of the new order.
std::vector<model::Event> shuffled(std::vector<model::Event> events, std::int64_t within_ms) {
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t i = 0; i < events.size(); ++i)
    order.emplace_back(
        events[i].time.ms + static_cast<std::int64_t>(mix64(i + 1) % static_cast<std::uint64_t>(within_ms)), i);
  std::sort(order.begin(), order.end());
  std::vector<model::Event> out;
  EventMs watermark{INT64_MIN};
  for (const auto& [when, i] : order) {
    out.push_back(events[i]);
    watermark = std::max(watermark, out.back().time);
    out.back().watermark = watermark;
    out.back().position = out.size();
  }
  return out;
}

std::vector<FoundAlert> fold(const std::vector<model::Signal>& signals, std::span<const DetectorPart> parts,
                             const RuleSet* rules) {
  struct Open {
    std::size_t index;
    EventMs last;
  };
  std::map<std::tuple<std::string_view, model::EntityKind, std::string>, Open> open;
  std::vector<FoundAlert> alerts;
  for (const model::Signal& s : signals) {
    std::chrono::seconds gap{3600};
    for (const DetectorPart& p : parts)
      if (p.spec().name == s.detector) gap = p.spec().episode_gap;
    if (rules != nullptr)
      if (const Rule* rule = rules->find(s.detector); rule != nullptr) gap = rule->episode_gap;
    const auto key = std::make_tuple(s.detector, s.entity.kind, s.entity.value);
    const auto it = open.find(key);
    if (it == open.end() || s.first - it->second.last > gap) {
      alerts.push_back({std::string(s.detector), s.entity.kind, s.entity.value, s.severity, s.position, {}});
      open.insert_or_assign(key, Open{alerts.size() - 1, s.last});
    } else {
      it->second.last = std::max(it->second.last, s.last);
    }
    FoundAlert& alert = alerts[open.at(key).index];
    alert.severity = std::max<int>(alert.severity, s.severity);
    for (const model::Evidence& e : s.evidence)
      if (std::find(alert.evidence.begin(), alert.evidence.end(), e.feature) == alert.evidence.end())
        alert.evidence.push_back(e.feature);
  }
  std::stable_sort(alerts.begin(), alerts.end(), [](const FoundAlert& a, const FoundAlert& b) {
    return std::tie(a.first_position, a.detector, a.entity) < std::tie(b.first_position, b.detector, b.entity);
  });
  return alerts;
}

std::string alert_text(std::string_view detector, model::EntityKind kind, std::string_view entity, int low, int high,
                       const std::vector<std::string>& evidence) {
  return fmt::format("{} {} {} severity {}..{} evidence {}", detector, model::name(kind), entity, low, high,
                     fmt::join(evidence, ","));
}
std::string alert_text(const FoundAlert& a) {
  const int low = a.severity / 10 * 10;
  return alert_text(a.detector, a.kind, a.entity, low, std::min(low + 9, 100), a.evidence);
}

bool fits(const ExpectedAlert& e, const FoundAlert& a) {
  return e.detector == a.detector && e.kind == a.kind && e.entity == a.entity && a.severity >= e.severity_min &&
         a.severity <= e.severity_max && e.evidence == a.evidence;
}

// Feeds the events in the weather's batches; with restarts each piece is fed to a new engine that loads the last one's state.
std::string feed(const EngineConfig& config, std::vector<model::Event> events, const model::EventBatch& from,
                 const Weather& weather, Collector& sink) {
  MemoryFiles files;
  const std::size_t pieces = weather.restart ? std::max<std::size_t>(1, std::min(events.size(), kRestarts)) : 1;
  const std::size_t piece = std::max<std::size_t>(1, (events.size() + pieces - 1) / pieces);
  for (std::size_t at = 0; at < events.size(); at += piece) {
    Engine engine(config, sink);
    if (weather.restart && at != 0) {
      Result<LoadReport> loaded = engine.load(files, "state", nullptr);
      if (!loaded.ok()) return loaded.error().text();
      if (loaded->position != events[at - 1].position || !loaded->refused.empty() || !loaded->started_empty.empty())
        return fmt::format("the checkpoint at {} was not used: {} {}", events[at - 1].position,
                           fmt::join(loaded->refused, "; "), fmt::join(loaded->started_empty, "; "));
    }
    const std::size_t end = std::min(events.size(), at + piece);
    const std::size_t batch = weather.batch == 0 ? end - at : weather.batch;
    for (std::size_t b = at; b < end; b += batch) {
      auto slice = std::make_shared<model::EventBatch>();
      slice->arenas = from.arenas;
      slice->events.assign(events.begin() + static_cast<std::ptrdiff_t>(b),
                           events.begin() + static_cast<std::ptrdiff_t>(std::min(end, b + batch)));
      engine.process(std::shared_ptr<const model::EventBatch>(std::move(slice)));
    }
    if (weather.restart)
      if (const Result<SaveReport> saved = engine.save(files, "state", nullptr); !saved.ok())
        return saved.error().text();
    engine.finish();
  }
  return {};
}

}  // namespace

std::span<const Weather> weathers() {
  return kWeathers;
}

Outcome run(const Case& c, std::string_view own, std::span<const DetectorPart> parts, const Weather& weather,
            std::shared_ptr<const RuleSet> rules) {
  Outcome outcome;
  std::optional<EngineConfig> config = configure(c, own, parts, outcome.failure);
  if (!config) return outcome;
  const CasePorts ports(c);
  config->shards = weather.shards;
  config->rules = rules;
  config->ports = ports.ports();
  std::vector<model::Event> events = c.events.events;
  if (weather.shuffle_ms > 0) events = shuffled(std::move(events), weather.shuffle_ms);
  Collector sink;
  outcome.failure = feed(*config, std::move(events), c.events, weather, sink);
  outcome.signals = std::move(sink.all);
  outcome.alerts = fold(outcome.signals, parts, rules.get());
  return outcome;
}

std::string difference(const Case& c, const Outcome& outcome) {
  if (!outcome.failure.empty()) return outcome.failure;
  std::string out;
  std::vector<bool> used(outcome.alerts.size());
  for (const ExpectedAlert& e : c.expected) {
    bool found = false;
    for (std::size_t i = 0; i < outcome.alerts.size() && !found; ++i)
      if (!used[i] && fits(e, outcome.alerts[i])) found = used[i] = true;
    if (!found)
      out +=
          "  missing: " + alert_text(e.detector, e.kind, e.entity, e.severity_min, e.severity_max, e.evidence) + "\n";
  }
  for (std::size_t i = 0; i < outcome.alerts.size(); ++i)
    if (!used[i])
      out += fmt::format("  found:   {} (severity {}, from event {})\n", alert_text(outcome.alerts[i]),
                         outcome.alerts[i].severity, outcome.alerts[i].first_position);
  return out;
}

std::string expected_text(const Outcome& outcome) {
  if (outcome.alerts.empty()) return "none\n";
  std::string out;
  for (const FoundAlert& a : outcome.alerts) out += alert_text(a) + "\n";
  return out;
}

std::string signal_text(const model::Signal& s) {
  std::string out = fmt::format("{} {} {} {} {}..{} sev {} conf {} topic {} '{}' '{}'", s.position, s.detector,
                                model::name(s.entity.kind), s.entity.value, s.first.ms, s.last.ms, s.severity,
                                s.confidence, s.topic, s.title.zh, s.title.en);
  for (const model::Evidence& e : s.evidence)
    out += fmt::format(" {}={}/{} {}", e.feature, e.value, e.threshold, e.unit);
  for (const model::Entity& p : s.peers) out += fmt::format(" peer {} {}", model::name(p.kind), p.value);
  for (const model::EvidencePoint& p : s.series) out += fmt::format(" {}:{}", p.time.ms, p.value);
  for (const model::SourceRef& r : s.records) out += fmt::format(" rec {}:{}", r.source, r.record);
  return out + " " + s.series_feature;
}

std::string Report::text() const {
  std::string out = fmt::format("{} cases, {} runs\n", cases, runs);
  for (const std::string& f : faults) out += f + "\n";
  return out;
}

namespace {

std::string first_difference(const Outcome& calm, const Outcome& other) {
  for (std::size_t i = 0; i < std::max(calm.signals.size(), other.signals.size()); ++i) {
    const std::string a = i < calm.signals.size() ? signal_text(calm.signals[i]) : "(no more signals)";
    const std::string b = i < other.signals.size() ? signal_text(other.signals[i]) : "(no more signals)";
    if (a != b) return fmt::format("  signal {} differs\n    calm: {}\n    here: {}\n", i + 1, a, b);
  }
  return {};
}

void run_case(const Case& c, std::string_view own, std::span<const DetectorPart> parts,
              const std::shared_ptr<const RuleSet>& rules, Report& report) {
  Outcome calm;
  for (const Weather& weather : kWeathers) {
    const auto left_out =
        std::find_if(c.without.begin(), c.without.end(), [&](const auto& w) { return w.first == weather.name; });
    if (left_out != c.without.end()) continue;
    Outcome outcome = run(c, own, parts, weather, rules);
    ++report.runs;
    std::string fault = difference(c, outcome);
    if (fault.empty() && weather.name != "calm" && weather.shuffle_ms == 0) fault = first_difference(calm, outcome);
    if (!fault.empty()) report.faults.push_back(fmt::format("{} in weather '{}':\n{}", c.name, weather.name, fault));
    if (weather.name == "calm") {
      if (!fault.empty()) return;  // the other weathers would only repeat it
      calm = std::move(outcome);
    }
  }
}

Result<std::vector<std::string>> case_files(const std::string& directory) {
  TRY_ASSIGN(const std::vector<std::string> names, platform::posix_files().list(directory));
  std::vector<std::string> out;
  for (const std::string& name : names)
    if (name.ends_with(".case")) out.push_back(platform::join(directory, name));
  return out;
}

Result<Case> read_case(const std::string& path) {
  TRY_ASSIGN(const std::string text, platform::read_file(platform::posix_files(), path, 1 << 24));
  return parse_case(text, path);
}

}  // namespace

Report run_cases(const std::string& directory, std::string_view own, std::span<const DetectorPart> parts,
                 std::shared_ptr<const RuleSet> rules) {
  Report report;
  const Result<std::vector<std::string>> files = case_files(directory);
  if (!files.ok()) {
    report.faults.push_back(files.error().text());
    return report;
  }
  for (const std::string& path : files.value()) {
    const Result<Case> c = read_case(path);
    ++report.cases;
    if (c.ok()) {
      run_case(c.value(), own, parts, rules, report);
    } else {
      report.faults.push_back(c.error().message);
    }
  }
  return report;
}

Result<std::size_t> update_cases(const std::string& directory, std::string_view own,
                                 std::span<const DetectorPart> parts, std::shared_ptr<const RuleSet> rules) {
  TRY_ASSIGN(const std::vector<std::string> files, case_files(directory));
  std::size_t changed = 0;
  for (const std::string& path : files) {
    TRY_ASSIGN(const Case c, read_case(path));
    const Outcome calm = run(c, own, parts, kWeathers[0], rules);
    if (!calm.failure.empty()) return error(Errc::kBadInput, path, calm.failure);
    if (difference(c, calm).empty()) continue;
    TRY(platform::replace_file(platform::posix_files(), path, c.text_before_expected + expected_text(calm)));
    ++changed;
  }
  return changed;
}

}  // namespace pandun::detect::testing
