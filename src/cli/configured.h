// Settings for a command: --config FILE, the environment, and the flags that set a key.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "server/settings.h"

namespace pandun::cli {

Result<server::Settings> configured(const Arguments& arguments,
                                    std::vector<std::pair<std::string, std::string>> flags = {});

}  // namespace pandun::cli
