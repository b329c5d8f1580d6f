#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/configured.h"
#include "platform/process.h"
#include "province/province.h"
#include "server/content.h"
#include "server/simulation.h"

namespace pandun::cli {
namespace {

int run_simulate(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  std::vector<std::pair<std::string, std::string>> flags;
  for (const auto& [flag, key] :
       {std::pair{"--seed", "simulate.seed"}, {"--numbers", "simulate.numbers"}, {"--scenario", "simulate.scenario"}})
    if (arguments.has(flag)) flags.emplace_back(key, arguments.text(flag));
  auto settings = configured(arguments, std::move(flags));
  if (!settings.ok()) return fail(settings.error(), json);
  auto config = server::province_config(platform::posix_files(), *settings);
  if (!config.ok()) return fail(config.error(), json);
  config->hours = arguments.number("--hours");
  if (!(config->hours > 0 && config->hours <= 24 * 366))
    return fail(error(Errc::kUsage, "--hours", "takes more than 0, at most 8784"), json);

  const auto progress = [](double share) {
    fmt::print(stderr, "\r{:>5.1f} % ", share * 100);
    std::fflush(stderr);
  };
  const bool terminal = platform::stderr_is_terminal();
  auto counts = province::write_files(platform::posix_files(), arguments.text("--out"), *config,
                                      terminal ? std::function<void(double)>(progress) : std::function<void(double)>());
  if (terminal) fmt::print(stderr, "\r{:12}\r", "");
  if (!counts.ok()) return fail(counts.error(), json);
  const province::Province::Counts& n = *counts;
  if (json)
    fmt::print("{{\"calls\":{},\"messages\":{},\"conn\":{},\"dns\":{},\"http\":{},\"ssl\":{},\"planted\":{}}}\n",
               n.calls, n.messages, n.conn, n.dns, n.http, n.ssl, n.planted);
  else
    fmt::print(
        "{} calls, {} messages, {} conn, {} dns, {} http, {} ssl records; {} planted (truth.jsonl); written to {}\n",
        n.calls, n.messages, n.conn, n.dns, n.http, n.ssl, n.planted, arguments.text("--out"));
  return 0;
}

}  // namespace

const Command kSimulate{"simulate",
                        "write a day of a seeded province: calls, messages, Zeek-form logs and what was planted",
                        {{"--out", "DIR", "where the files are written", FlagKind::kText, "", true},
                         {"--seed", "N", "the same seed gives the same bytes", FlagKind::kInteger},
                         {"--numbers", "N", "people and machines", FlagKind::kInteger},
                         {"--hours", "H", "how much event time", FlagKind::kNumber, "24"},
                         {"--scenario", "FILE", "what is planted; see docs/simulator.md"},
                         kConfig,
                         kJson},
                        "",
                        "",
                        0,
                        0,
                        run_simulate};

}  // namespace pandun::cli
