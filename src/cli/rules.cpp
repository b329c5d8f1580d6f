#include <fmt/format.h>

#include <map>

#include "cli/commands.h"
#include "cli/configured.h"
#include "guard/json_writer.h"
#include "platform/clock.h"
#include "server/backtest_shelf.h"
#include "server/content.h"
#include "server/data_layout.h"
#include "server/rule_book.h"
#include "server/rule_versions.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::cli {
namespace {

struct Line {
  std::string id, state, place, digest, back_test;
  std::uint64_t people = 0;
};

// What is in force by files and desk, then versions that are not.
Result<std::vector<Line>> lines_of(const server::Settings& settings) {
  auto& files = platform::posix_files();
  const std::string data = settings.text("data.directory");
  std::vector<api::BacktestEntry> tests;
  std::vector<api::RuleVersionEntry> versions;
  if (files.info(server::store_path(data)).ok()) {
    store::SqliteOptions options;
    options.read_only = true;
    options.quick_check = false;
    TRY_ASSIGN(const auto store, store::open_sqlite(server::store_path(data), platform::system_clock(), options));
    TRY_ASSIGN(tests, server::kept_back_tests(*store));
    TRY_ASSIGN(versions, server::kept_rule_versions(*store));
  }
  std::vector<Line> out;
  TRY_ASSIGN(const auto rules, server::rules_in_force(files, server::content_directory(files, settings), data));
  for (const server::RuleText& rule : rules)
    out.push_back({rule.id,
                   rule.live      ? "live"
                   : rule.enabled ? "shadow"
                                  : "off",
                   fmt::format("{}:{}", platform::name_of(rule.file), rule.line),
                   rule.digest,
                   {},
                   0});
  for (const api::RuleVersionEntry& version : versions)
    if (version.state == "draft" || version.state == "retired")
      out.push_back({version.rule, version.state, version.id, version.digest, {}, 0});
  for (Line& line : out)
    if (const auto* test = server::RuleVersions::newest_of(tests, line.digest); test != nullptr) {
      line.back_test = test->id;
      line.people = test->people;
    }
  return out;
}

int run_rules(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  std::vector<std::pair<std::string, std::string>> flags;
  if (arguments.has("--data")) flags.emplace_back("data.directory", arguments.text("--data"));
  auto settings = configured(arguments, std::move(flags));
  if (!settings.ok()) return fail(settings.error(), json);
  const auto lines = lines_of(*settings);
  if (!lines.ok()) return fail(lines.error(), json);
  std::string out;
  guard::JsonWriter w(out);
  if (json) w.begin_array();
  for (const Line& line : *lines) {
    if (json) {
      w.begin_object().field("id", line.id).field("state", line.state).field("place", line.place);
      w.field("digest", line.digest).field("back_test", line.back_test).key("people").unsigned_integer(line.people);
      w.end_object();
    } else {
      out += fmt::format(
          "{:<32} {:<8} {:<28} {}  {}\n", line.id, line.state, line.place, line.digest.substr(0, 12),
          line.back_test.empty() ? "no back-test kept" : fmt::format("{}: {} people", line.back_test, line.people));
    }
  }
  if (json) w.end_array();
  fmt::print("{}{}", out, json ? "\n" : "");
  return 0;
}

}  // namespace

const Command kRulesList{"rules list",
                         "rules in force and versions on their way, each with its newest back-test",
                         {{"--data", "DIR", "the platform's data directory"}, kConfig, kJson},
                         "",
                         "",
                         0,
                         0,
                         run_rules};

}  // namespace pandun::cli
