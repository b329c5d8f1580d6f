#include "server/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <tuple>

#include "base/toml.h"
#include "platform/process.h"

namespace pandun::server {

std::string Fault::text() const {
  std::string out = file;
  if (line != 0) out += fmt::format(":{}:{}", line, column);
  out += fmt::format(": {}: {}", code, message);
  if (!advice.empty()) out += "; " + advice;
  return out;
}

Error as_error(const std::vector<Fault>& faults) {
  std::string message = fmt::format("{} fault{}", faults.size(), faults.size() == 1 ? "" : "s");
  for (const Fault& fault : faults) message += "\n  " + fault.text();
  return error(Errc::kBadConfig, "configuration", std::move(message));
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t above = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1)});
        diagonal = above;
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

namespace {

bool number_of(std::string_view text, double& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

}  // namespace

class SettingsLoader {
 public:
  SettingsLoader(platform::FileSystem& files, const std::vector<detect::DetectorPart>& detectors) : files_(files) {
    for (const SettingSpec& spec : setting_specs()) specs_.emplace(spec.key, spec);
    for (const detect::DetectorPart& part : detectors) {
      const detect::DetectorSpec& spec = part.spec();
      add_detector_key(fmt::format("detectors.{}.enabled", spec.name), SettingType::kBool, "true", 0, 0, {});
      for (const detect::OptionSpec& option : spec.options)
        add_detector_key(fmt::format("detectors.{}.{}", spec.name, option.name), SettingType::kNumber,
                         fmt::format("{}", option.fallback), option.min, option.max, option.unit);
    }
    for (const auto& [key, spec] : specs_)
      out_.settings.values_[std::string(key)] = {std::string(spec.fallback), "default"};
  }

  void file(const std::string& path, bool must_exist) {
    const auto content = platform::read_file(files_, path, 16U << 20);
    if (!content.ok()) {
      if (must_exist || content.error().code != Errc::kNotFound)
        fault(path, {}, "unreadable", content.error().message, "check the path");
      return;
    }
    toml::table table;
    if (const auto bad = read_toml(*content, path, table)) {
      out_.faults.push_back({path, bad->line, bad->column, "syntax", bad->message, "see toml.io for the form"});
      return;
    }
    walk(table, "", path);
  }

  void directory(const std::string& path) {
    const auto names = files_.list(path);
    if (!names.ok()) return;
    for (const std::string& name : *names)
      if (name.ends_with(".toml")) file(platform::join(path, name), true);
  }

  void environment() {
    for (const auto& [key, spec] : specs_) {
      std::string variable = "PANDUN_" + key;
      std::transform(variable.begin(), variable.end(), variable.begin(),
                     [](char c) { return c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); });
      if (const auto value = platform::environment(variable))
        put(key, *value, "environment " + variable, {variable, 0, 0, {}, {}, {}});
    }
  }

  void flag(const std::string& key, const std::string& value) { put(key, value, "flag", {"flag", 0, 0, {}, {}, {}}); }

  LoadedSettings take() {
    // As a person reads the file, not as a table is walked.
    std::stable_sort(out_.faults.begin(), out_.faults.end(), [](const Fault& a, const Fault& b) {
      return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
    });
    return std::move(out_);
  }

 private:
  void add_detector_key(std::string key, SettingType type, std::string fallback, double min, double max,
                        std::string_view unit) {
    owned_.push_back(std::move(fallback));
    specs_.emplace(std::move(key), SettingSpec{{}, type, unit, owned_.back(), min, max, {}, {}});
  }

  void fault(const std::string& path, toml::source_position at, std::string code, std::string message,
             std::string advice) {
    out_.faults.push_back({path, at.line, at.column, std::move(code), std::move(message), std::move(advice)});
  }

  void walk(const toml::table& table, const std::string& prefix, const std::string& path) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
      const toml::source_position at = node.source().begin;
      if (key == "source") {
        read_sources(node, path);
      } else if (const toml::table* inner = node.as_table()) {
        walk(*inner, key, path);
      } else {
        put(key, value_text(node), fmt::format("{}:{}:{}", path, at.line, at.column),
            {path, at.line, at.column, {}, {}, {}});
      }
    }
  }

  static std::string value_text(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
    if (const auto* integer = node.as_integer()) return fmt::format("{}", integer->get());
    if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
    return "\x01";  // an array, date or the like: no setting takes one
  }

  void read_sources(const toml::node& node, const std::string& path) {
    const toml::array* list = node.as_array();
    if (list == nullptr)
      return fault(path, node.source().begin, "wrong_type", "source is a list of tables", "write [[source]]");
    for (const toml::node& item : *list) {
      const toml::table* table = item.as_table();
      const toml::source_position at = item.source().begin;
      if (table == nullptr) {
        fault(path, at, "wrong_type", "source is a list of tables", "write [[source]]");
        continue;
      }
      SourceSetting source;
      source.origin = fmt::format("{}:{}:{}", path, at.line, at.column);
      for (const auto& [name, value] : *table) {
        const std::string key(name.str());
        if (key == "follow" && value.is_boolean()) {
          source.follow = value.value_or(true);
        } else if ((key == "kind" || key == "path" || key == "map") && value.is_string()) {
          (key == "kind" ? source.kind : key == "path" ? source.path : source.map) = value.value_or(std::string());
        } else {
          const std::string near = nearest(key, {"kind", "path", "map", "follow"});
          fault(path, value.source().begin, "unknown_key",
                fmt::format("source.{} is not a setting or has another type", key),
                near.empty() ? "known: kind, path, map, follow" : fmt::format("did you mean {}?", near));
        }
      }
      if (source.kind.empty() || source.path.empty())
        fault(path, at, "missing_key", "a [[source]] needs kind and path",
              "for example kind = \"zeek\", path = \"/var/log/zeek\"");
      out_.settings.sources_.push_back(std::move(source));
    }
  }

  void put(const std::string& key, const std::string& value, std::string origin, Fault at) {
    const auto spec = specs_.find(key);
    if (spec == specs_.end()) {
      std::vector<std::string> known;
      for (const auto& [name, unused] : specs_) known.push_back(name);
      const std::string near = nearest(key, known);
      at.code = "unknown_key";
      at.message = fmt::format("{} is not a setting", key);
      at.advice = near.empty() ? "see pandun check --print" : fmt::format("did you mean {}?", near);
      out_.faults.push_back(std::move(at));
      return;
    }
    std::string problem;
    double number = 0;
    switch (spec->second.type) {
      case SettingType::kBool:
        if (value != "true" && value != "false") problem = "takes true or false";
        break;
      case SettingType::kInteger:
      case SettingType::kNumber:
        if (!number_of(value, number))
          problem = "takes a number";
        else if (number < spec->second.min || number > spec->second.max)
          problem = fmt::format("takes {} to {} {}", spec->second.min, spec->second.max, spec->second.unit);
        else if (spec->second.type == SettingType::kInteger && value.find_first_of(".eE") != std::string::npos)
          problem = "takes a whole number";
        break;
      default:
        if (value == "\x01") problem = "takes text";
    }
    if (!problem.empty()) {
      at.code = "bad_value";
      at.message = fmt::format("{} {}", key, problem);
      at.advice = fmt::format("its default is \"{}\"", spec->second.fallback);
      out_.faults.push_back(std::move(at));
      return;
    }
    out_.settings.values_[key] = {value, std::move(origin)};
  }

  platform::FileSystem& files_;
  std::map<std::string, SettingSpec, std::less<>> specs_;
  struct Stable {  // std::string storage that never moves
    std::vector<std::unique_ptr<std::string>> items;
    void push_back(std::string text) { items.push_back(std::make_unique<std::string>(std::move(text))); }
    const std::string& back() const { return *items.back(); }
  } owned_;
  LoadedSettings out_;
};

LoadedSettings load_settings(platform::FileSystem& files, const SettingsInput& input,
                             const std::vector<detect::DetectorPart>& detectors) {
  SettingsLoader loader(files, detectors);
  if (!input.file.empty()) {
    loader.file(input.file, true);
    loader.directory(platform::join(platform::directory_of(input.file), "conf.d"));
  }
  if (input.read_environment) loader.environment();
  for (const auto& [key, value] : input.flags) loader.flag(key, value);
  return loader.take();
}

namespace {
const Setting& find(const std::map<std::string, Setting, std::less<>>& values, std::string_view key) {
  const auto found = values.find(key);
  CHECK_MSG(found != values.end(), key);
  return found->second;
}
}  // namespace

std::string Settings::text(std::string_view key) const {
  return find(values_, key).value;
}
bool Settings::flag(std::string_view key) const {
  return find(values_, key).value == "true";
}
double Settings::number(std::string_view key) const {
  double out = 0;
  CHECK(number_of(find(values_, key).value, out));
  return out;
}
std::int64_t Settings::integer(std::string_view key) const {
  return static_cast<std::int64_t>(number(key));
}

bool Settings::detector_enabled(std::string_view detector) const {
  return flag(fmt::format("detectors.{}.enabled", detector));
}

std::vector<std::pair<std::string, double>> Settings::detector_options(std::string_view detector) const {
  const std::string prefix = fmt::format("detectors.{}.", detector);
  std::vector<std::pair<std::string, double>> out;
  for (const auto& [key, setting] : values_)
    if (key.starts_with(prefix) && setting.origin != "default" && !key.ends_with(".enabled"))
      out.emplace_back(key.substr(prefix.size()), number(key));
  return out;
}

}  // namespace pandun::server
