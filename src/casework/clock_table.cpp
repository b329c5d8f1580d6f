#include "casework/clock_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "guard/content_reader.h"

namespace pandun::casework {
namespace {

using guard::ContentNode;
using guard::Faults;

constexpr std::int64_t kOffsetMs = 8LL * 3600 * 1000, kDayMs = 86'400'000, kHourMs = 3'600'000, kMinuteMs = 60'000;
constexpr std::array<std::string_view, 4> kUnits{"minutes", "hours", "days", "working_days"};
// What the desk itself asks for by name.
constexpr std::array<std::string_view, 5> kNeeded{"approval", "verification", "appeal_answer", "appeal_filing",
                                                  "reverification"};

std::int64_t local_day(WallMs at) {
  const std::int64_t local = at.ms + kOffsetMs;
  return local >= 0 ? local / kDayMs : (local - kDayMs + 1) / kDayMs;
}

void read_days(const ContentNode& node, std::string_view name, int year, std::set<std::int64_t>& out, Faults& faults) {
  for (const std::string& text : faults.texts(node, name)) {
    const auto at = parse_rfc3339(text + "T00:00:00Z");
    if (!at || text.size() != 10 || !text.starts_with(fmt::format("{}-", year))) {
      faults.add(node, fmt::format("'{}' is not a day of {} (YYYY-MM-DD)", text, year));
      continue;
    }
    out.insert(*at / kDayMs);
  }
}

}  // namespace

Result<WorkCalendar> WorkCalendar::parse(std::string_view toml, const std::string& file) {
  TRY_ASSIGN(const ContentNode root, guard::parse_content(toml, file));
  Faults faults(file);
  faults.only(root, {"source", "year"});
  WorkCalendar calendar;
  for (const ContentNode& node : faults.tables(root, "year", false)) {
    faults.only(node, {"year", "holidays", "working_days"});
    const int year = static_cast<int>(faults.integer(node, "year", 0, 2000, 2100));
    if (!calendar.years_.insert(year).second) faults.add(node, fmt::format("the year {} is given twice", year));
    read_days(node, "holidays", year, calendar.holidays_, faults);
    read_days(node, "working_days", year, calendar.made_up_, faults);
  }
  TRY(faults.result());
  return calendar;
}

bool WorkCalendar::working(std::int64_t day) const {
  if (made_up_.contains(day)) return true;
  if (holidays_.contains(day)) return false;
  const std::int64_t weekday = ((day + 3) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 = Monday
  return weekday < 5;
}

WallMs WorkCalendar::after_working_days(WallMs start, std::int64_t days) const {
  std::int64_t day = local_day(start);
  for (std::int64_t left = days; left > 0;) {
    ++day;
    if (working(day)) --left;
  }
  return WallMs{(day + 1) * kDayMs - kOffsetMs};
}

Result<ClockTable> ClockTable::parse(std::string_view toml, const std::string& file, std::string_view calendar,
                                     const std::string& calendar_file) {
  TRY_ASSIGN(const ContentNode root, guard::parse_content(toml, file));
  Faults faults(file);
  faults.only(root, {"version", "clock"});
  ClockTable table;
  for (const ContentNode& node : faults.tables(root, "clock")) {
    faults.only(node, {"id", "zh", "en", "amount", "unit", "source", "certainty"});
    ClockKind clock;
    clock.id = faults.text(node, "id");
    clock.title = faults.local(node);
    clock.amount = faults.integer(node, "amount", 0, 1, 10'000);
    if (clock.amount == 0) faults.add(node, "'amount' is missing");
    const std::string unit = faults.text(node, "unit");
    const auto it = std::find(kUnits.begin(), kUnits.end(), unit);
    if (it == kUnits.end()) {
      faults.add(node, fmt::format("unit '{}' is not one of: {}", unit, fmt::join(kUnits, ", ")));
    } else {
      clock.unit = static_cast<ClockUnit>(it - kUnits.begin());
    }
    clock.source = faults.text(node, "source");
    clock.certainty = faults.text(node, "certainty");
    if (clock.certainty.size() != 1 || std::string_view("PTCRM").find(clock.certainty) == std::string_view::npos) {
      faults.add(node, "'certainty' must be P, T, C, R or M");
    }
    if (table.find(clock.id) != nullptr) faults.add(node, fmt::format("clock '{}' is given twice", clock.id));
    table.clocks_.push_back(std::move(clock));
  }
  for (const std::string_view needed : kNeeded) {
    if (table.find(needed) == nullptr) faults.add(root, fmt::format("the clock '{}' is missing", needed));
  }
  TRY(faults.result());
  TRY_ASSIGN(table.calendar_, WorkCalendar::parse(calendar, calendar_file));
  return table;
}

const ClockKind* ClockTable::find(std::string_view id) const {
  const auto it = std::find_if(clocks_.begin(), clocks_.end(), [&](const ClockKind& clock) { return clock.id == id; });
  return it == clocks_.end() ? nullptr : &*it;
}

WallMs ClockTable::due(const ClockKind& clock, WallMs start) const {
  switch (clock.unit) {
    case ClockUnit::kMinutes:
      return WallMs{start.ms + clock.amount * kMinuteMs};
    case ClockUnit::kHours:
      return WallMs{start.ms + clock.amount * kHourMs};
    case ClockUnit::kDays:
      return WallMs{start.ms + clock.amount * kDayMs};
    case ClockUnit::kWorkingDays:
      return calendar_.after_working_days(start, clock.amount);
  }
  return start;
}

std::vector<std::string> ClockTable::ids() const {
  std::vector<std::string> out;
  for (const ClockKind& clock : clocks_) out.push_back(clock.id);
  return out;
}

}  // namespace pandun::casework
