#include "api/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace pandun::api {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out.push_back(c);
    }
  }
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == std::floor(value) && std::abs(value) < 1e15) return fmt::format("{:.0f}", value);
  return fmt::format("{}", value);
}

}  // namespace

std::string prometheus_text(std::vector<Metric> metrics) {
  std::stable_sort(metrics.begin(), metrics.end(), [](const Metric& a, const Metric& b) { return a.name < b.name; });
  std::string out;
  const Metric* before = nullptr;
  std::set<std::pair<std::string, Labels>> seen;
  for (const Metric& metric : metrics) {
    if (!seen.emplace(metric.name, metric.labels).second) continue;
    if (before == nullptr || before->name != metric.name) {
      out.append("# HELP ").append(metric.name).append(" ");
      append_escaped(out, metric.help, false);
      out.append("\n# TYPE ").append(metric.name);
      out.append(metric.kind == MetricKind::kCounter ? " counter\n" : " gauge\n");
    }
    before = &metric;
    out += metric.name;
    if (!metric.labels.empty()) {
      out += '{';
      for (std::size_t i = 0; i < metric.labels.size(); ++i) {
        out.append(i == 0 ? "" : ",").append(metric.labels[i].first).append("=\"");
        append_escaped(out, metric.labels[i].second, true);
        out += '"';
      }
      out += '}';
    }
    out.append(" ").append(number(metric.value)).append("\n");
  }
  return out;
}

}  // namespace pandun::api
