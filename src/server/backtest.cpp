#include "server/backtest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "casework/identities.h"
#include "detect/engine.h"
#include "detectors/catalog.h"
#include "eventlog/local/history.h"
#include "guard/number_tokens.h"
#include "learn/digest.h"
#include "server/backtest_pass.h"
#include "server/backtest_tally.h"
#include "server/data_layout.h"
#include "server/detection.h"
#include "server/indicator_desk.h"
#include "server/number_models.h"
#include "server/people_warnings.h"
#include "server/rule_book.h"
#include "server/version.h"

namespace pandun::server {
namespace {

constexpr std::int64_t kSlackMs = 15LL * 60'000;  // of watermark behind `to`: records that came late
constexpr std::uint64_t kLookEvery = 50'000;      // events between two looks at the bounds
constexpr std::string_view kCandidate = "backtest_candidate_";
constexpr std::string_view kRecordBegan = "record_began_s";

// Counts what rules and detectors say from `from` to `to`, each by its name.
class TallySink final : public detect::SignalSink {
 public:
  TallySink(const GroupBook& groups, EventMs from, EventMs to) : groups_(groups), from_(from), to_(to) {}
  void take(std::vector<model::Signal>&& signals, std::uint64_t) override {
    for (const model::Signal& signal : signals) add(signal);
  }
  void take_shadow(std::vector<model::Signal>&& signals) override {
    for (const model::Signal& signal : signals) add(signal);
  }
  const Tally& of(const std::string& name) { return tallies_.try_emplace(name, groups_).first->second; }
  std::uint64_t most_people() const {
    std::uint64_t most = 0;
    for (const auto& [name, tally] : tallies_) most = std::max<std::uint64_t>(most, tally.people().size());
    return most;
  }

 private:
  void add(const model::Signal& signal) {
    if (signal.last < from_ || signal.last >= to_) return;
    auto it = tallies_.find(signal.detector);
    if (it == tallies_.end()) it = tallies_.try_emplace(std::string(signal.detector), groups_).first;
    it->second.add(signal);
  }
  const GroupBook& groups_;
  EventMs from_, to_;
  std::map<std::string, Tally, std::less<>> tallies_;
};

// Rules that never hold, one for each kind of entity that the real ones ask about: the engine keeps features of devices and cells
// only while a rule wants them, and the warm-up is there to fill them.
Result<std::shared_ptr<const detect::RuleSet>> warming_rules(const detect::RuleSet& rules) {
  std::set<std::string_view> kinds;
  for (const detect::Rule& rule : rules.rules()) kinds.insert(model::name(rule.entity));
  std::string text;
  for (const std::string_view kind : kinds)
    text += fmt::format(
        "[[rule]]\nid = \"warming_{0}\"\nentity = \"{0}\"\nwhen = \"false\"\nseverity = 1\nconfidence = 0\n"
        "topic = \"none\"\ntitle = {{ zh = \"-\", en = \"-\" }}\nmessage = {{ zh = \"-\", en = \"-\" }}\n"
        "ground = \"none\"\n",
        kind);
  return compile_rules({{"warm-up", text}}, "warm-up");
}

// One engine and what it says. Rules are asked from the start of the range on.
struct Lane {
  Lane(const GroupBook& groups, EventMs from, EventMs to) : sink(groups, from, to) {}
  TallySink sink;
  std::shared_ptr<const detect::RuleSet> rules;  // not yet given to the engine
  std::shared_ptr<const detect::RuleSet> warming;
  std::unique_ptr<detect::Engine> engine;
};

class Backtest {
 public:
  Backtest(const BacktestRoom& room, const BacktestPlan& plan, const BacktestLimits& limits, const OnBacktest& progress,
           std::stop_token stop)
      : room_(room),
        plan_(plan),
        limits_(limits),
        progress_(progress),
        stop_(std::move(stop)),
        numbers_(room.content.plan, room.content.groups,
                 static_cast<std::uint16_t>(room.settings.integer("ingest.home_country"))),
        cells_(room.content.cells),
        services_(room.content.services),
        groups_(room.content.groups, numbers_) {}

  Result<BacktestReport> run() {
    const auto started = room_.clock.steady();
    TRY_ASSIGN(history_, eventlog::LogHistory::open(room_.files, room_.clock, room_.key.derive("eventlog"),
                                                    log_directory(room_.data)));
    TRY(choose_range());
    TRY(prepare());
    TRY(read());
    TRY(tell());
    report_.elapsed_s = std::chrono::duration<double>(room_.clock.steady() - started).count();
    report_.lost_events = history_->lost_events();
    report_.finished_at = room_.clock.wall();
    report_.content_digest = room_.content.digest;
    report_.version = kVersion;
    report_.id = "B-" + learn::digest_hex(asked_).substr(0, 16);
    return std::move(report_);
  }

 private:
  Result<> choose_range();
  Result<> prepare();
  Result<> prepare_rules(Lane& lane);
  Result<> prepare_detector(detect::EngineConfig& candidate, detect::EngineConfig& present);
  Result<> prepare_model(detect::EngineConfig& candidate, detect::EngineConfig& present);
  Result<> read();
  Result<> look(std::uint64_t position);
  Result<> tell();
  BacktestSubject subject(const Tally& tally, const Tally* present) const;
  void tell_rules();
  std::int64_t record_began_s() const;
  detect::EngineConfig engine_config() const;

  const BacktestRoom& room_;
  const BacktestPlan& plan_;
  const BacktestLimits& limits_;
  const OnBacktest& progress_;
  std::stop_token stop_;
  RegistryNumbers numbers_;
  RegistryCells cells_;
  WarningServices services_;
  GroupBook groups_;
  std::unique_ptr<IndicatorDesk> indicators_;
  std::unique_ptr<ShelfModels> models_, candidate_model_;
  std::vector<RuleText> in_force_;
  std::shared_ptr<const detect::RuleSet> present_rules_;
  std::unique_ptr<eventlog::LogHistory> history_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // the candidate's, then that of what is in force (detectors and models)
  BacktestReport report_;
  std::string asked_;      // everything that the result depends on
  std::string candidate_;  // of it, the detector with its options, or the model
  std::uint64_t start_ = 1;
};

Result<> Backtest::choose_range() {
  report_.first_position = history_->first_position();
  report_.last_position = history_->last_position();
  if (report_.last_position < report_.first_position)
    return error(Errc::kNotFound, log_directory(room_.data), "holds no event yet");
  TRY_ASSIGN(const auto reader, history_->read_from(report_.first_position));
  eventlog::Record record;
  TRY_ASSIGN(const bool any, reader->next(record, std::chrono::milliseconds(0)));
  if (!any || record.batch.events.empty()) return error(Errc::kNotFound, log_directory(room_.data), "holds no event");
  const EventMs oldest = record.batch.events.front().time, newest = history_->watermark();
  report_.to = plan_.to.value_or(EventMs{newest.ms + 1});
  const std::int64_t warm = std::chrono::duration_cast<std::chrono::milliseconds>(plan_.warm_up).count();
  report_.from = plan_.from.value_or(EventMs{
      std::max(std::min(oldest.ms + warm, newest.ms - kDayMs), std::max(oldest.ms, report_.to.ms - 7 * kDayMs))});
  if (report_.from.ms < oldest.ms) report_.from = oldest;
  if (report_.from >= report_.to || report_.from > newest)
    return error(Errc::kUsage, "range",
                 fmt::format("the log holds events from {} to {}: choose a beginning and an end inside",
                             rfc3339(oldest), rfc3339(newest)));
  report_.to = std::min(report_.to, EventMs{newest.ms + 1});
  report_.warm_from = std::max(oldest, EventMs{report_.from.ms - warm});
  report_.short_warm_up = report_.from.ms - report_.warm_from.ms < warm;
  start_ = history_->position_before(report_.warm_from);
  return {};
}

detect::EngineConfig Backtest::engine_config() const {
  detect::EngineConfig config;
  config.ports = {indicators_ ? &indicators_->port() : nullptr, &services_, &numbers_, models_.get(), &cells_};
  return config;
}

Result<> Backtest::prepare() {
  TRY_ASSIGN(in_force_, rules_in_force(room_.files, room_.content.directory, room_.data));
  std::string present;
  for (const RuleText& rule : in_force_) present += rule.digest + (rule.live ? " live\n" : " shadow\n");
  asked_ = fmt::format("{} {} {} {} {}\n{}\n", report_.from.ms, report_.to.ms, report_.first_position,
                       report_.last_position, room_.content.digest, present);
  if (room_.files.info(intel_directory(room_.data)).ok()) {
    indicators_ =
        std::make_unique<IndicatorDesk>(room_.files, room_.clock, room_.content.services, intel_directory(room_.data));
    TRY(indicators_->load());
  }
  const std::string shelf = room_.settings.text("models.directory");
  TRY_ASSIGN(models_, ShelfModels::open(room_.files, room_.clock, shelf.empty() ? models_directory(room_.data) : shelf,
                                        room_.settings.text("models.threshold")));
  lanes_.push_back(std::make_unique<Lane>(groups_, report_.from, report_.to));
  if (!plan_.rules.empty()) {
    TRY(prepare_rules(*lanes_.front()));
    detect::EngineConfig config = engine_config();
    config.rules = lanes_.front()->warming;
    lanes_.front()->engine = std::make_unique<detect::Engine>(std::move(config), lanes_.front()->sink);
    return {};
  }
  lanes_.push_back(std::make_unique<Lane>(groups_, report_.from, report_.to));
  detect::EngineConfig candidate = engine_config(), present_config = engine_config();
  TRY(plan_.detector.empty() ? prepare_model(candidate, present_config) : prepare_detector(candidate, present_config));
  lanes_[0]->engine = std::make_unique<detect::Engine>(std::move(candidate), lanes_[0]->sink);
  lanes_[1]->engine = std::make_unique<detect::Engine>(std::move(present_config), lanes_[1]->sink);
  return {};
}

// The candidates under names of their own, beside all that is in force.
Result<> Backtest::prepare_rules(Lane& lane) {
  std::vector<detect::RuleSource> sources;
  for (const RuleText& rule : in_force_)
    if (rule.enabled) sources.push_back({rule.file, rule.as_file(rule.live ? "live" : "shadow")});
  TRY_ASSIGN(present_rules_, compile_rules(sources, "rules in force"));
  std::size_t n = 0;
  for (const RuleText& rule : plan_.rules) {
    asked_ += rule.digest + "\n";
    sources.push_back({rule.file, rule.as_file("live", fmt::format("{}{}", kCandidate, n++))});
  }
  TRY_ASSIGN(lane.rules, compile_rules(sources, "back-test"));
  TRY_ASSIGN(lane.warming, warming_rules(*lane.rules));
  return {};
}

Result<> Backtest::prepare_detector(detect::EngineConfig& candidate, detect::EngineConfig& present) {
  const detect::DetectorPart* part = nullptr;
  std::string names;
  for (const detect::DetectorPart& each : detectors::catalog()) {
    if (each.spec().name == plan_.detector) part = &each;
    names += (names.empty() ? "" : ", ") + std::string(each.spec().name);
  }
  if (part == nullptr)
    return error(Errc::kUsage, "--detector",
                 fmt::format("there is no detector {}; there are {}", plan_.detector, names));
  auto values = room_.settings.detector_options(plan_.detector);
  const auto set = [](auto& into, const std::string& name, double value) {
    for (auto& [known, old] : into)
      if (std::string_view(known) == name) {
        old = value;
        return;
      }
    into.emplace_back(name, value);
  };
  bool asks_beginning = false;
  for (const detect::OptionSpec& option : part->spec().options)
    asks_beginning = asks_beginning || option.name == kRecordBegan;
  if (asks_beginning &&
      std::none_of(values.begin(), values.end(), [](const auto& v) { return v.first == kRecordBegan; }))
    set(values, std::string(kRecordBegan), static_cast<double>(record_began_s()));
  candidate_ = plan_.detector + "\n";
  TRY_ASSIGN(auto now, detect::Options::parse(part->spec(), values));
  for (const auto& [name, value] : plan_.options) {
    set(values, name, value);
    candidate_ += fmt::format("{}={}\n", name, value);
  }
  asked_ += candidate_;
  TRY_ASSIGN(auto then, detect::Options::parse(part->spec(), values));
  candidate.detectors.push_back({*part, std::move(then)});
  present.detectors.push_back({*part, std::move(now)});
  return {};
}

// When the record began, as the live platform wrote it down; long ago where nobody knows.
std::int64_t Backtest::record_began_s() const {
  std::int64_t out = 0;
  if (room_.store == nullptr) return out;
  (void)room_.store->read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto kept, view.values().find("record.began_s"));
    if (kept) std::from_chars(kept->data(), kept->data() + kept->size(), out);
    return {};
  });
  return out;
}

Result<> Backtest::prepare_model(detect::EngineConfig& candidate, detect::EngineConfig& present) {
  TRY_ASSIGN(const std::string content, platform::read_file(room_.files, plan_.model_file, 256U << 20));
  TRY_ASSIGN(candidate_model_,
             ShelfModels::of_file(content, plan_.model_file, room_.settings.text("models.threshold")));
  candidate_ = learn::digest_hex(content) + "\n";
  asked_ += candidate_;
  candidate.ports.models = candidate_model_.get();
  for (const detect::DetectorPart& each : detectors::catalog())
    if (each.spec().name == "model_score") {
      TRY_ASSIGN(auto options, detect::Options::parse(each.spec(), room_.settings.detector_options("model_score")));
      candidate.detectors.push_back({each, options});
      present.detectors.push_back({each, std::move(options)});
    }
  return {};
}

Result<> Backtest::look(std::uint64_t position) {
  if (stop_.stop_requested()) return error(Errc::kUnavailable, "back-test", "was cancelled; nothing was kept");
  std::uint64_t bytes = 0, people = 0;
  for (const auto& lane : lanes_) {
    bytes += lane->engine->stats().state_bytes;
    people = std::max(people, lane->sink.most_people());
  }
  if (bytes > limits_.memory_bytes)
    return error(Errc::kTooLarge, "back-test",
                 fmt::format("its state passed {} MiB (backtest.memory_mb) at position {}; raise it, or shorten range "
                             "and warm-up",
                             limits_.memory_bytes >> 20, position));
  if (people > limits_.people_max)
    return error(Errc::kTooLarge, "back-test",
                 fmt::format("touches more than {} entities (backtest.people_max) by position {}: a rule that names so "
                             "many is no rule; narrow it, or shorten the range",
                             limits_.people_max, position));
  if (progress_) {
    const double all = static_cast<double>(report_.last_position - start_ + 1);
    progress_({report_.events, std::min(1.0, static_cast<double>(position - start_ + 1) / all),
               lanes_.front()->rules != nullptr});
  }
  return {};
}

Result<> Backtest::read() {
  TRY_ASSIGN(const auto reader, history_->read_from(start_));
  std::uint64_t looked = 0;
  bool asked = false;
  while (true) {
    auto record = std::make_shared<eventlog::Record>();
    TRY_ASSIGN(const bool more, reader->next(*record, std::chrono::milliseconds(0)));
    if (!more) break;
    const auto& events = record->batch.events;
    if (events.empty()) continue;
    if (events.front().watermark.ms >= report_.to.ms + kSlackMs) break;
    if (!asked) {
      const auto first =
          std::find_if(events.begin(), events.end(), [this](const auto& e) { return e.time >= report_.from; });
      if (first != events.end()) {
        asked = true;
        for (const auto& lane : lanes_)
          if (lane->rules != nullptr) lane->engine->set_rules(std::exchange(lane->rules, nullptr), first->position);
      }
    }
    report_.events += events.size();
    for (const auto& lane : lanes_)
      lane->engine->process(std::shared_ptr<const model::EventBatch>(record, &record->batch));
    if (report_.events - looked >= kLookEvery || stop_.stop_requested()) {
      looked = report_.events;
      TRY(look(record->last_position));
    }
  }
  for (const auto& lane : lanes_) lane->engine->drain();
  TRY(look(report_.last_position));
  for (const auto& lane : lanes_) lane->engine->finish();
  return {};
}

BacktestSubject Backtest::subject(const Tally& tally, const Tally* present) const {
  BacktestSubject out;
  out.people = tally.people().size();
  out.signals = tally.signals();
  std::map<std::uint16_t, BacktestGroup> groups;
  for (std::size_t i = 0; i < groups_.groups().size(); ++i) groups[static_cast<std::uint16_t>(i)];
  groups[GroupBook::kService];
  groups[GroupBook::kNone];
  for (const auto& [key, person] : tally.people()) {
    BacktestGroup& group = groups[person.group];
    ++group.people;
    if (present == nullptr || present->people().find(key) != present->people().end()) continue;
    ++group.added;
    ++out.added;
  }
  for (const auto& [day, count] : tally.days()) out.days.push_back({day * kDayMs, count.people, count.fresh, 0});
  if (present != nullptr) {
    out.in_force = true;
    out.in_force_people = present->people().size();
    for (const auto& [key, person] : present->people())
      if (tally.people().find(key) == tally.people().end()) {
        ++groups[person.group].removed;
        ++out.removed;
      }
    for (const auto& [day, count] : present->days()) {
      auto at = std::find_if(out.days.begin(), out.days.end(),
                             [d = day](const BacktestDay& had) { return had.start_ms >= d * kDayMs; });
      if (at == out.days.end() || at->start_ms != day * kDayMs) at = out.days.insert(at, {day * kDayMs, 0, 0, 0});
      at->in_force = count.people;
    }
  }
  for (auto& [id, group] : groups) {
    group.id = groups_.id(id);
    if (id < groups_.groups().size())
      group.title = {groups_.groups()[id].title_zh, groups_.groups()[id].title_en};
    else if (id == GroupBook::kService)
      group.title = {"其他服务号码", "Other service lines"};
    else
      group.title = {"不属于受保护群体", "In no protected group"};
    out.groups.push_back(std::move(group));
  }
  return out;
}

void Backtest::tell_rules() {
  TallySink& sink = lanes_.front()->sink;
  for (std::size_t n = 0; n < plan_.rules.size(); ++n) {
    const RuleText& text = plan_.rules[n];
    const detect::Rule* before = present_rules_->find(text.id);
    const bool live = before != nullptr && !before->shadow;
    const Tally& tally = sink.of(fmt::format("{}{}", kCandidate, n));
    BacktestSubject out = subject(tally, live ? &sink.of(text.id) : nullptr);
    out.kind = "rule";
    out.id = text.id;
    out.digest = text.digest;
    for (const RuleText& rule : in_force_)
      if (live && rule.id == text.id) out.in_force_digest = rule.digest;
    for (const detect::Rule& rule : present_rules_->rules()) {
      if (rule.shadow && rule.id == text.id) continue;  // its own shadow run agrees with it, and says nothing
      const Tally& other = sink.of(rule.id);
      BacktestOverlap overlap{rule.id, rule.title, rule.shadow, other.people().size(), 0};
      for (const auto& [key, person] : tally.people())
        if (other.people().find(key) != other.people().end()) ++overlap.both;
      out.overlaps.push_back(std::move(overlap));
    }
    report_.subjects.push_back(std::move(out));
  }
}

Result<> Backtest::tell() {
  std::vector<const Tally*> tallies;
  TallySink& sink = lanes_.front()->sink;
  if (!plan_.rules.empty()) {
    tell_rules();
    for (std::size_t n = 0; n < plan_.rules.size(); ++n)
      tallies.push_back(&sink.of(fmt::format("{}{}", kCandidate, n)));
  } else {
    const bool model = plan_.detector.empty();
    const std::string name = model ? "model_score" : plan_.detector;
    const bool enabled = room_.settings.detector_enabled(name) && (!model || !models_->name().empty());
    BacktestSubject out = subject(sink.of(name), enabled ? &lanes_[1]->sink.of(name) : nullptr);
    out.kind = model ? "model" : "detector";
    out.id = model ? platform::name_of(plan_.model_file) : name;
    out.digest = learn::digest_hex(candidate_);
    for (const detect::DetectorPart& each : detectors::catalog())
      if (each.spec().name == name) {
        out.entity_kind = model::name(each.spec().entity);
        out.title = {std::string(each.spec().title_zh), std::string(each.spec().title_en)};
      }
    report_.subjects.push_back(std::move(out));
    tallies.push_back(&sink.of(name));
  }
  for (const RuleText& text : plan_.rules) {
    const std::vector<detect::RuleSource> source{{text.file, text.as_file("live")}};
    TRY_ASSIGN(const auto set, compile_rules(source, text.file));
    for (BacktestSubject& subject : report_.subjects)
      if (subject.id == text.id) {
        subject.title = set->rules().front().title;
        subject.entity_kind = model::name(set->rules().front().entity);
      }
  }
  const guard::NumberTokens tokens(room_.key);
  const PlanNotes notes(room_.content.plan);
  const casework::TokenIdentities identities(tokens, casework::IdentityForm::kMasked, &notes);
  TRY(add_delays(*history_, report_, tallies, stop_));
  if (room_.store != nullptr) {
    report_.records_known = true;
    TRY(add_known(*room_.store, identities, report_, tallies, stop_));
  }
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    if (only_counted(report_.subjects[i].id)) continue;
    for (const Tally::Example* one : tallies[i]->examples()) {
      const Tally::Person& person = tallies[i]->people().at(one->key);
      report_.subjects[i].samples.push_back({identities.show(person.entity, person.first_hit),
                                             std::string(groups_.id(person.group)), person.first_hit, one->evidence});
    }
  }
  return {};
}

}  // namespace

Result<BacktestReport> run_backtest(const BacktestRoom& room, const BacktestPlan& plan, const BacktestLimits& limits,
                                    const OnBacktest& progress, std::stop_token stop) {
  const int asked = (plan.rules.empty() ? 0 : 1) + (plan.detector.empty() ? 0 : 1) + (plan.model_file.empty() ? 0 : 1);
  if (asked != 1)
    return error(Errc::kUsage, "back-test", "takes rules, or a detector with changed options, or a model: one of them");
  for (const RuleText& rule : plan.rules)
    if (rule.id.starts_with(kCandidate))
      return error(Errc::kBadConfig, rule.file, fmt::format("{}: ids do not begin with {}", rule.id, kCandidate));
  return Backtest(room, plan, limits, progress, std::move(stop)).run();
}

Result<std::pair<std::string, double>> parse_option(const std::string& text) {
  const std::size_t sign = text.find('=');
  double value = 0;
  if (sign != std::string::npos && sign > 0) {
    const auto [end, code] = std::from_chars(text.data() + sign + 1, text.data() + text.size(), value);
    if (code == std::errc() && end == text.data() + text.size()) return std::pair{text.substr(0, sign), value};
  }
  return error(Errc::kUsage, "--set", fmt::format("\"{}\" is not NAME=NUMBER, for example callees_min=40", text));
}

}  // namespace pandun::server
