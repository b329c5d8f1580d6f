#include "server/backtest.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/configured.h"
#include "guard/audit.h"
#include "guard/identity.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "platform/thread.h"
#include "server/backtest_shelf.h"
#include "server/data_layout.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::cli {
namespace {

Result<server::BacktestPlan> plan_of(const Arguments& arguments) {
  server::BacktestPlan plan;
  auto& files = platform::posix_files();
  for (const std::string& path : arguments.rest()) {
    TRY_ASSIGN(const std::string text, platform::read_file(files, path, 1U << 20));
    TRY_ASSIGN(auto rules, server::split_rules(text, path));
    for (server::RuleText& rule : rules) plan.rules.push_back(std::move(rule));
    if (plan.rules.empty()) return error(Errc::kBadConfig, path, "holds no rule; begin each with [[rule]]");
  }
  plan.detector = arguments.text("--detector");
  plan.model_file = arguments.text("--model");
  if (arguments.has("--set"))
    for (const std::string& text : arguments.many("--set")) {
      TRY_ASSIGN(auto option, server::parse_option(text));
      plan.options.push_back(std::move(option));
    }
  if (plan.detector.empty() && !plan.options.empty())
    return error(Errc::kUsage, "--set", "changes options of a detector: name it with --detector");
  for (const auto& [flag, target] : {std::pair{"--from", &plan.from}, {"--to", &plan.to}}) {
    const std::string text = arguments.text(flag);
    if (text.empty()) continue;
    const auto ms = parse_rfc3339(text);
    if (!ms)
      return error(Errc::kUsage, flag, "takes an RFC 3339 time with a zone, for example 2026-03-02T08:00:00+08:00");
    *target = EventMs{*ms};
  }
  const std::int64_t warm = arguments.integer("--warm-up");
  if (warm < 0 || warm > 24 * 120) return error(Errc::kUsage, "--warm-up", "takes 0 to 2880 hours");
  plan.warm_up = std::chrono::hours(warm);
  return plan;
}

void show_groups(const server::BacktestSubject& subject) {
  for (const server::BacktestGroup& group : subject.groups) {
    const std::string name = group.id.empty() ? "(none)" : group.id;
    fmt::print("  {:<24} {:>9}", name, group.people);
    if (subject.in_force) fmt::print("   +{} -{}", group.added, group.removed);
    fmt::print("  {}\n", group.title.en);
  }
}

void show(const server::BacktestSubject& subject, bool records) {
  fmt::print("\n{} {}: {} {}s, {} signals\n", subject.kind, subject.id, subject.people, subject.entity_kind,
             subject.signals);
  if (subject.in_force)
    fmt::print("  in force now: {}; added {}, removed {}\n", subject.in_force_people, subject.added, subject.removed);
  else
    fmt::print("  nothing of this name is in force\n");
  show_groups(subject);
  for (const server::BacktestDay& day : subject.days)
    fmt::print("  {}  {:>9} that day, {} for the first time\n", rfc3339(EventMs{day.start_ms}).substr(0, 10),
               day.people, day.fresh);
  for (const server::BacktestOverlap& overlap : subject.overlaps)
    if (overlap.both > 0)
      fmt::print("  also named by {}: {} of its {}{}\n", overlap.rule, overlap.both, overlap.people,
                 overlap.shadow ? " (in shadow)" : "");
  if (subject.acts_before.people > 0)
    fmt::print("  before the first hit: {} acts and {:.0f} minutes at the median\n", subject.acts_before.median,
               subject.minutes_before.median);
  if (!records) return;
  const server::BacktestKnown& known = subject.known;
  fmt::print("  of {} looked up: {} named by others, {} under a confirmed case, {} dismissed, {} lifted, {} verified\n",
             known.checked, known.alerted, known.confirmed, known.dismissed, known.lifted, known.verified);
}

// In the records, in the name of the token's owner: what a rule may go live with.
Result<> keep(server::BacktestReport& report, store::Store& store, const platform::SealKey& key,
              const std::string& token_file) {
  const auto& clock = platform::system_clock();
  const guard::Audit audit(store, clock, key);
  const guard::Identity identity(store, audit, clock);
  TRY_ASSIGN(std::string secret, platform::read_file(platform::posix_files(), token_file, 4096));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  TRY_ASSIGN(const guard::Actor actor, identity.token_actor(secret, "command line"));
  TRY(guard::require(actor, guard::Right::kIntelWrite));
  report.by = actor.name;
  return server::BacktestShelf(store, audit).keep(report);
}

int run_backtest(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  auto plan = plan_of(arguments);
  if (!plan.ok()) return fail(plan.error(), json);
  if (arguments.integer("--memory") < 16 || arguments.integer("--memory") > 1'000'000)
    return fail(error(Errc::kUsage, "--memory", "takes 16 to 1000000 MiB"), json);
  if (arguments.integer("--people") < 1) return fail(error(Errc::kUsage, "--people", "takes 1 or more"), json);
  std::vector<std::pair<std::string, std::string>> flags;
  if (arguments.has("--data")) flags.emplace_back("data.directory", arguments.text("--data"));
  auto settings = configured(arguments, std::move(flags));
  if (!settings.ok()) return fail(settings.error(), json);
  auto& files = platform::posix_files();
  auto& clock = platform::system_clock();
  const std::string data = settings->text("data.directory");
  auto content = server::load_content(files, *settings);
  if (!content.ok()) return fail(content.error(), json);
  const std::string key_file = settings->text("guard.key_file");
  const std::string key_path = key_file.empty() ? server::key_path(data) : key_file;
  if (auto there = files.info(key_path); !there.ok()) return fail(there.error(), json);
  auto key = platform::load_or_create_key(files, key_path);
  if (!key.ok()) return fail(key.error(), json);
  std::unique_ptr<store::Store> store;
  if (files.info(server::store_path(data)).ok()) {
    auto opened = store::open_sqlite(server::store_path(data), clock);
    if (!opened.ok()) return fail(opened.error(), json);
    store = std::move(*opened);
  }
  server::OnBacktest progress;
  if (platform::stderr_is_terminal())
    progress = [](const server::BacktestProgress& now) {
      fmt::print(stderr, "\r{:>12} events  {:>3.0f} %{} ", now.events, now.share * 100,
                 now.warming_up ? "  warming up" : "            ");
      std::fflush(stderr);
    };
  platform::give_way();
  server::BacktestLimits limits;
  limits.memory_bytes = static_cast<std::uint64_t>(arguments.integer("--memory")) << 20;
  limits.people_max = static_cast<std::uint64_t>(arguments.integer("--people"));
  const server::BacktestRoom room{files, clock, *settings, **content, data, *key, store.get()};
  auto report = server::run_backtest(room, *plan, limits, progress, {});
  if (progress) fmt::print(stderr, "\r{:50}\r", "");
  if (!report.ok()) return fail(report.error(), json);
  if (const std::string token = arguments.text("--token-file"); !token.empty()) {
    if (store == nullptr) return fail(error(Errc::kNotFound, data, "holds no records to keep it in"), json);
    if (auto kept = keep(*report, *store, *key, token); !kept.ok()) return fail(kept.error(), json);
  }
  if (json) {
    fmt::print("{}\n", report->to_json());
    return 0;
  }
  fmt::print("{} to {}, warmed up from {}{}; {} events in {:.1f} s\n", rfc3339(report->from), rfc3339(report->to),
             rfc3339(report->warm_from), report->short_warm_up ? " (the log reaches back no further)" : "",
             report->events, report->elapsed_s);
  for (const server::BacktestSubject& subject : report->subjects) show(subject, report->records_known);
  return 0;
}

}  // namespace

const Command kBacktest{
    "backtest",
    "run rules, a detector's changed options or a model over the platform's own past: whom they would have touched",
    {{"--data", "DIR", "the platform's data directory; it may be running"},
     kConfig,
     {"--from", "TIME", "RFC 3339, included; without it the newest seven days"},
     {"--to", "TIME", "RFC 3339, excluded"},
     {"--warm-up", "HOURS", "read in front of the range to fill windows", FlagKind::kInteger, "168"},
     {"--detector", "NAME", "instead of rules: this detector"},
     {"--set", "NAME=VALUE", "with this option changed; may be repeated", FlagKind::kMany},
     {"--model", "FILE", "instead of rules: this model"},
     {"--token-file", "FILE", "keep the result in the records; holds an API token of an analyst: whose act it is"},
     {"--memory", "MIB", "most that the state may take", FlagKind::kInteger, "4096"},
     {"--people", "N", "most that one rule may touch", FlagKind::kInteger, "500000"},
     kJson},
    "RULES",
    "rule files (docs/rules.md)",
    0,
    1000,
    run_backtest};

}  // namespace pandun::cli
