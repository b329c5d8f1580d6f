#include <fmt/format.h>

#include "cli/commands.h"
#include "detectors/catalog.h"
#include "guard/json_writer.h"
#include "server/catalogues.h"
#include "server/content.h"
#include "server/detection.h"
#include "server/fraud_topics.h"

namespace pandun::cli {
namespace {

int run(const Arguments& arguments) {
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
                     run};

}  // namespace pandun::cli
