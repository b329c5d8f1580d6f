#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configured.h"
#include "guard/audit.h"
#include "guard/json_writer.h"
#include "platform/clock.h"
#include "platform/seal.h"
#include "server/data_layout.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::cli {
namespace {

Result<> export_audit(const server::Settings& settings, const std::string& out) {
  auto& files = platform::posix_files();
  const std::string data = settings.text("data.directory");
  TRY(files.info(server::store_path(data)));
  const std::string key_file = settings.text("guard.key_file");
  TRY_ASSIGN(const platform::SealKey key,
             platform::load_or_create_key(files, key_file.empty() ? server::key_path(data) : key_file));
  TRY_ASSIGN(const auto store, store::open_sqlite(server::store_path(data), platform::system_clock()));
  TRY(files.make_directories(out));
  return guard::Audit(*store, platform::system_clock(), key).export_to(files, out);
}

int run_audit_export(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  std::vector<std::pair<std::string, std::string>> flags;
  if (arguments.has("--data")) flags.emplace_back("data.directory", arguments.text("--data"));
  auto settings = configured(arguments, std::move(flags));
  if (!settings.ok()) return fail(settings.error(), json);
  if (auto done = export_audit(*settings, arguments.text("--out")); !done.ok()) return fail(done.error(), json);
  fmt::print("exported to {}; verify it anywhere with: pandun audit verify {}\n", arguments.text("--out"),
             arguments.text("--out"));
  return 0;
}

int run_audit_verify(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const std::string directory = arguments.rest().front();
  auto report = guard::verify_audit_export(platform::posix_files(), directory, arguments.text("--key"));
  if (!report.ok()) return fail(report.error(), json);
  if (json) {
    std::string out;
    guard::JsonWriter writer(out);
    writer.begin_object()
        .key("ok")
        .boolean(report->ok)
        .field_integer("entries", report->entries)
        .field_integer("anchors", report->anchors);
    if (report->broken_at) writer.field_integer("broken_at", *report->broken_at);
    writer.field("reason", report->reason).end_object();
    fmt::print("{}\n", out);
  } else if (report->ok) {
    fmt::print("the chain holds: {} entries ({} to {}), {} anchors\n", report->entries, report->first, report->last,
               report->anchors);
  }
  if (report->ok) return 0;
  return fail(error(Errc::kBadInput, directory,
                    fmt::format("the chain is broken at entry {}: {}", report->broken_at.value_or(0), report->reason)),
              json);
}

}  // namespace

const Command kAuditExport{"audit export",
                           "write the audit chain and its anchors for an outside verifier",
                           {{"--out", "DIR", "where to", FlagKind::kText, "", true},
                            {"--data", "DIR", "the platform's data directory"},
                            kConfig,
                            kJson},
                           "",
                           "",
                           0,
                           0,
                           run_audit_export};
const Command kAuditVerify{
    "audit verify",
    "check an exported audit chain: no entry changed, dropped or moved",
    {{"--key", "HEX", "the public key that an outside holder was given; without it the export's own"}, kJson},
    "DIR",
    "an export (audit.jsonl, anchors/)",
    1,
    1,
    run_audit_verify};

}  // namespace pandun::cli
