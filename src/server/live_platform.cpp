#include "server/live_platform.h"

#include <fmt/format.h>

#include <algorithm>

#include "platform/process.h"
#include "server/version.h"

namespace pandun::server {
namespace {

api::Figure figure(std::string name, double value) {
  return {std::move(name), {}, value};
}
api::Figure figure(std::string name, std::string text) {
  return {std::move(name), std::move(text), {}};
}
double to_double(std::uint64_t value) {
  return static_cast<double>(value);
}
api::LocalText local(std::string_view zh, std::string_view en) {
  return {std::string(zh), std::string(en)};
}

std::vector<std::string> kinds_of(const std::vector<model::EventKind>& kinds) {
  std::vector<std::string> out;
  for (const model::EventKind kind : kinds) out.emplace_back(model::name(kind));
  return out;
}

}  // namespace

LivePlatform::LivePlatform(const LiveParts& parts)
    : parts_(parts), started_(parts.clock.steady()), events_before_(parts.log.last_position()) {}

void LivePlatform::tick(std::uint64_t alerts_total) {
  alerts_total_ = alerts_total;
  rates_.tick(parts_.clock.wall(), parts_.log.last_position(), alerts_total);
  const IntakeFigures intake = parts_.intake.figures();
  watch_fault("event log", intake.log_fault);
  for (const StreamFigures& stream : intake.streams)
    watch_fault(stream.name, stream.state == "failed" ? stream.message : std::string());
  watch_fault("detection", parts_.detection.figures().fault);
  if (parts_.archive != nullptr) watch_fault("archive", parts_.archive->figures().fault);
}

// A fault is noted when it begins or changes, not each second that it lasts.
void LivePlatform::watch_fault(const std::string& where, const std::string& message) {
  {
    const std::scoped_lock lock(mutex_);
    std::string& last = last_fault_[where];
    if (last == message) return;
    last = message;
    if (message.empty()) return;
  }
  note_fault(where, message);
}

void LivePlatform::note_fault(std::string where, std::string message) {
  const std::scoped_lock lock(mutex_);
  faults_.insert(faults_.begin(), {parts_.clock.wall(), std::move(where), std::move(message)});
  if (faults_.size() > 100) faults_.resize(100);
}

void LivePlatform::set_rules(std::shared_ptr<const detect::RuleSet> rules) {
  const std::scoped_lock lock(mutex_);
  rules_ = std::move(rules);
}

void LivePlatform::set_waiting_for(std::vector<std::string> what) {
  const std::scoped_lock lock(mutex_);
  waiting_for_ = std::move(what);
}

std::vector<std::string> LivePlatform::waiting_for() const {
  const std::scoped_lock lock(mutex_);
  return waiting_for_;
}

api::EngineFigures LivePlatform::figures() const {
  const IntakeFigures intake = parts_.intake.figures();
  const DetectFigures detection = parts_.detection.figures();
  api::EngineFigures out;
  out.events_per_s = rates_.events_per_s();
  out.events_total = parts_.log.last_position();
  out.late = intake.late;
  out.rejected = intake.rejected;
  for (std::size_t kind = 0; kind < model::kEventKinds; ++kind)
    if (intake.by_kind[kind] != 0)
      out.by_kind[std::string(model::name(static_cast<model::EventKind>(kind)))] = intake.by_kind[kind];
  out.engine.watermark = detection.watermark;
  out.engine.lag_events = out.events_total - std::min(out.events_total, detection.position);
  out.engine.shards = static_cast<std::uint64_t>(parts_.settings.integer("engine.shards"));
  out.engine.state_bytes = detection.engine.state_bytes;
  out.engine.checkpoint_at = detection.checkpoint_at;
  out.engine.log_first = parts_.log.first_position();
  out.engine.log_last = out.events_total;
  return out;
}

api::RateSeries LivePlatform::rates(unsigned hours) const {
  return rates_.series(hours, parts_.clock.wall());
}

std::vector<api::SourceState> LivePlatform::sources() const {
  std::vector<api::SourceState> out;
  for (const StreamFigures& stream : parts_.intake.figures().streams)
    out.push_back(
        {stream.name, stream.kind, stream.state, stream.records, stream.rejected, stream.last_event, stream.message});
  return out;
}

api::SystemState LivePlatform::system() const {
  const IntakeFigures intake = parts_.intake.figures();
  const DetectFigures detection = parts_.detection.figures();
  const store::StoreStatus store = parts_.store.status();
  api::SystemState out;
  out.version = kVersion;
  out.content_digest = parts_.content.digest;
  out.uptime_s = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(parts_.clock.steady() - started_).count());
  out.rss_bytes = platform::rss_bytes();
  out.store = {figure("adapter", store.adapter), figure("schema", store.schema_version),
               figure("bytes", static_cast<double>(store.bytes)),
               figure("wal_bytes", static_cast<double>(store.wal_bytes))};
  out.eventlog = {figure("first_position", to_double(parts_.log.first_position())),
                  figure("last_position", to_double(parts_.log.last_position())),
                  figure("held_for_order", to_double(intake.held)),
                  figure("read_again_after_restart", to_double(intake.skipped_again))};
  if (parts_.archive != nullptr) {
    const ArchiveFigures archive = parts_.archive->figures();
    out.eventlog.push_back(figure("archived_to", to_double(archive.position)));
    out.eventlog.push_back(figure("archive_parts", to_double(archive.parts)));
  }
  out.engine = {figure("position", to_double(detection.position)),
                figure("signals", to_double(detection.signals)),
                figure("state_bytes", to_double(detection.engine.state_bytes)),
                figure("quiet_numbers", to_double(detection.engine.quiet_numbers)),
                figure("listed_numbers", to_double(detection.engine.listed_numbers)),
                figure("busy_numbers", to_double(detection.engine.busy_numbers)),
                figure("too_old", to_double(detection.engine.too_old)),
                figure("checkpoint_position", to_double(detection.checkpoint_position)),
                figure("checkpoint_bytes", to_double(detection.checkpoint_bytes))};
  out.queues = {{"shards", detection.engine.queue_chunks, 16, "block", 0}};
  const std::scoped_lock lock(mutex_);
  out.faults = faults_;
  return out;
}

std::vector<api::Metric> LivePlatform::metrics() const {
  using api::MetricKind;
  const api::EngineFigures now = figures();
  const DetectFigures detection = parts_.detection.figures();
  std::vector<api::Metric> out;
  const auto add = [&out](std::string name, std::string help, MetricKind kind, double value,
                          std::vector<std::pair<std::string, std::string>> labels = {}) {
    out.push_back({std::move(name), std::move(help), kind, std::move(labels), value});
  };
  add("pandun_events_total", "events in the log", MetricKind::kCounter, to_double(now.events_total));
  for (const auto& [kind, count] : now.by_kind)
    add("pandun_ingested_total", "events taken in since the start", MetricKind::kCounter, to_double(count),
        {{"kind", kind}});
  add("pandun_late_total", "events behind their stated lateness", MetricKind::kCounter, to_double(now.late));
  add("pandun_rejected_total", "records that could not be used", MetricKind::kCounter, to_double(now.rejected));
  add("pandun_alerts_total", "alerts ever raised", MetricKind::kCounter, to_double(alerts_total_));
  add("pandun_signals_total", "signals since the start", MetricKind::kCounter, to_double(detection.signals));
  add("pandun_engine_lag_events", "events in the log that detection has not seen", MetricKind::kGauge,
      to_double(now.engine.lag_events));
  add("pandun_engine_state_bytes", "memory of detection state", MetricKind::kGauge, to_double(now.engine.state_bytes));
  add("pandun_checkpoint_position", "position of the newest checkpoint", MetricKind::kGauge,
      to_double(detection.checkpoint_position));
  add("pandun_resident_bytes", "resident memory", MetricKind::kGauge, to_double(platform::rss_bytes()));
  if (now.engine.watermark)
    add("pandun_watermark_seconds", "event time up to which detection has come", MetricKind::kGauge,
        static_cast<double>(now.engine.watermark->ms) / 1000);
  for (const detect::PartStats& part : detection.engine.parts) {
    add("pandun_part_signals_total", "signals of a detector or rule", MetricKind::kCounter, to_double(part.signals),
        {{"part", part.name}});
    add("pandun_part_state_bytes", "memory of a detector's state", MetricKind::kGauge, to_double(part.state.bytes),
        {{"part", part.name}});
  }
  const decide::Decider::Figures decisions = parts_.decider.figures();
  for (std::size_t i = 0; i < 3; ++i)
    add("pandun_decisions_total", "call and message decisions", MetricKind::kCounter,
        to_double(decisions.by_verdict[i]), {{"verdict", std::string(decide::name(static_cast<decide::Verdict>(i)))}});
  for (std::size_t i = 0; i < decide::kReasons; ++i)
    add("pandun_decision_reasons_total", "decisions by reason", MetricKind::kCounter, to_double(decisions.by_reason[i]),
        {{"reason", std::string(decide::name(static_cast<decide::Reason>(i)))}});
  add("pandun_decision_records_dropped_total", "decisions that could not be written down", MetricKind::kCounter,
      to_double(decisions.records_dropped));
  add("pandun_decision_rates_evicted_total", "numbers pushed out of the rate counters", MetricKind::kCounter,
      to_double(decisions.rates_evicted));
  add("pandun_decision_measures", "measures in the decider's base", MetricKind::kGauge, to_double(decisions.measures));
  add("pandun_decision_snapshot_version", "changes of the decider's knowledge so far", MetricKind::kGauge,
      to_double(decisions.version));
  if (const ShelfModels* models = models_.load()) {
    for (const ModelFigures& m : models->figures()) {
      const std::vector<std::pair<std::string, std::string>> labels{{"model", m.name},
                                                                    {"state", m.champion ? "champion" : "shadow"}};
      const auto count = [&](const char* name, const char* help, std::uint64_t n) {
        out.push_back({name, help, MetricKind::kCounter, labels, to_double(n)});
      };
      count("pandun_model_looks_total", "rows that the model was shown", m.looked);
      count("pandun_model_spoke_total", "looks at or above its threshold", m.spoke);
      count("pandun_model_spoke_alone_total", "of those, where the champion kept silent", m.spoke_alone);
    }
  }
  if (const decide::CallEndings* calls = calls_.load()) {
    const decide::CallEndings::Figures f = calls->figures();
    add("pandun_calls_in_progress", "calls that switches say are being talked in", MetricKind::kGauge,
        to_double(f.in_progress));
    add("pandun_call_reports_total", "reports of calls in progress", MetricKind::kCounter, to_double(f.reports));
    add("pandun_calls_in_progress_pushed_out_total", "calls dropped because more were in progress than are kept",
        MetricKind::kCounter, to_double(f.pushed_out));
    add("pandun_calls_in_progress_aged_total", "calls of which no end was ever told", MetricKind::kCounter,
        to_double(f.aged));
    add("pandun_call_endings_offered_total", "calls that the switch was to end", MetricKind::kCounter,
        to_double(f.offered));
    add("pandun_call_endings_open", "of those, without an answer of the switch yet", MetricKind::kGauge,
        to_double(f.open));
    for (std::size_t i = 0; i < decide::kEndingOutcomes; ++i)
      add("pandun_call_endings_total", "what became of them", MetricKind::kCounter, to_double(f.outcomes[i]),
          {{"outcome", std::string(decide::name(static_cast<decide::EndingOutcome>(i)))}});
  }
  if (const PeopleWarnings* people = people_.load()) people->add_metrics(out);
  if (const SmsGate* sms = sms_.load()) sms->add_metrics(out);
  if (const SipDoor* sip = sip_.load()) sip->add_metrics(out);
  return out;
}

std::vector<api::DetectorEntry> LivePlatform::detectors() const {
  const DetectFigures detection = parts_.detection.figures();
  std::vector<api::DetectorEntry> out;
  for (const auto& part : parts_.detectors) {
    const detect::DetectorSpec& spec = part.part.spec();
    api::DetectorEntry entry;
    entry.name = spec.name;
    entry.title = local(spec.title_zh, spec.title_en);
    entry.finds = local(spec.finds_zh, spec.finds_en);
    entry.false_positives = local(spec.false_positives_zh, spec.false_positives_en);
    entry.reads = kinds_of(spec.reads);
    entry.entity = model::name(spec.entity);
    entry.topic = spec.topic;
    entry.techniques.assign(spec.techniques.begin(), spec.techniques.end());
    entry.maturity = spec.maturity == detect::Maturity::kStable ? "stable" : "experimental";
    for (const detect::OptionSpec& option : spec.options)
      entry.options.push_back({std::string(option.name), std::string(option.unit), part.options[option.name],
                               option.fallback, option.min, option.max, local(option.doc_zh, option.doc_en)});
    for (const detect::PartStats& stats : detection.engine.parts)
      if (stats.name == spec.name) {
        entry.keys = stats.state.keys;
        entry.bytes = stats.state.bytes;
        entry.evicted = stats.state.evicted;
      }
    out.push_back(std::move(entry));
  }
  return out;
}

std::vector<api::SourceKindEntry> LivePlatform::source_kinds() const {
  std::vector<api::SourceKindEntry> out;
  for (const sources::SourcePart& part : sources::catalog()) {
    const sources::SourceSpec& spec = part.spec();
    out.push_back({std::string(spec.kind), local(spec.title_zh, spec.title_en), local(spec.reads_zh, spec.reads_en),
                   kinds_of(spec.gives), spec.takes_map});
  }
  return out;
}

std::vector<api::RuleEntry> LivePlatform::rules() const {
  std::shared_ptr<const detect::RuleSet> rules;
  {
    const std::scoped_lock lock(mutex_);
    rules = rules_;
  }
  std::vector<api::RuleEntry> out;
  if (rules == nullptr) return out;
  for (const detect::Rule& rule : rules->rules())
    out.push_back({rule.id, rule.title, rule.topic, rule.severity, !rule.shadow, rule.when_text, rule.message,
                   rule.ground, fmt::format("{}:{}", platform::name_of(rule.file), rule.line)});
  return out;
}

api::FraudLibraryEntry LivePlatform::fraud_library() const {
  api::FraudLibraryEntry out = parts_.catalogues.fraud;
  const auto about = parts_.indicators.by_topic();
  for (api::FraudTopicEntry& topic : out.topics) {
    const auto found = about.find(topic.id);
    if (found == about.end()) continue;
    topic.indicators = found->second.indicators;
    topic.intel_lists = found->second.lists;
  }
  return out;
}

std::vector<api::FeatureEntry> LivePlatform::features() const {
  std::vector<std::string> lists;
  for (api::IntelListEntry& list : parts_.indicators.lists()) lists.push_back(std::move(list.name));
  return parts_.words.entries(lists);
}

Result<std::string> LivePlatform::redress_card(std::string_view id) const {
  const SipDoor* const sip = sip_.load();
  if (sip == nullptr) return api::Platform::redress_card(id);
  return sip->card(id);
}

Result<api::ArchiveAnswer> LivePlatform::archive_events(const api::ArchiveQuery& query) const {
  if (parts_.archive == nullptr) return error(Errc::kUnavailable, "archive", "is switched off (archive.enabled)");
  return parts_.archive->query(query);
}

}  // namespace pandun::server
