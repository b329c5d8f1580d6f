#include "cli/configured.h"

#include "detectors/catalog.h"

namespace pandun::cli {

Result<server::Settings> configured(const Arguments& arguments,
                                    std::vector<std::pair<std::string, std::string>> flags) {
  server::LoadedSettings loaded = server::load_settings(
      platform::posix_files(), {arguments.text("--config"), std::move(flags), true}, detectors::catalog());
  if (!loaded.faults.empty()) return server::as_error(loaded.faults);
  return std::move(loaded.settings);
}

}  // namespace pandun::cli
