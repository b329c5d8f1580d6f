#include <fmt/format.h>

#include <cmath>

#include "detect/detector.h"
#include "detect/nearest.h"

namespace pandun::detect {

Options Options::defaults(const DetectorSpec& spec) {
  Options out;
  for (const OptionSpec& o : spec.options) out.values_.emplace_back(o.name, o.fallback);
  return out;
}

Result<Options> Options::parse(const DetectorSpec& spec, std::span<const std::pair<std::string, double>> values) {
  Options out = defaults(spec);
  std::string faults;
  const auto fault = [&](std::string text) { faults += (faults.empty() ? "" : "; ") + std::move(text); };
  for (const auto& [name, value] : values) {
    std::size_t i = 0;
    while (i < spec.options.size() && spec.options[i].name != name) ++i;
    if (i == spec.options.size()) {
      std::vector<std::string_view> names;
      for (const OptionSpec& o : spec.options) names.push_back(o.name);
      const std::string_view meant = nearest(name, names);
      fault(meant.empty() ? fmt::format("no option is called '{}'", name)
                          : fmt::format("no option is called '{}'; did you mean '{}'?", name, meant));
      continue;
    }
    const OptionSpec& o = spec.options[i];
    if (!std::isfinite(value) || value < o.min || value > o.max) {
      fault(fmt::format("{} = {} is outside {} … {} {}", name, value, o.min, o.max, o.unit));
      continue;
    }
    out.values_[i].second = value;
  }
  if (!faults.empty()) return error(Errc::kBadConfig, fmt::format("detector {}", spec.name), std::move(faults));
  return out;
}

double Options::operator[](std::string_view name) const {
  for (const auto& [key, value] : values_)
    if (key == name) return value;
  CHECK_MSG(false, "a detector asks for an option its spec does not have");
  return 0;
}

}  // namespace pandun::detect
