#include "server/simulation.h"

#include "server/content.h"

namespace pandun::server {

Result<province::Config> province_config(platform::FileSystem& files, const Settings& settings) {
  province::Config config;
  config.seed = static_cast<std::uint64_t>(settings.integer("simulate.seed"));
  config.numbers = static_cast<std::uint32_t>(settings.integer("simulate.numbers"));
  std::string path = settings.text("simulate.scenario");
  if (path.empty()) path = platform::join(content_directory(files, settings), "scenarios/default.toml");
  TRY_ASSIGN(config.scenario, province::load_scenario(files, path));
  return config;
}

}  // namespace pandun::server
