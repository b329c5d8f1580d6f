// What detection is made from: the catalogue's detectors with their options, rules, ports. Used by replay and live alike.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "casework/alert_folder.h"
#include "detect/engine.h"
#include "detect/rules/rule_set.h"
#include "server/content.h"
#include "server/ports.h"
#include "server/settings.h"

namespace pandun::server {

// kBadConfig with every fault of every detector's options.
Result<std::vector<detect::EngineConfig::Part>> detector_parts(const Settings& settings);

// How the state of numbers is kept: engine.busy_from, engine.listed_numbers.
detect::NumberOptions number_options(const Settings& settings);

// Tells detectors that ask (option record_began_s) when the record began, seconds since 1970, unless the settings say so.
Result<> set_record_began(std::vector<detect::EngineConfig::Part>& parts, const Settings& settings,
                          std::int64_t began_s);

// content/rules/*.toml; kBadConfig with every fault as file:line:column.
Result<std::shared_ptr<const detect::RuleSet>> load_rules(platform::FileSystem& files,
                                                          const std::string& content_directory);

// Episode gaps, techniques and names of detectors and rules, for casework.
casework::DetectorTable detector_table(const std::vector<detect::EngineConfig::Part>& parts,
                                       const detect::RuleSet* rules);

// Lists that match: those of the library below the data directory and those given as files, against the shipped warning lists.
Result<std::shared_ptr<const intel::Matcher>> read_indicators(platform::FileSystem& files,
                                                              const std::vector<std::string>& paths,
                                                              const Content& content);

}  // namespace pandun::server
