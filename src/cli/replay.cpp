#include "server/replay.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/configured.h"
#include "platform/process.h"

namespace pandun::cli {
namespace {

void show(const server::ReplaySummary& summary, const std::string& out) {
  fmt::print("{} events from {} files, {} rejected, {} late\n", summary.total, summary.files, summary.rejected,
             summary.late);
  for (const auto& [kind, count] : summary.events) fmt::print("  {:<10} {}\n", kind, count);
  for (const auto& [name, count] : summary.unread) fmt::print("  unread     {} ({})\n", count, name);
  fmt::print("{} alerts in {} incidents\n", summary.alerts, summary.incidents);
  for (const auto& [detector, count] : summary.alerts_by_detector) fmt::print("  {:<24} {}\n", detector, count);
  fmt::print("{:.2f} s, {:.0f} events/s, peak {} MiB; written to {}\n", summary.elapsed_s, summary.events_per_s,
             summary.peak_rss_bytes >> 20, out);
}

int run_replay(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  server::ReplayOptions options;
  options.inputs = arguments.rest();
  options.out = arguments.text("--out");
  options.map_file = arguments.text("--map");
  options.signals = arguments.text("--signals");
  options.features = arguments.text("--features");
  const auto form = casework::parse_identity_form(arguments.text("--identities"));
  if (!form) return fail(error(Errc::kUsage, "--identities", "takes masked, token or clear"), json);
  options.identities = *form;
  const std::int64_t batch = arguments.integer("--batch");
  if (batch < 1 || batch > 1'000'000) return fail(error(Errc::kUsage, "--batch", "takes 1 to 1000000"), json);
  options.batch_events = static_cast<std::size_t>(batch);

  std::vector<std::pair<std::string, std::string>> flags;
  if (arguments.has("--shards")) flags.emplace_back("engine.shards", arguments.text("--shards"));
  auto settings = configured(arguments, std::move(flags));
  if (!settings.ok()) return fail(settings.error(), json);
  options.shards = static_cast<std::uint32_t>(settings->integer("engine.shards"));
  if (platform::stderr_is_terminal())
    options.progress = [](std::uint64_t events, double seconds) {
      fmt::print(stderr, "\r{:>12} events  {:>9.0f}/s ", events, static_cast<double>(events) / seconds);
      std::fflush(stderr);
    };

  auto summary = server::replay(platform::posix_files(), *settings, options);
  if (options.progress) fmt::print(stderr, "\r{:50}\r", "");
  if (!summary.ok()) return fail(summary.error(), json);
  if (json)
    fmt::print("{}\n", summary->to_json());
  else
    show(*summary, options.out);
  return 0;
}

}  // namespace

const Command kReplay{
    "replay",
    "run recorded input through the engine and write alerts, incidents, rejects and a summary",
    {{"--out", "DIR", "where results are written", FlagKind::kText, "", true},
     kConfig,
     {"--shards", "N", "threads that own detection state", FlagKind::kInteger},
     {"--identities", "FORM", "how numbers are shown: masked, token or clear", FlagKind::kText, "masked"},
     {"--map", "FILE", "column map for calls and messages (docs/inputs.md)"},
     {"--signals", "FILE", "also write every signal when it is made, before signals are folded into alerts"},
     {"--features", "FILE", "also write the rows of features that a model learns from and is shown (docs/learn.md)"},
     {"--batch", "N", "events read at a time; changes speed only", FlagKind::kInteger, "4096"},
     kJson},
    "INPUT",
    "KIND:PATH, for example calls:day.csv.gz zeek:logs/ eve:eve.json messages:- intel:list.txt",
    1,
    100000,
    run_replay};

}  // namespace pandun::cli
