// Figures of the duty screen, and the measures that the decider works by.
#include <algorithm>
#include <map>

#include "casework/case_rows.h"

namespace pandun::casework {
namespace {

// At most this many points: a minute for an hour, up to two hours for a month.
constexpr std::int64_t kPointsMax = 360;

Result<> add_series(const store::View& view, WallMs now, int hours, CaseworkOverview& out) {
  const std::int64_t span_s = hours * 3600LL;
  out.series_step_s = std::max<std::int64_t>(60, (span_s / kPointsMax + 59) / 60 * 60);
  const std::int64_t step_ms = out.series_step_s * 1000;
  const std::int64_t points = (span_s + out.series_step_s - 1) / out.series_step_s;
  out.series_start = WallMs{(now.ms / step_ms - points + 1) * step_ms};
  out.alerts_per_step.assign(static_cast<std::size_t>(points), 0);
  TRY_ASSIGN(const auto buckets, view.alerts().created_per(out.series_start, step_ms));
  for (const store::AlertBucket& bucket : buckets) {
    const std::int64_t index = (bucket.start_ms - out.series_start.ms) / step_ms;
    if (index >= 0 && index < points) out.alerts_per_step[static_cast<std::size_t>(index)] = bucket.count;
  }
  return {};
}

Result<> add_groups(const store::View& view, WallMs since, CaseworkOverview& out) {
  TRY_ASSIGN(const auto detectors, view.alerts().count_by_detector(since));
  for (const store::Count& count : detectors) out.by_detector.push_back({count.name, count.count});
  TRY_ASSIGN(const auto severities, view.alerts().count_by_severity(since));
  std::map<std::string, std::int64_t, std::less<>> bands;
  for (const store::Count& count : severities) {
    bands[std::string(severity_band(static_cast<unsigned>(std::stoi(count.name))))] += count.count;
  }
  for (const char* band : {"critical", "high", "medium", "low"}) out.by_severity.push_back({band, bands[band]});
  TRY_ASSIGN(const auto grades, view.incidents().count_by_grade());
  for (const store::Count& count : grades) out.by_grade.push_back({count.name, count.count});
  return {};
}

}  // namespace

Result<CaseworkOverview> CaseDesk::overview(int hours) const {
  if (hours < 1 || hours > 24 * 31) return error(Errc::kUsage, "hours", "1 to 744");
  CaseworkOverview out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    const WallMs now = out.now = parts_.clock.wall();
    store::AlertFilter open;
    open.state = "open";
    TRY_ASSIGN(out.alerts_open, view.alerts().count(open));
    TRY_ASSIGN(out.alerts_24h, view.alerts().created_since(WallMs{now.ms - 86'400'000}));
    TRY_ASSIGN(out.cases_open, view.cases().count_open());
    TRY_ASSIGN(out.cases_overdue, view.cases().count_overdue(now));
    TRY_ASSIGN(const auto open_incidents, view.incidents().count("open"));
    TRY_ASSIGN(const auto case_incidents, view.incidents().count("in_case"));
    out.incidents_open = open_incidents + case_incidents;
    TRY_ASSIGN(out.measures_pending, view.measures().count_state("proposed"));
    TRY(add_series(view, now, hours, out));
    TRY(add_groups(view, WallMs{now.ms - hours * 3'600'000LL}, out));
    TRY_ASSIGN(const auto recent, view.alerts().list({}, {0, 10, true}));
    for (const store::AlertRow& row : recent.items) out.recent_alerts.push_back(summary_of(row));
    TRY_ASSIGN(const auto overdue, view.cases().list({"", "", "", true, now}, {0, 5, false}));
    for (const store::CaseRow& row : overdue.items) {
      out.overdue_cases.push_back(summary_of(row, parts_.content.workflow, now));
    }
    return {};
  }));
  return out;
}

model::NumberKey number_of_text(const std::string& text) {
  if (text.size() < 2 || text.size() > 17) return {};
  const bool international = text[0] == '+';
  std::uint64_t value = 0;
  for (std::size_t i = international ? 1 : 0; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return {};
    value = value * 10 + static_cast<std::uint64_t>(text[i] - '0');
  }
  return international ? model::NumberKey::e164(value) : model::NumberKey::service(text);
}

Result<std::vector<ActiveMeasure>> CaseDesk::active_measures() const {
  std::vector<ActiveMeasure> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.measures().in_force(parts_.clock.wall()));
    for (const store::MeasureRow& row : rows) {
      ActiveMeasure measure;
      measure.id = row.id;
      measure.kind = row.kind;
      measure.case_id = row.case_id;
      const guard::MeasureKind* kind = parts_.content.laws.kind(row.kind);
      measure.rank = kind != nullptr ? kind->rank : 0;
      measure.entity_kind = parse_entity_kind(row.entity_kind).value_or(model::EntityKind::kNumber);
      measure.value = row.entity_value;
      measure.token = row.entity_token;
      measure.ground_id = row.ground_id;
      measure.reason = row.reason;
      measure.appeal_channel = row.appeal_channel;
      measure.approved_at = row.approved_at.value_or(row.proposed_at);
      measure.expires_at = row.expires_at;
      if (measure.entity_kind == model::EntityKind::kNumber) {
        // A value that is missing or does not open leaves the measure without a number: it then stops nobody.
        if (Result<std::string> clear = parts_.vault.open_for_engine(view, row.entity_token); clear.ok()) {
          measure.number = number_of_text(*clear);
        }
      }
      out.push_back(std::move(measure));
    }
    return {};
  }));
  return out;
}

}  // namespace pandun::casework
