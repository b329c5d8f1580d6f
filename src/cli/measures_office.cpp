#include "cli/measures_office.h"

#include "cli/configured.h"
#include "platform/clock.h"
#include "server/data_layout.h"
#include "server/detection.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::cli {

Result<> Office::open() {
  auto& files = platform::posix_files();
  const auto& clock = platform::system_clock();
  const std::string data = settings.text("data.directory"), key_file = settings.text("guard.key_file");
  TRY(files.info(server::store_path(data)));
  TRY_ASSIGN(key, platform::load_or_create_key(files, key_file.empty() ? server::key_path(data) : key_file));
  TRY_ASSIGN(knowledge, server::load_content(files, settings));
  TRY_ASSIGN(content, server::load_case_content(files, knowledge->directory));
  TRY_ASSIGN(purposes, server::load_lead_purposes(files, knowledge->directory, content->laws));
  TRY_ASSIGN(store, store::open_sqlite(server::store_path(data), clock));
  audit = std::make_unique<guard::Audit>(*store, clock, *key);
  identity = std::make_unique<guard::Identity>(*store, *audit, clock);
  vault = std::make_unique<guard::Vault>(*store, *audit, clock, *key, content->laws);
  tokens = std::make_unique<guard::NumberTokens>(*key);
  identities = std::make_unique<casework::TokenIdentities>(*tokens, casework::IdentityForm::kMasked);
  groups = std::make_unique<StoredGroups>(knowledge->groups);
  // Only the names of detectors are needed; faulty rules are the platform's to tell.
  TRY_ASSIGN(const auto parts, server::detector_parts(settings));
  const auto rules = server::load_rules(files, knowledge->directory);
  table = server::detector_table(parts, rules.ok() ? rules->get() : nullptr);
  desk = std::make_unique<casework::CaseDesk>(desk_parts());
  leads = std::make_unique<exchange::LeadDesk>(
      exchange::LeadParts{*store, *audit, *vault, clock, *key, content->laws, *purposes, *desk, *identities});
  return {};
}

casework::DeskParts Office::desk_parts() const {
  return {.store = *store,
          .audit = *audit,
          .vault = *vault,
          .clock = platform::system_clock(),
          .content = *content,
          .detectors = table,
          .identities = *identities,
          .lines = lines,
          .protected_groups = groups.get()};
}

Result<guard::Actor> Office::actor(const std::string& token_file) const {
  TRY_ASSIGN(std::string secret, platform::read_file(platform::posix_files(), token_file, 4096));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  return identity->token_actor(secret, "command line");
}

Result<std::unique_ptr<Office>> open_office(const Arguments& arguments) {
  std::vector<std::pair<std::string, std::string>> flags;
  if (arguments.has("--data")) flags.emplace_back("data.directory", arguments.text("--data"));
  TRY_ASSIGN(server::Settings settings, configured(arguments, std::move(flags)));
  auto office = std::make_unique<Office>(std::move(settings));
  TRY(office->open());
  return office;
}

}  // namespace pandun::cli
