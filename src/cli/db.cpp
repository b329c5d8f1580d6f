#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configured.h"
#include "platform/clock.h"
#include "server/data_layout.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::cli {
namespace {

Result<std::unique_ptr<store::Store>> open_records(const Arguments& arguments) {
  std::vector<std::pair<std::string, std::string>> flags;
  if (arguments.has("--data")) flags.emplace_back("data.directory", arguments.text("--data"));
  TRY_ASSIGN(const server::Settings settings, configured(arguments, std::move(flags)));
  const std::string path = server::store_path(settings.text("data.directory"));
  TRY(platform::posix_files().info(path));
  return store::open_sqlite(path, platform::system_clock());
}

int run_db_backup(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  auto store = open_records(arguments);
  if (!store.ok()) return fail(store.error(), json);
  const std::string out = arguments.text("--out");
  if (auto done = (*store)->backup(out); !done.ok()) return fail(done.error(), json);
  fmt::print("{}: a complete, verified copy\n", out);
  return 0;
}

int run_db_check(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  auto store = open_records(arguments);
  if (!store.ok()) return fail(store.error(), json);
  if (auto done = (*store)->check(); !done.ok()) return fail(done.error(), json);
  const store::StoreStatus status = (*store)->status();
  fmt::print("{}: good; schema {}, {} bytes\n", status.path, status.schema_version, status.bytes);
  return 0;
}

}  // namespace

const Command kDbBackup{
    "db backup",
    "copy the records store, also while the platform runs",
    {{"--out", "FILE", "the copy; must not exist", FlagKind::kText, "", true}, kData, kConfig, kJson},
    "",
    "",
    0,
    0,
    run_db_backup};
const Command kDbCheck{"db check",  "check the records store's integrity", {kData, kConfig, kJson}, "", "", 0, 0,
                       run_db_check};

}  // namespace pandun::cli
