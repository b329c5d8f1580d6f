#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configured.h"
#include "eventlog/archive/archive.h"
#include "server/data_layout.h"

namespace pandun::cli {
namespace {

Result<eventlog::ArchiveQuery> query_of(const Arguments& arguments) {
  eventlog::ArchiveQuery query;
  if (const std::string kind = arguments.text("--kind"); !kind.empty()) {
    for (std::size_t i = 0; i < model::kEventKinds; ++i)
      if (model::name(static_cast<model::EventKind>(i)) == kind) query.kind = static_cast<model::EventKind>(i);
    if (!query.kind)
      return error(Errc::kUsage, "--kind",
                   kind +
                       " is not a kind: call, message, flow, dns, http, tls, file, login, sighting, opening, "
                       "cell_report, call_progress");
  }
  query.entity = arguments.text("--entity");
  if (!query.entity.empty()) {
    const bool token =
        query.entity.size() > 4 && (query.entity[0] == 'n' || query.entity[0] == 'd') && query.entity[3] == '-';
    query.entity_kind = token                                   ? eventlog::ArchiveEntity::kToken
                        : model::IpAddress::parse(query.entity) ? eventlog::ArchiveEntity::kIp
                                                                : eventlog::ArchiveEntity::kDomain;
  }
  query.from = {0};
  query.to = {4'102'444'800'000};
  for (const auto& [flag, target] : {std::pair{"--from", &query.from}, {"--to", &query.to}}) {
    const std::string text = arguments.text(flag);
    if (text.empty()) continue;
    const auto ms = parse_rfc3339(text);
    if (!ms)
      return error(Errc::kUsage, flag, "takes an RFC 3339 time with a zone, for example 2026-03-02T08:00:00+08:00");
    target->ms = *ms;
  }
  const std::int64_t limit = arguments.integer("--limit");
  if (limit < 1 || limit > 10'000'000) return error(Errc::kUsage, "--limit", "takes 1 to 10000000");
  query.limit = static_cast<std::size_t>(limit);
  return query;
}

int run_archive(const Arguments& arguments) {
  auto query = query_of(arguments);
  if (!query.ok()) return fail(query.error());
  std::vector<std::pair<std::string, std::string>> flags;
  if (arguments.has("--data")) flags.emplace_back("data.directory", arguments.text("--data"));
  auto settings = configured(arguments, std::move(flags));
  if (!settings.ok()) return fail(settings.error());
  eventlog::ArchiveOptions options;
  options.directory = server::archive_directory(settings->text("data.directory"));
  auto reader = eventlog::open_archive_reader(platform::posix_files(), options);
  if (!reader.ok()) return fail(reader.error());
  auto answer = (*reader)->query(*query);
  if (!answer.ok()) return fail(answer.error());
  for (const eventlog::ArchiveRow& row : answer->rows) fmt::print("{}\n", row.json());
  if (answer->more) fmt::print(stderr, "pandun: more rows match; raise --limit or narrow the time\n");
  return 0;
}

}  // namespace

const Command kArchiveQuery{"archive query",
                            "events of the archive by entity and time, as JSON lines; numbers stand as tokens",
                            {{"--entity", "E", "token of a number or device, address, or domain"},
                             {"--kind", "K",
                              "call, message, flow, dns, http, tls, file, login, sighting, opening, cell_report or "
                              "call_progress; without it all"},
                             {"--from", "TIME", "RFC 3339, included"},
                             {"--to", "TIME", "RFC 3339, excluded"},
                             {"--limit", "N", "rows", FlagKind::kInteger, "1000"},
                             {"--data", "DIR", "the platform's data directory"},
                             kConfig},
                            "",
                            "",
                            0,
                            0,
                            run_archive};

}  // namespace pandun::cli
