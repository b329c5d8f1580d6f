// Configuration: every setting stands in one table with type, unit, default, bounds and words; the loader, `pandun check --print`
// and docs/configuration.md are made from it.
//
// Order    default < file < conf.d/*.toml (name order) < environment (PANDUN_SERVER_LISTEN for server.listen) < flag.
// Errors   all faults at once, each with file:line:column, code and advice; an unknown key names the nearest one. Nothing is half-loaded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "detect/detector.h"
#include "platform/file_system.h"

namespace pandun::server {

enum class SettingType : std::uint8_t { kText, kPath, kSecretPath, kBool, kInteger, kNumber };

struct SettingSpec {
  std::string_view key;  // "server.listen"
  SettingType type;
  std::string_view unit;
  std::string_view fallback;
  double min = 0, max = 0;  // numbers only
  std::string_view doc_en, doc_zh;
};
const std::vector<SettingSpec>& setting_specs();

struct Setting {
  std::string value, origin;  // origin: "default", "pandun.toml:3:1", "environment PANDUN_…", "flag"
};

struct SourceSetting {  // [[source]]
  std::string kind, path, map, origin;
  bool follow = true;
};

struct Fault {
  std::string file;
  std::uint32_t line = 0, column = 0;
  std::string code, message, advice;
  std::string text() const;  // "pandun.toml:3:1: unknown_key: …; did you mean …?"
};

class Settings {
 public:
  std::string text(std::string_view key) const;  // CHECKs that the key exists
  bool flag(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;
  double number(std::string_view key) const;
  const std::vector<SourceSetting>& sources() const { return sources_; }
  // Options of a detector that were set, by name; `enabled` is not among them.
  std::vector<std::pair<std::string, double>> detector_options(std::string_view detector) const;
  bool detector_enabled(std::string_view detector) const;
  const std::map<std::string, Setting, std::less<>>& all() const { return values_; }

 private:
  friend class SettingsLoader;
  std::map<std::string, Setting, std::less<>> values_;
  std::vector<SourceSetting> sources_;
};

struct SettingsInput {
  std::string file;                                        // "" = none
  std::vector<std::pair<std::string, std::string>> flags;  // key, value
  bool read_environment = true;
};

struct LoadedSettings {
  Settings settings;
  std::vector<Fault> faults;  // any fault: the settings must not be used
};
LoadedSettings load_settings(platform::FileSystem& files, const SettingsInput& input,
                             const std::vector<detect::DetectorPart>& detectors);

// The faults as one Error (kBadConfig), for callers that stop at them.
Error as_error(const std::vector<Fault>& faults);

std::string nearest(std::string_view word, const std::vector<std::string>& candidates);  // "" if none is near

}  // namespace pandun::server
