// Lists between the platform and the carriers, beside a running platform or without one.
#include <fmt/format.h>

#include "casework/check_lists.h"
#include "casework/identities.h"
#include "cli/commands.h"
#include "cli/configured.h"
#include "guard/audit.h"
#include "guard/identity.h"
#include "guard/json_writer.h"
#include "guard/vault.h"
#include "platform/clock.h"
#include "platform/seal.h"
#include "server/content.h"
#include "server/data_layout.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::cli {
namespace {

class NoLines final : public casework::SourceLines {
 public:
  std::string line(const model::SourceRef&) const override { return {}; }
};

// A desk over the stored records, with nothing that detects or decides.
struct Office {
  explicit Office(server::Settings s) : settings(std::move(s)) {}
  Result<> open() {
    auto& files = platform::posix_files();
    const auto& clock = platform::system_clock();
    const std::string data = settings.text("data.directory"), key_file = settings.text("guard.key_file");
    TRY(files.info(server::store_path(data)));
    TRY_ASSIGN(key, platform::load_or_create_key(files, key_file.empty() ? server::key_path(data) : key_file));
    TRY_ASSIGN(content, server::load_case_content(files, server::content_directory(files, settings)));
    TRY_ASSIGN(store, store::open_sqlite(server::store_path(data), clock));
    audit = std::make_unique<guard::Audit>(*store, clock, *key);
    identity = std::make_unique<guard::Identity>(*store, *audit, clock);
    vault = std::make_unique<guard::Vault>(*store, *audit, clock, *key, content->laws);
    tokens = std::make_unique<guard::NumberTokens>(*key);
    identities = std::make_unique<casework::TokenIdentities>(*tokens, casework::IdentityForm::kMasked);
    desk = std::make_unique<casework::CaseDesk>(casework::DeskParts{.store = *store,
                                                                    .audit = *audit,
                                                                    .vault = *vault,
                                                                    .clock = clock,
                                                                    .content = *content,
                                                                    .detectors = table,
                                                                    .identities = *identities,
                                                                    .lines = lines});
    return {};
  }
  // Who acts is told by an API token, so that the audit names them.
  Result<guard::Actor> actor(const std::string& token_file) const {
    TRY_ASSIGN(std::string secret, platform::read_file(platform::posix_files(), token_file, 4096));
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
    return identity->token_actor(secret, "command line");
  }

  server::Settings settings;
  std::optional<platform::SealKey> key;
  std::unique_ptr<casework::CaseworkContent> content;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<guard::Audit> audit;
  std::unique_ptr<guard::Identity> identity;
  std::unique_ptr<guard::Vault> vault;
  std::unique_ptr<guard::NumberTokens> tokens;
  std::unique_ptr<casework::TokenIdentities> identities;
  casework::DetectorTable table;
  NoLines lines;
  std::unique_ptr<casework::CaseDesk> desk;
};

Result<std::unique_ptr<Office>> open_office(const Arguments& arguments) {
  std::vector<std::pair<std::string, std::string>> flags;
  if (arguments.has("--data")) flags.emplace_back("data.directory", arguments.text("--data"));
  TRY_ASSIGN(server::Settings settings, configured(arguments, std::move(flags)));
  auto office = std::make_unique<Office>(std::move(settings));
  TRY(office->open());
  return office;
}

Result<casework::CheckImport> import(const Arguments& arguments) {
  TRY_ASSIGN(const auto office, open_office(arguments));
  TRY_ASSIGN(const guard::Actor actor, office->actor(arguments.text("--token-file")));
  std::unique_ptr<platform::WritableFile> rejects;
  if (arguments.has("--rejects")) {
    TRY_ASSIGN(rejects, platform::posix_files().create(arguments.text("--rejects")));
  }
  TRY_ASSIGN(const casework::CheckImport report, casework::import_checks(platform::posix_files(), *office->desk, actor,
                                                                         arguments.rest().front(), rejects.get()));
  TRY(office->audit->record_alone({actor.name,
                                   "measures.import",
                                   "checks",
                                   {{"lines", fmt::to_string(report.lines)},
                                    {"passed", fmt::to_string(report.passed)},
                                    {"failed", fmt::to_string(report.failed)},
                                    {"no_answer", fmt::to_string(report.no_answer)},
                                    {"rejected", fmt::to_string(report.rejected)}}}));
  return report;
}

Result<std::uint64_t> export_list(const Arguments& arguments) {
  TRY_ASSIGN(const auto office, open_office(arguments));
  TRY_ASSIGN(const guard::Actor actor, office->actor(arguments.text("--token-file")));
  TRY(guard::require(actor, guard::Right::kTriage));
  TRY_ASSIGN(auto out, platform::posix_files().create(arguments.text("--out")));
  const casework::MeasureList wish{arguments.text("--kind"), arguments.text("--state")};
  TRY_ASSIGN(const std::uint64_t written, casework::export_measures(*office->store, wish, *out));
  TRY(office->audit->record_alone(
      {actor.name,
       "measures.export",
       "measures",
       {{"kind", wish.kind}, {"state", wish.state}, {"written", fmt::to_string(written)}}}));
  return written;
}

int run_import(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto report = import(arguments);
  if (!report.ok()) return fail(report.error(), json);
  fmt::print(fmt::runtime(json ? "{{\"lines\":{},\"passed\":{},\"failed\":{},\"no_answer\":{},\"rejected\":{}}}\n"
                               : "{} lines: {} passed, {} failed, {} without an answer, {} rejected\n"),
             report->lines, report->passed, report->failed, report->no_answer, report->rejected);
  return 0;
}

int run_export(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto written = export_list(arguments);
  if (!written.ok()) return fail(written.error(), json);
  fmt::print(fmt::runtime(json ? "{{\"written\":{}}}\n" : "{} measures written\n"), *written);
  return 0;
}

constexpr Flag kToken{"--token-file",  "FILE", "holds an API token of an analyst: whose act it is",
                      FlagKind::kText, "",     true};
constexpr Flag kData{"--data", "DIR", "the platform's data directory"};

}  // namespace

const Command kMeasuresImport{
    "measures import",
    "take in results of re-verification (CSV: token,result)",
    {kToken, {"--rejects", "FILE", "where lines go that could not be used"}, kData, kConfig, kJson},
    "FILE",
    "token,result a line; result is passed, failed or no_answer",
    1,
    1,
    run_import};
const Command kMeasuresExport{"measures export",
                              "write measures about numbers, tokens only (CSV)",
                              {{"--out", "FILE", "where to", FlagKind::kText, "", true},
                               {"--kind", "KIND", "only this kind, for example reverify"},
                               {"--state", "STATE", "only in this state, for example ordered"},
                               kToken,
                               kData,
                               kConfig,
                               kJson},
                              "",
                              "",
                              0,
                              0,
                              run_export};

}  // namespace pandun::cli
