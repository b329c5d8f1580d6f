// Deadlines as data: content/clocks/*.toml, with a working-day calendar at +08:00.
//
// Units    hours and days run through; working_days skip weekends and holidays and count made-up working days. The day of
//          the start is not counted; a working-day limit ends at the end (24:00) of its last day.
// Errors   parse: kBadConfig with every fault as file:line:column.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/signal.h"

namespace pandun::casework {

class WorkCalendar {
 public:
  static Result<WorkCalendar> parse(std::string_view toml, const std::string& file);
  bool working(std::int64_t day) const;  // days since 1970-01-01, local
  WallMs after_working_days(WallMs start, std::int64_t days) const;
  // The calendar says nothing about holidays of this year: weekends only.
  bool covers(int year) const { return years_.count(year) != 0; }

 private:
  std::set<std::int64_t> holidays_, made_up_;
  std::set<int> years_;
};

enum class ClockUnit : std::uint8_t { kMinutes, kHours, kDays, kWorkingDays };

struct ClockKind {
  std::string id;
  model::LocalText title;
  std::int64_t amount = 0;
  ClockUnit unit = ClockUnit::kHours;
  std::string source;     // law, version, article
  std::string certainty;  // P, T, C, R, M
  bool unverified() const { return certainty == "M"; }
};

class ClockTable {
 public:
  // `calendar` is content/clocks/calendar_cn.toml's text.
  static Result<ClockTable> parse(std::string_view toml, const std::string& file, std::string_view calendar,
                                  const std::string& calendar_file);
  const ClockKind* find(std::string_view id) const;
  WallMs due(const ClockKind& clock, WallMs start) const;
  std::vector<std::string> ids() const;
  const std::vector<ClockKind>& clocks() const { return clocks_; }
  const WorkCalendar& calendar() const { return calendar_; }

 private:
  std::vector<ClockKind> clocks_;
  WorkCalendar calendar_;
};

}  // namespace pandun::casework
