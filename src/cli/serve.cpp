#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/configured.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "server/live.h"

namespace pandun::cli {
namespace {

int run_serve(const Arguments& arguments) {
  std::vector<std::pair<std::string, std::string>> flags;
  for (const auto& [flag, key] : {std::pair{"--data", "data.directory"},
                                  {"--listen", "server.listen"},
                                  {"--console", "server.console_directory"},
                                  {"--simulate-numbers", "simulate.numbers"},
                                  {"--simulate-speed", "simulate.speed"},
                                  {"--simulate-seed", "simulate.seed"}})
    if (arguments.has(flag)) flags.emplace_back(key, arguments.text(flag));
  if (arguments.has("--simulate")) flags.emplace_back("simulate.enabled", "true");
  auto settings = configured(arguments, std::move(flags));
  if (!settings.ok()) return fail(settings.error());

  platform::block_stop_signals();  // before any thread starts, so that only wait_for_stop_signal() sees them
  auto live = server::Live::start(platform::posix_files(), platform::system_clock(), *settings);
  if (!live.ok()) return fail(live.error());
  if (const auto& admin = (*live)->first_admin())
    fmt::print("admin password: {}\n  shown once: sign in as {} and choose another\n", admin->password,
               admin->username);
  if (const auto port = (*live)->sip_port(); port != 0) fmt::print("sip port {} (UDP and TCP)\n", port);
  fmt::print("ready {}\n", (*live)->url());
  std::fflush(stdout);
  platform::wait_for_stop_signal();
  fmt::print(stderr, "stopping\n");
  (*live)->stop();
  return 0;
}

}  // namespace

const Command kServe{
    "serve",
    "run the platform: take in feeds, detect, serve API and console",
    {kConfig,
     {"--data", "DIR", "where state is kept"},
     {"--listen", "ADDRESS:PORT", "API and console; port 0 takes a free one"},
     {"--console", "DIR", "the built console"},
     {"--simulate", "", "feed the platform from the built-in province", FlagKind::kSwitch},
     {"--simulate-numbers", "N", "people and machines of the province", FlagKind::kInteger},
     {"--simulate-speed", "X", "event seconds per second until it has caught up with the clock", FlagKind::kNumber},
     {"--simulate-seed", "N", "the same seed gives the same province", FlagKind::kInteger}},
    "",
    "",
    0,
    0,
    run_serve};

}  // namespace pandun::cli
