// Lists between the platform and the carriers, beside a running platform or without one.
#include <fmt/format.h>

#include <unistd.h>

#include "casework/card_batches.h"
#include "casework/check_lists.h"
#include "cli/commands.h"
#include "cli/measures_office.h"

namespace pandun::cli {
namespace {

Result<casework::CheckImport> import_checks(const Arguments& arguments) {
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
  const casework::MeasureList wish{arguments.text("--kind"), arguments.text("--state"), arguments.text("--batch")};
  TRY_ASSIGN(const std::uint64_t written, casework::export_measures(*office->store, wish, *out));
  TRY(office->audit->record_alone(
      {actor.name,
       "measures.export",
       "measures",
       {{"kind", wish.kind}, {"state", wish.state}, {"written", fmt::to_string(written)}}}));
  return written;
}

Result<casework::CardBatchView> load(const Arguments& arguments) {
  TRY_ASSIGN(const auto office, open_office(arguments));
  TRY_ASSIGN(const guard::Actor actor, office->actor(arguments.text("--token-file")));
  auto& files = platform::posix_files();
  const std::string path = arguments.rest().front();
  TRY_ASSIGN(const auto list, files.open_read(path));
  std::unique_ptr<platform::WritableFile> rejects;
  if (arguments.has("--rejects")) {
    TRY_ASSIGN(rejects, files.create(arguments.text("--rejects")));
  }
  const bool terminal = ::isatty(2) == 1;
  casework::CardHooks hooks;
  hooks.progress = [&](std::int64_t lines, std::uint64_t bytes, std::uint64_t total) {
    if (terminal) fmt::print(stderr, "\r{:>3} %  {} lines", total > 0 ? bytes * 100 / total : 100, lines);
  };
  if (rejects != nullptr)
    hooks.fault = [&](std::int64_t line, std::string_view why) {
      return rejects->append(fmt::format("{},\"{}\"\n", line, why));
    };
  casework::CardDesk desk(office->desk_parts());
  TRY_ASSIGN(casework::CardBatchView loaded,
             desk.load(actor, arguments.text("--case"), platform::name_of(path), *list, hooks));
  if (terminal) fmt::print(stderr, "\r\033[K");
  if (rejects != nullptr) TRY(rejects->sync());
  return loaded;
}

int run_measures_load(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto loaded = load(arguments);
  if (!loaded.ok()) return fail(loaded.error(), json);
  const store::CardBatchRow& row = loaded->row;
  if (json) {
    fmt::print(
        "{{\"batch\":\"{}\",\"state\":\"{}\",\"lines\":{},\"members\":{},\"duplicate\":{},\"faulty\":{},"
        "\"set_aside\":{},\"groups\":{}}}\n",
        row.id, row.state, row.lines, row.members, row.duplicate, row.faulty, row.set_aside, row.groups);
    return 0;
  }
  fmt::print("{} ({}): {} lines, {} numbers, {} twice, {} faulty, {} of protected groups set aside\n", row.id,
             row.state, row.lines, row.members, row.duplicate, row.faulty, row.set_aside);
  for (const auto& [group, n] : loaded->groups) fmt::print("  {}: {}\n", group, n);
  fmt::print("propose a measure for it in the console; another person approves it\n");
  return 0;
}

int run_measures_import(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto report = import_checks(arguments);
  if (!report.ok()) return fail(report.error(), json);
  fmt::print(fmt::runtime(json ? "{{\"lines\":{},\"passed\":{},\"failed\":{},\"no_answer\":{},\"rejected\":{}}}\n"
                               : "{} lines: {} passed, {} failed, {} without an answer, {} rejected\n"),
             report->lines, report->passed, report->failed, report->no_answer, report->rejected);
  return 0;
}

int run_measures_export(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto written = export_list(arguments);
  if (!written.ok()) return fail(written.error(), json);
  fmt::print(fmt::runtime(json ? "{{\"written\":{}}}\n" : "{} measures written\n"), *written);
  return 0;
}

}  // namespace

const Command kMeasuresImport{
    "measures import",
    "take in results of re-verification (CSV: token,result)",
    {kOfficeToken, {"--rejects", "FILE", "where lines go that could not be used"}, kOfficeData, kConfig, kJson},
    "FILE",
    "token,result a line; result is passed, failed or no_answer",
    1,
    1,
    run_measures_import};
const Command kMeasuresLoad{
    "measures load",
    "load a list of cards (CSV: token[,protected_group]) for a case, to be proposed about as one",
    {{"--case", "ID", "the case it belongs to", FlagKind::kText, "", true},
     {"--rejects", "FILE", "where the lines go that could not be used"},
     kOfficeToken,
     kOfficeData,
     kConfig,
     kJson},
    "FILE",
    "at most 5,000,000 lines; protected_group: none, or the group as the carrier knows it",
    1,
    1,
    run_measures_load};
const Command kMeasuresExport{"measures export",
                              "write measures about numbers, tokens only (CSV)",
                              {{"--out", "FILE", "where to", FlagKind::kText, "", true},
                               {"--kind", "KIND", "only this kind, for example reverify"},
                               {"--state", "STATE", "only in this state, for example ordered"},
                               {"--batch", "ID", "only of this batch"},
                               kOfficeToken,
                               kOfficeData,
                               kConfig,
                               kJson},
                              "",
                              "",
                              0,
                              0,
                              run_measures_export};

}  // namespace pandun::cli
