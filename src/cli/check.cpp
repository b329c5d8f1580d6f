#include <fmt/format.h>

#include "cli/commands.h"
#include "detectors/catalog.h"
#include "guard/json_writer.h"
#include "platform/clock.h"
#include "server/catalogues.h"
#include "server/content.h"
#include "server/data_layout.h"
#include "server/detection.h"
#include "server/fraud_topics.h"
#include "server/rule_desk.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::cli {
namespace {

// Live rules of the site's own that nobody has tried on its past. What cannot be read is another check's fault.
std::vector<std::string> untested(const server::Settings& settings, const std::string& content) {
  auto& files = platform::posix_files();
  const std::string data = settings.text("data.directory");
  std::unique_ptr<store::Store> store;
  if (files.info(server::store_path(data)).ok()) {
    store::SqliteOptions options;
    options.read_only = true;
    options.quick_check = false;
    if (auto opened = store::open_sqlite(server::store_path(data), platform::system_clock(), options); opened.ok())
      store = std::move(*opened);
  }
  auto rules = server::untested_rules(files, content, data, store.get());
  return rules.ok() ? std::move(*rules) : std::vector<std::string>();
}

int run_check(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  auto& files = platform::posix_files();
  const server::LoadedSettings loaded =
      server::load_settings(files, {arguments.text("--config"), {}, true}, detectors::catalog());
  if (arguments.has("--print"))
    for (const auto& [key, setting] : loaded.settings.all())
      fmt::print("{} = {:<40} # {}\n", key, setting.value, setting.origin);
  if (!loaded.faults.empty()) return fail(server::as_error(loaded.faults), json);

  std::string faults;
  const auto note = [&faults](const auto& result) {
    if (!result.ok()) faults += (faults.empty() ? "" : "\n  ") + result.error().text();
    return result.ok();
  };
  auto content = server::load_content(files, loaded.settings);
  note(content);
  note(server::detector_parts(loaded.settings));
  note(server::load_rules(files, server::content_directory(files, loaded.settings)));
  note(server::load_case_content(files, server::content_directory(files, loaded.settings)));
  note(server::load_catalogues(files, server::content_directory(files, loaded.settings)));
  note(server::load_fraud_topics(files, server::content_directory(files, loaded.settings), detectors::catalog()));
  if (!faults.empty()) return fail(error(Errc::kBadConfig, "content", faults), json);
  for (const std::string& rule : untested(loaded.settings, (*content)->directory))
    fmt::print(
        stderr,
        "pandun: warning: {}: live without a back-test of this text; run `pandun backtest` and see docs/rules.md\n",
        rule);
  if (json)
    fmt::print("{{\"ok\":true,\"content_digest\":\"{}\"}}\n", (*content)->digest);
  else
    fmt::print("configuration and content are good; content {} in {}\n", (*content)->digest, (*content)->directory);
  return 0;
}

}  // namespace

const Command kCheck{"check",
                     "validate configuration and all content; report every fault",
                     {kConfig, {"--print", "", "show every setting with its origin", FlagKind::kSwitch}, kJson},
                     "",
                     "",
                     0,
                     0,
                     run_check};

}  // namespace pandun::cli
