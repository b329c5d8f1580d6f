#include "server/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "actions/kit/courier.h"
#include "api/api.h"
#include "api/http/server.h"
#include "casework/card_batches.h"
#include "casework/case_desk.h"
#include "decide/decider.h"
#include "detectors/catalog.h"
#include "eventlog/local/local_log.h"
#include "exchange/lead_desk.h"
#include "guard/audit.h"
#include "guard/sessions.h"
#include "platform/directory_lock.h"
#include "platform/process.h"
#include "platform/thread.h"
#include "server/archive_loop.h"
#include "server/call_reports.h"
#include "server/content.h"
#include "server/data_layout.h"
#include "server/decisions.h"
#include "server/detect_loop.h"
#include "server/detection.h"
#include "server/feed.h"
#include "server/indicator_desk.h"
#include "server/intake.h"
#include "server/listen_address.h"
#include "server/live_platform.h"
#include "server/model_desk.h"
#include "server/number_models.h"
#include "server/people_warnings.h"
#include "server/rule_desk.h"
#include "server/simulation.h"
#include "server/sip_door.h"
#include "server/sms_gate.h"
#include "server/words.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::server {
namespace {

constexpr std::chrono::milliseconds kLiveTick{1000};
constexpr std::chrono::milliseconds kCardsPerTick{400};  // measures of a list, while people work beside it
constexpr int kTicksPerCourier = 3;                      // orders out, receipts in
constexpr int kTicksPerDeskTick = 20;                    // clocks and lapses
constexpr int kTicksPerHousekeeping = 300;               // sessions, anchors, retention, expired indicators

// casework asks which group an entity belongs to.
class EntityGroups final : public casework::ProtectedGroups {
 public:
  explicit EntityGroups(const registry::ProtectedGroups& groups) : groups_(groups) {}
  std::string group(const model::Entity& entity) const override {
    return entity.kind == model::EntityKind::kNumber ? std::string(groups_.protected_group(entity.number))
                                                     : std::string();
  }

 private:
  const registry::ProtectedGroups& groups_;
};

// Names of sources while streams still come and go.
class LiveSourceLines final : public casework::SourceLines {
 public:
  explicit LiveSourceLines(const Intake& intake) : intake_(intake) {}
  std::string line(const model::SourceRef& record) const override {
    const std::string name = intake_.source_name(record.source);
    return name.empty() ? std::string() : fmt::format("{}:{}", name, record.record);
  }

 private:
  const Intake& intake_;
};

// When the record of this data directory began: the first start sets it, for good. A log that is older than this entry began
// long ago (0), and so did a made-up province, whose people do not all take up telephoning today.
Result<std::int64_t> record_began_s(store::Store& store, WallMs now, bool young) {
  constexpr const char* kKey = "record.began_s";
  std::int64_t out = young ? now.ms / 1000 : 0;
  TRY(store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const auto kept, std::as_const(tx).values().find(kKey));
    if (!kept) return tx.values().put(kKey, std::to_string(out));
    const auto [end, code] = std::from_chars(kept->data(), kept->data() + kept->size(), out);
    if (code != std::errc() || end != kept->data() + kept->size())
      return error(Errc::kCorrupt, kKey, "is not a number of seconds");
    return {};
  }));
  return out;
}

Result<ListenAddress> listen(const Settings& settings) {
  return listen_address("server.listen", settings.text("server.listen"), "127.0.0.1:8480 or [::1]:8480");
}

}  // namespace

// Members stand in start order; they die in reverse.
struct Live::Rooms {
  Rooms(platform::FileSystem& f, platform::Clock& c, const Settings& s)
      : files(f), clock(c), settings(s), data(s.text("data.directory")) {}

  Result<> start();
  Result<> open_stores();
  Result<> open_detection();
  std::string shelf_directory() const;
  Result<> record_models(std::uint64_t from_position);
  Result<> open_rules();
  Result<> open_api();
  void start_threads();
  void stop();
  void run_ticker(const std::stop_token& stop);
  void told(const DetectLoop::Handed& handed);
  void warn_people(const DetectLoop::Handed& handed);
  void tick_leads();

  platform::FileSystem& files;
  platform::Clock& clock;
  const Settings settings;
  const std::string data;

  std::unique_ptr<platform::DirectoryLock> lock;
  std::unique_ptr<Content> content;
  Catalogues catalogues;
  std::unique_ptr<casework::CaseworkContent> case_content;
  std::optional<platform::SealKey> key, log_key, checkpoint_key;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<guard::Audit> audit;
  std::unique_ptr<guard::NumberTokens> tokens;
  std::unique_ptr<guard::Identity> identity;
  std::unique_ptr<guard::SessionDesk> sessions;
  std::unique_ptr<guard::Vault> vault;
  std::optional<guard::Identity::FirstAdmin> first_admin;

  std::unique_ptr<eventlog::LocalLog> log;
  std::unique_ptr<PlanNumbering> numbering;
  std::unique_ptr<Feed> feed;
  std::unique_ptr<Intake> intake;

  std::unique_ptr<IndicatorDesk> indicators;
  std::unique_ptr<WarningServices> services;
  std::unique_ptr<RegistryNumbers> numbers;
  std::unique_ptr<RegistryCells> cells;
  std::unique_ptr<ShelfModels> models;
  std::vector<std::string> model_notes;
  std::vector<detect::EngineConfig::Part> parts;
  std::optional<RuleBook> rules;
  casework::DetectorTable table;
  std::unique_ptr<RuleDesk> rule_desk;
  std::unique_ptr<ModelDesk> model_desk;
  std::unique_ptr<PlanNotes> notes;
  std::unique_ptr<casework::TokenIdentities> identities;
  std::unique_ptr<LiveSourceLines> lines;
  std::unique_ptr<EntityGroups> groups;
  std::unique_ptr<Words> words;
  std::unique_ptr<casework::CaseDesk> desk;
  std::unique_ptr<exchange::Purposes> lead_purposes;
  std::unique_ptr<exchange::LeadDesk> leads;
  std::unique_ptr<casework::CardDesk> cards;
  std::unique_ptr<DetectLoop> detection;
  std::unique_ptr<ArchiveLoop> archive;
  std::unique_ptr<actions::Courier> courier;

  decide::Decider decider{decider_limits(settings)};
  std::unique_ptr<decide::CallEndings> calls;
  std::unique_ptr<CallReports> call_reports;
  std::unique_ptr<DecisionRoom> decisions;
  std::unique_ptr<PeopleWarnings> people;
  std::unique_ptr<LivePlatform> platform;
  std::unique_ptr<api::LiveHub> hub;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<api::http::Server> http;
  std::string url;
  std::unique_ptr<SmsGate> sms;
  std::unique_ptr<SipDoor> sip;  // null unless decide.sip.enabled

  platform::Thread intake_thread, detect_thread;
  std::vector<platform::Thread> threads;
};

Result<> Live::Rooms::start() {
  TRY_ASSIGN(content, load_content(files, settings));
  TRY_ASSIGN(catalogues, load_catalogues(files, content->directory));
  TRY_ASSIGN(case_content, load_case_content(files, content->directory));
  TRY_ASSIGN(lead_purposes, load_lead_purposes(files, content->directory, case_content->laws));
  TRY_ASSIGN(parts, detector_parts(settings));
  TRY(listen(settings));
  TRY(files.make_directories(data));
  TRY_ASSIGN(lock, platform::DirectoryLock::take(data));
  const std::string key_file = settings.text("guard.key_file");
  TRY_ASSIGN(key, platform::load_or_create_key(files, key_file.empty() ? key_path(data) : key_file));
  log_key = key->derive("eventlog");
  checkpoint_key = key->derive("checkpoint");
  TRY(open_stores());
  TRY(open_detection());
  TRY(open_api());
  TRY_ASSIGN(sms, SmsGate::start({files, clock, settings, content->directory, *key, decider, *numbering, *indicators}));
  platform->show(*sms);
  people->set_notifier(sms->notifier());
  platform->show(*people);
  start_threads();
  return {};
}

Result<> Live::Rooms::open_stores() {
  TRY_ASSIGN(store, store::open_sqlite(store_path(data), clock));
  audit = std::make_unique<guard::Audit>(*store, clock, *key);
  tokens = std::make_unique<guard::NumberTokens>(*key);
  identity = std::make_unique<guard::Identity>(*store, *audit, clock);
  sessions = std::make_unique<guard::SessionDesk>(*store, *identity, *audit, clock);
  vault = std::make_unique<guard::Vault>(*store, *audit, clock, *key, case_content->laws);
  TRY_ASSIGN(first_admin, identity->ensure_first_admin());

  eventlog::LocalLogOptions options;
  options.directory = log_directory(data);
  options.segment_bytes = static_cast<std::uint64_t>(settings.integer("eventlog.segment_bytes"));
  options.retention_bytes = static_cast<std::uint64_t>(settings.integer("eventlog.retention_bytes"));
  options.retention_age = std::chrono::hours(24) * settings.integer("eventlog.retention_days");
  options.consumers = {"detect"};
  if (settings.flag("archive.enabled")) options.consumers.push_back("archive");
  TRY_ASSIGN(log, eventlog::open_local_log(files, clock, *log_key, options));
  return {};
}

Result<> Live::Rooms::open_detection() {
  numbering = std::make_unique<PlanNumbering>(content->plan,
                                              static_cast<std::uint16_t>(settings.integer("ingest.home_country")),
                                              settings.text("ingest.home_area"));
  IntakeOptions options;
  options.names_file = source_names_path(data);
  options.rejects_file = platform::join(data, "rejects.jsonl");
  options.future_skew = std::chrono::seconds(settings.integer("ingest.future_skew_s"));
  for (const SourceSetting& source : settings.sources())
    options.inputs.push_back({source.kind, source.path, source.map, source.follow});
  if (settings.flag("simulate.enabled")) {
    TRY_ASSIGN(const province::Config config, province_config(files, settings));
    TRY_ASSIGN(feed, Feed::open(files, clock, feed_directory(data), config, settings.number("simulate.speed")));
    for (const sources::Input& input : feed->inputs()) options.inputs.push_back(input);
  }
  calls = std::make_unique<decide::CallEndings>(
      decider, static_cast<std::size_t>(settings.integer("decide.calls_in_progress")), clock.wall());
  call_reports = std::make_unique<CallReports>(files, call_reports_directory(data), *key, [this](const Error& fault) {
    if (platform) platform->note_fault("reports of calls", fault.text());
  });
  options.pushed = [this](sources::SourceNames& names, const sources::ProgressByName& progress) {
    return call_reports->open(names, progress);
  };
  options.watch = [this](std::span<const model::Event> events) { calls->take(events, clock.wall()); };
  intake = std::make_unique<Intake>(files, clock, *log, *numbering, std::move(options));
  TRY(intake->open());

  TRY(files.make_directories(intel_directory(data)));
  indicators = std::make_unique<IndicatorDesk>(files, clock, content->services, intel_directory(data));
  TRY(indicators->load());
  services = std::make_unique<WarningServices>(content->services);
  cells = std::make_unique<RegistryCells>(content->cells);
  numbers = std::make_unique<RegistryNumbers>(content->plan, content->groups,
                                              static_cast<std::uint16_t>(settings.integer("ingest.home_country")));
  TRY(open_rules());
  TRY_ASSIGN(rules, RuleBook::open(files, platform::join(data, "rules"), platform::join(content->directory, "rules"),
                                   log->last_position() + 1));

  const bool young = log->last_position() == 0 && !settings.flag("simulate.enabled");
  TRY_ASSIGN(const std::int64_t began_s, record_began_s(*store, clock.wall(), young));
  TRY(set_record_began(parts, settings, began_s));
  table = detector_table(parts, rules->newest().rules.get());
  notes = std::make_unique<PlanNotes>(content->plan);
  identities = std::make_unique<casework::TokenIdentities>(*tokens, casework::IdentityForm::kMasked, notes.get());
  lines = std::make_unique<LiveSourceLines>(*intake);
  groups = std::make_unique<EntityGroups>(content->groups);
  words = std::make_unique<Words>(detectors::catalog(), content->groups.groups());
  const casework::DeskParts desk_parts{.store = *store,
                                       .audit = *audit,
                                       .vault = *vault,
                                       .clock = clock,
                                       .content = *case_content,
                                       .detectors = table,
                                       .identities = *identities,
                                       .lines = *lines,
                                       .protected_groups = groups.get(),
                                       .words = words.get()};
  desk = std::make_unique<casework::CaseDesk>(desk_parts);
  cards = std::make_unique<casework::CardDesk>(desk_parts);

  leads = std::make_unique<exchange::LeadDesk>(
      exchange::LeadParts{*store, *audit, *vault, clock, *key, case_content->laws, *lead_purposes, *desk, *identities});

  detect::EngineConfig config;
  config.shards = static_cast<std::uint32_t>(settings.integer("engine.shards"));
  config.numbers = number_options(settings);
  config.detectors = parts;
  TRY_ASSIGN(models, ShelfModels::open(files, clock, shelf_directory(), settings.text("models.threshold")));
  TRY_ASSIGN(model_notes, models->keep(model_history_path(data), log->last_position() + 1));
  TRY(record_models(log->last_position() + 1));
  config.ports = {&indicators->port(), services.get(), numbers.get(), models.get(), cells.get()};
  DetectLoopOptions loop;
  loop.checkpoint_directory = checkpoint_directory(data);
  loop.checkpoint_events = static_cast<std::uint64_t>(settings.integer("engine.checkpoint_events"));
  loop.checkpoint_every = std::chrono::seconds(settings.integer("engine.checkpoint_s"));
  loop.aside = only_counted;
  // A rule that is new is known before its first alert.
  loop.on_rules = [this](const detect::RuleSet& now) { table.renew(detector_table(parts, &now)); };
  loop.look = [this](std::uint64_t next_position) -> Result<> {
    TRY_ASSIGN(const bool changed, models->look_again(next_position));
    return changed ? record_models(next_position) : Result<>();
  };
  TRY_ASSIGN(people, PeopleWarnings::make(settings, clock));
  detection = std::make_unique<DetectLoop>(files, clock, *checkpoint_key, *log, *desk, *rules, std::move(loop),
                                           [this](const DetectLoop::Handed& handed) { told(handed); });
  TRY(detection->open(std::move(config)));
  indicators->on_change([this](const detect::IndicatorMatch& match) {
    detection->set_ports({&match, services.get(), numbers.get(), models.get(), cells.get()});
  });

  if (settings.flag("archive.enabled")) {
    ArchiveLoopOptions archive_options;
    archive_options.directory = archive_directory(data);
    archive_options.rows_per_part = static_cast<std::size_t>(settings.integer("archive.batch_events"));
    archive_options.retention = std::chrono::hours(24) * settings.integer("archive.retention_days");
    TRY(files.make_directories(archive_options.directory));
    archive = std::make_unique<ArchiveLoop>(files, clock, *log, *tokens, content->plan, std::move(archive_options));
  }
  return {};
}

// What the desk has put into force, before the book looks for it.
std::string Live::Rooms::shelf_directory() const {
  const std::string shelf = settings.text("models.directory");
  return shelf.empty() ? models_directory(data) : shelf;
}

// Which models score numbers, and who let them, stands in the chain at each start and each change.
Result<> Live::Rooms::record_models(std::uint64_t from_position) {
  learn::Shelf shelf(files, clock, shelf_directory());
  TRY(shelf.load());
  for (const learn::ShelfEntry& model : shelf.list()) {
    if (model.state != learn::ModelState::kChampion && model.state != learn::ModelState::kShadow) continue;
    TRY(audit->record_alone({"system:models",
                             "model.in_force",
                             fmt::format("model:batch-{:06}", model.batch),
                             {{"state", std::string(learn::name(model.state))},
                              {"by", model.by},
                              {"approved_by", model.approved_by},
                              {"digest", model.digest},
                              {"from_position", std::to_string(from_position)}}}));
  }
  return {};
}

Result<> Live::Rooms::open_rules() {
  const BacktestRoom room{files, clock, settings, *content, data, *key, store.get()};
  rule_desk = std::make_unique<RuleDesk>(
      RuleDeskParts{room, *store, *audit, case_content->laws, catalogues, [this](std::string_view part) {
                      std::uint64_t signals = 0;
                      if (detection)
                        for (const detect::PartStats& each : detection->figures().engine.parts)
                          if (each.name == part) signals += each.shadow_signals;
                      return signals;
                    }});
  return rule_desk->publish();
}

Result<> Live::Rooms::open_api() {
  platform = std::make_unique<LivePlatform>(LiveParts{settings, *content, catalogues, clock, *log, *intake, *detection,
                                                      archive.get(), *indicators, *numbering, *rules, *store, decider,
                                                      parts, *words});
  platform->set_rules(rules->newest().rules);
  TRY_ASSIGN(const auto untested, untested_rules(files, content->directory, data, store.get()));
  for (const std::string& rule : untested)
    platform->note_fault("rules", rule + ": live without a back-test; run one (docs/rules.md)");
  platform->show(*models);
  platform->show(*calls);
  for (const std::string& note : model_notes) platform->note_fault("models", note);
  courier = std::make_unique<actions::Courier>(*desk, clock, actions::catalog(),
                                               actions::ActionEnvironment{files, data, *key});
  TRY_ASSIGN(decisions,
             DecisionRoom::open({files, clock, settings, *content, data, *key, *tokens, *numbering, *store, *audit,
                                 *vault, *desk, decider, *calls, *call_reports,
                                 [this](std::string where, std::string message) {
                                   platform->note_fault(std::move(where), std::move(message));
                                 },
                                 [this](const decide::Findings& found) { numbers->suspect(found.alerted); }}));
  hub = std::make_unique<api::LiveHub>();
  TRY_ASSIGN(const ListenAddress address, listen(settings));
  api::ApiOptions options;
  options.console_dir = settings.text("server.console_directory");
  options.secure_cookie = settings.flag("server.secure_cookie");
  options.trust_forwarded_for = settings.flag("server.trust_forwarded_for");
  const std::string home = platform::directory_of(platform::executable_path());
  for (const char* near : {"/../../console/dist", "/../share/pandun/console", "/console"})
    if (options.console_dir.empty() && files.info(home + near + "/index.html").ok()) options.console_dir = home + near;
  model_desk = std::make_unique<ModelDesk>(ModelDeskParts{files, clock, *audit, shelf_directory(),
                                                          platform::join(data, "model-proposal"),
                                                          [this] { return models->figures(); }});
  TRY_ASSIGN(api, api::Api::make({*desk, *identity, *sessions, *audit, *vault, decider, *platform, *hub, clock, files,
                                  leads.get(), rule_desk.get(), cards.get(), model_desk.get()},
                                 std::move(options)));

  api::http::ServerOptions http_options;
  http_options.address = address.host;
  http_options.port = address.port;
  http_options.io_threads = std::min(2U, platform::processors());
  http_options.drain_within = std::chrono::milliseconds(1'500);  // a stop is over within about two seconds
  http_options.workers = static_cast<unsigned>(settings.integer("server.threads"));
  http_options.certificate_file = settings.text("server.tls_certificate");
  http_options.key_file = settings.text("server.tls_key");
  TRY_ASSIGN(http, api::http::Server::start(std::move(http_options), *api, clock, files));
  api->attach(*http);
  const bool v6 = address.host.find(':') != std::string::npos;
  url = fmt::format("{}://{}{}{}:{}", http->tls() ? "https" : "http", v6 ? "[" : "", address.host, v6 ? "]" : "",
                    http->port());
  TRY_ASSIGN(sip, SipDoor::start({files, clock, settings, content->directory, *key, decider, content->plan}));
  if (sip) platform->show(*sip);
  return {};
}

void Live::Rooms::start_threads() {
  detect_thread = platform::start_thread("detect", [this](const std::stop_token& stop) { detection->run(stop); });
  intake_thread = platform::start_thread("intake", [this](const std::stop_token& stop) { intake->run(stop); });
  threads.push_back(platform::start_thread("decisions", [this](const std::stop_token& stop) { decisions->run(stop); }));
  threads.push_back(platform::start_thread("ticker", [this](const std::stop_token& stop) { run_ticker(stop); }));
  threads.push_back(platform::start_thread("back-test", [this](const std::stop_token& stop) { rule_desk->run(stop); }));
  if (archive)
    threads.push_back(platform::start_thread("archive", [this](const std::stop_token& stop) { archive->run(stop); }));
  if (feed)
    threads.push_back(platform::start_thread("feed", [this](const std::stop_token& stop) {
      if (auto done = feed->run(stop); !done.ok()) platform->note_fault("simulator", done.error().text());
    }));
  platform->set_waiting_for({});
}

// Once for each that began: a signal that casework folded into a running alert says nothing new to the person.
void Live::Rooms::warn_people(const DetectLoop::Handed& handed) {
  for (const model::Signal& signal : handed.aside) people->begun(signal);
  const auto concerns = [](const model::Signal& signal) { return warns_people(signal.detector); };
  if (std::none_of(handed.kept.begin(), handed.kept.end(), concerns)) return;
  for (const std::string& id : handed.report.new_alerts) {
    const auto alert = desk->alert_summary(id);
    if (!alert.ok() || !warns_people(alert->detector)) continue;
    for (const model::Signal& signal : handed.kept) {
      if (signal.detector != alert->detector || identities->show(signal.entity, signal.first) != alert->entity)
        continue;
      people->begun(signal);
      break;
    }
  }
}

// Called by the detect loop after casework has taken signals.
void Live::Rooms::told(const DetectLoop::Handed& handed) {
  const casework::IngestReport& report = handed.report;
  warn_people(handed);
  if (decisions) {
    decisions->note_alerts(report.new_alerts);
    decisions->note_alerts(report.changed_alerts);
  }
  if (!hub) return;
  for (const auto* ids : {&report.new_alerts, &report.changed_alerts})
    for (const std::string& id : *ids)
      if (auto alert = desk->alert_summary(id); alert.ok()) hub->alert(*alert);
  for (const std::string& id : report.changed_cases)
    if (auto changed = desk->case_summary(id); changed.ok()) hub->changed(*changed);
}

// Leads that wait meet numbers that became known since; people at risk are warned where warnings are sent at all.
void Live::Rooms::tick_leads() {
  const bool warns = sms && sms->notifier() != nullptr;
  const auto report = leads->tick([&](const model::Signal& signal) {
    if (warns) people->begun(signal);
    return warns;
  });
  if (!report.ok()) {
    platform->note_fault("leads", report.error().text());
    return;
  }
  for (const std::string& id : report->new_alerts)
    if (auto alert = desk->alert_summary(id); alert.ok()) hub->alert(*alert);
  for (const std::string& id : report->changed_cases)
    if (auto changed = desk->case_summary(id); changed.ok()) hub->changed(*changed);
}

void Live::Rooms::run_ticker(const std::stop_token& stop) {
  int ticks = 0;
  auto anchored = audit->anchor(files, anchor_directory(data));
  if (!anchored.ok()) platform->note_fault("audit", anchored.error().text());
  while (platform::pause(stop, kLiveTick)) {
    ++ticks;
    std::uint64_t alerts_total = 0, alerts_open = 0;
    auto counted = store->read([&](const store::View& view) -> Result<> {
      TRY_ASSIGN(const std::int64_t all, view.alerts().count({}));
      store::AlertFilter open;
      open.state = "open";
      TRY_ASSIGN(const std::int64_t waiting, view.alerts().count(open));
      alerts_total = static_cast<std::uint64_t>(all);
      alerts_open = static_cast<std::uint64_t>(waiting);
      return {};
    });
    if (!counted.ok()) platform->note_fault("store", counted.error().text());
    platform->tick(alerts_total);
    platform->set_rules(detection->rules());
    hub->stats(clock.wall(), platform->figures(), alerts_open);
    if (auto made = cards->work(kCardsPerTick); !made.ok()) platform->note_fault("cards", made.error().text());
    if (ticks % kTicksPerCourier == 0)
      if (auto carried = courier->run_once(); !carried.ok()) platform->note_fault("orders", carried.error().text());
    if (ticks % kTicksPerDeskTick == 0) {
      auto report = desk->tick();
      if (!report.ok()) platform->note_fault("casework", report.error().text());
      if (report.ok())
        for (const std::string& id : report->changed_cases)
          if (auto changed = desk->case_summary(id); changed.ok()) hub->changed(*changed);
      tick_leads();
    }
    if (ticks % kTicksPerHousekeeping == 0) {
      if (auto removed = sessions->remove_expired(); !removed.ok())
        platform->note_fault("sessions", removed.error().text());
      if (auto made = audit->anchor(files, anchor_directory(data)); !made.ok())
        platform->note_fault("audit", made.error().text());
      if (auto kept = log->enforce_retention(); !kept.ok()) platform->note_fault("event log", kept.error().text());
      indicators->refresh();
    }
  }
}

void Live::Rooms::stop() {
  if (!http) return;
  platform->set_waiting_for({"stopping"});
  sms->begin_drain();
  if (sip) sip->drain();
  intake_thread.request_stop();
  intake_thread.join();
  threads.clear();  // asks each to stop and joins it
  detect_thread.request_stop();
  detect_thread.join();
  if (sip) sip->stop();
  api->drain();
  http->drain();
  sms->drain();
  api->detach();
  http.reset();
}

Live::Live(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}
Live::~Live() {
  if (rooms_) rooms_->stop();
}

Result<std::unique_ptr<Live>> Live::start(platform::FileSystem& files, platform::Clock& clock,
                                          const Settings& settings) {
  auto rooms = std::make_unique<Rooms>(files, clock, settings);
  TRY(rooms->start());
  return std::unique_ptr<Live>(new Live(std::move(rooms)));
}

std::string Live::url() const {
  return rooms_->url;
}
std::uint16_t Live::sip_port() const {
  return rooms_->sip ? rooms_->sip->port() : std::uint16_t{0};
}
const std::optional<guard::Identity::FirstAdmin>& Live::first_admin() const {
  return rooms_->first_admin;
}

void Live::stop() {
  rooms_->stop();
}

}  // namespace pandun::server
