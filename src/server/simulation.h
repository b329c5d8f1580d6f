// The province's configuration from the settings and the scenario file they name.
#pragma once

#include "province/province.h"
#include "server/settings.h"

namespace pandun::server {

Result<province::Config> province_config(platform::FileSystem& files, const Settings& settings);

}  // namespace pandun::server
