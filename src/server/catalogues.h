// Topics and technique names from content, for the API's catalogues.
//
// Errors   kBadConfig with every fault as file:line:column.
#pragma once

#include <string>
#include <vector>

#include "api/platform_port.h"
#include "base/result.h"
#include "platform/file_system.h"

namespace pandun::server {

struct Catalogues {
  std::vector<api::TopicEntry> topics;
  std::vector<api::TechniqueEntry> techniques;
  api::FraudLibraryEntry
      fraud;  // its documented slots are topics too: cases, rules and indicator lists may be about one
};
Result<Catalogues> load_catalogues(platform::FileSystem& files, const std::string& content_directory);

}  // namespace pandun::server
