#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/commands.h"
#include "cli/configured.h"
#include "guard/json_writer.h"
#include "intel/library.h"
#include "platform/clock.h"
#include "server/content.h"

namespace pandun::cli {
namespace {

std::string library_directory(const server::Settings& settings) {
  return platform::join(settings.text("data.directory"), "intel");
}

struct Opened {
  server::Settings settings;
  intel::Library library;
};

Result<std::unique_ptr<Opened>> open_library(const Arguments& arguments) {
  std::vector<std::pair<std::string, std::string>> flags;
  if (arguments.has("--data")) flags.emplace_back("data.directory", arguments.text("--data"));
  TRY_ASSIGN(server::Settings settings, configured(arguments, std::move(flags)));
  const std::string directory = library_directory(settings);
  auto opened =
      std::make_unique<Opened>(Opened{std::move(settings), intel::Library(platform::posix_files(), directory)});
  TRY(opened->library.load());
  for (const Error& fault : opened->library.faults()) fmt::print(stderr, "pandun: {}\n", fault.text());
  return opened;
}

int run_intel_import(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  auto opened = open_library(arguments);
  if (!opened.ok()) return fail(opened.error(), json);
  const std::string path = arguments.rest().front();
  const auto content = platform::read_file(platform::posix_files(), path, 4ULL << 30);
  if (!content.ok()) return fail(content.error(), json);
  intel::ReadOptions options;
  options.now = platform::system_clock().wall().ms;
  options.defaults.topic = arguments.text("--topic");
  options.defaults.source = path;
  options.defaults.severity =
      static_cast<std::uint8_t>(std::clamp<std::int64_t>(arguments.integer("--severity"), 0, 100));
  options.defaults.confidence =
      static_cast<std::uint8_t>(std::lround(std::clamp(arguments.number("--confidence"), 0.0, 1.0) * 100));
  options.lifetime_ms = arguments.integer("--days") * 86'400'000;
  auto report = (*opened)->library.import(arguments.text("--name"), *content, options);
  if (!report.ok()) return fail(report.error(), json);
  if (json) {
    fmt::print("{{\"lines\":{},\"read\":{},\"duplicates\":{},\"faulty\":{}}}\n", report->lines, report->read,
               report->duplicates, report->faulty());
    return 0;
  }
  fmt::print("{} lines: {} indicators, {} duplicates, {} refused\n", report->lines, report->read, report->duplicates,
             report->faulty());
  for (std::size_t i = 0; i < report->faults.size() && i < 20; ++i)
    fmt::print("  {}:{}: {}: {}\n", path, report->faults[i].line, intel::name(report->faults[i].fault),
               report->faults[i].detail);
  if (report->faulty() > 20) fmt::print("  … {} more\n", report->faulty() - 20);
  return 0;
}

const intel::Hit* match(const intel::Matcher& matcher, const std::string& text) {
  if (const auto ip = model::IpAddress::parse(text)) return matcher.address(*ip);
  if (const std::size_t scheme = text.find("://"); scheme != std::string::npos) {
    const std::string rest = text.substr(scheme + 3);
    const std::size_t slash = rest.find('/');
    const std::string host = rest.substr(0, slash);
    if (const intel::Hit* hit = matcher.url(host, slash == std::string::npos ? "/" : rest.substr(slash))) return hit;
    return matcher.domain(host);
  }
  const bool hex = text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (hex && (text.size() == 32 || text.size() == 40 || text.size() == 64)) return matcher.hash(text);
  return matcher.domain(text);
}

int run_intel_match(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  auto opened = open_library(arguments);
  if (!opened.ok()) return fail(opened.error(), json);
  auto content = server::load_content(platform::posix_files(), (*opened)->settings);
  if (!content.ok()) return fail(content.error(), json);
  const auto matcher = (*opened)->library.matcher(&(*content)->services, platform::system_clock().wall().ms);
  for (const std::string& text : arguments.rest()) {
    const intel::Hit* hit = match(*matcher, text);
    if (json) {
      std::string out;
      guard::JsonWriter writer(out);
      writer.begin_object().field("value", text).key("hit").boolean(hit != nullptr);
      if (hit != nullptr)
        writer.field("indicator", hit->indicator)
            .field("list", hit->list)
            .field("topic", hit->topic)
            .key("severity")
            .unsigned_integer(hit->severity);
      writer.end_object();
      fmt::print("{}\n", out);
    } else if (hit == nullptr) {
      fmt::print("{}: no match\n", text);
    } else {
      fmt::print("{}: {} in list {} ({}, severity {}, confidence {:.2f})\n", text, hit->indicator, hit->list,
                 hit->topic, hit->severity, hit->confidence);
    }
  }
  return 0;
}

int run_intel_list(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  auto opened = open_library(arguments);
  if (!opened.ok()) return fail(opened.error(), json);
  for (const intel::ListInfo& list : (*opened)->library.lists()) {
    if (json) {
      std::string out;
      guard::JsonWriter(out)
          .begin_object()
          .field("name", list.name)
          .field("source", list.source)
          .key("indicators")
          .unsigned_integer(list.indicators)
          .end_object();
      fmt::print("{}\n", out);
    } else {
      fmt::print("{:<32} {:>9} indicators  {}\n", list.name, list.indicators, list.source);
    }
  }
  return 0;
}

}  // namespace

const Command kIntelImport{
    "intel import",
    "read an indicator list (plain, CSV or hosts file) into the library",
    {{"--name", "NAME", "name of the list; a list of that name is replaced", FlagKind::kText, "", true},
     {"--topic", "ID", "what the list is about (content/topics.toml)", FlagKind::kText, "c2"},
     {"--severity", "0-100", "where a line does not say", FlagKind::kInteger, "70"},
     {"--confidence", "0-1", "where a line does not say", FlagKind::kNumber, "0.7"},
     {"--days", "N", "lifetime where a line does not say; 0 = no end", FlagKind::kInteger, "90"},
     kData,
     kConfig,
     kJson},
    "FILE",
    "the list",
    1,
    1,
    run_intel_import};
const Command kIntelMatch{"intel match",
                          "ask the library for addresses, domains, URLs or hashes",
                          {kData, kConfig, kJson},
                          "VALUE",
                          "what to look up",
                          1,
                          100000,
                          run_intel_match};
const Command kIntelList{"intel list",  "show the library's lists", {kData, kConfig, kJson}, "", "", 0, 0,
                         run_intel_list};

}  // namespace pandun::cli
