#include "server/detection.h"

#include "detectors/catalog.h"
#include "exchange/lead_desk.h"
#include "intel/library.h"
#include "server/rule_book.h"

namespace pandun::server {

detect::NumberOptions number_options(const Settings& settings) {
  detect::NumberOptions out;
  out.busy_from = static_cast<std::uint32_t>(settings.integer("engine.busy_from"));
  out.listed_most = static_cast<std::uint64_t>(settings.integer("engine.listed_numbers"));
  return out;
}

Result<std::vector<detect::EngineConfig::Part>> detector_parts(const Settings& settings) {
  std::vector<detect::EngineConfig::Part> parts;
  std::string faults;
  for (const detect::DetectorPart& part : detectors::catalog()) {
    const detect::DetectorSpec& spec = part.spec();
    if (!settings.detector_enabled(spec.name)) continue;
    auto options = detect::Options::parse(spec, settings.detector_options(spec.name));
    if (!options.ok()) {
      faults += (faults.empty() ? "" : "\n  ") + options.error().text();
      continue;
    }
    parts.push_back({part, std::move(*options)});
  }
  if (!faults.empty()) return error(Errc::kBadConfig, "detectors", faults);
  return parts;
}

Result<> set_record_began(std::vector<detect::EngineConfig::Part>& parts, const Settings& settings,
                          std::int64_t began_s) {
  constexpr std::string_view kOption = "record_began_s";
  for (auto& part : parts) {
    const detect::DetectorSpec& spec = part.part.spec();
    const auto named = [kOption](const auto& option) { return std::string_view(option) == kOption; };
    bool asks = false, set = false;
    for (const detect::OptionSpec& option : spec.options) asks = asks || named(option.name);
    auto values = settings.detector_options(spec.name);
    for (const auto& [name, value] : values) set = set || named(name);
    if (!asks || set) continue;
    values.emplace_back(kOption, static_cast<double>(began_s));
    TRY_ASSIGN(part.options, detect::Options::parse(spec, values));
  }
  return {};
}

Result<std::shared_ptr<const detect::RuleSet>> load_rules(platform::FileSystem& files,
                                                          const std::string& content_directory) {
  const std::string directory = platform::join(content_directory, "rules");
  TRY_ASSIGN(const auto names, files.list(directory));
  std::vector<detect::RuleSource> sources;
  for (const std::string& name : names) {
    if (!name.ends_with(".toml")) continue;
    const std::string path = platform::join(directory, name);
    TRY_ASSIGN(std::string text, platform::read_file(files, path, 16U << 20));
    sources.push_back({path, std::move(text)});
  }
  return compile_rules(sources, directory);
}

casework::DetectorTable detector_table(const std::vector<detect::EngineConfig::Part>& parts,
                                       const detect::RuleSet* rules) {
  casework::DetectorTable table;
  for (const auto& part : parts) {
    const detect::DetectorSpec& spec = part.part.spec();
    table.set(std::string(spec.name), {spec.episode_gap,
                                       {spec.techniques.begin(), spec.techniques.end()},
                                       {std::string(spec.title_zh), std::string(spec.title_en)}});
  }
  if (rules != nullptr)
    for (const detect::Rule& rule : rules->rules()) table.set(rule.id, {rule.episode_gap, rule.techniques, rule.title});
  table.set(std::string(exchange::kLeadDetector), {exchange::kLeadEpisode, {}, {"合作单位线索", "Partner's lead"}});
  return table;
}

Result<std::shared_ptr<const intel::Matcher>> read_indicators(platform::FileSystem& files,
                                                              const std::vector<std::string>& paths,
                                                              const Content& content) {
  std::vector<std::shared_ptr<const intel::IndicatorList>> lists;
  for (const std::string& path : paths) {
    TRY_ASSIGN(const std::string text, platform::read_file(files, path, 4ULL << 30));
    intel::ReadReport report;
    intel::ReadOptions options;
    options.defaults.source = platform::name_of(path);
    TRY_ASSIGN(auto list, intel::read_indicator_list(platform::name_of(path), text, options, report));
    if (report.read == 0 && report.faulty() > 0)
      return error(Errc::kBadInput, path, "holds no indicator that could be read; see docs/intel.md for the forms");
    lists.push_back(std::move(list));
  }
  return intel::Matcher::build(lists, &content.services, std::nullopt);
}

}  // namespace pandun::server
