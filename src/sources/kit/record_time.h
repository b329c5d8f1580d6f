// Event time as a record writes it. The form is stated once per file: by the column map, or by the first good record.
//
// Units    milliseconds since the Unix epoch, UTC; fractions are cut to ms.
// Errors   read(): kBadTime (no time, or no zone), kTimeForm (a time, but not in the file's form). No zone is ever guessed.
// Threads  one owner; it remembers the day it read last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/reject.h"

namespace pandun::sources {

enum class TimeForm : std::uint8_t { kUnset, kRfc3339, kUnixSeconds, kUnixMillis, kPattern };
std::string_view name(TimeForm form);

// "%Y-%m-%d %H:%M:%S" and the like: %Y %m %d %H %M %S of fixed width, %y (20yy), %L (1 to 9 digits of a second's
// fraction), %z (Z, +hh:mm or +hhmm), %%; everything else stands for itself.
class TimePattern {
 public:
  static Result<TimePattern> parse(std::string_view text);
  bool has_zone() const { return has_zone_; }
  // Milliseconds as if the clock were UTC, less the zone where %z gives one.
  std::optional<std::int64_t> read(std::string_view text) const;

 private:
  std::string text_;
  bool has_zone_ = false;
};

std::optional<std::int64_t> parse_offset_minutes(std::string_view text);  // "+08:00", "-0530", "Z"

class RecordTime {
 public:
  RecordTime() = default;  // by the first good record
  static RecordTime seconds() { return stated(TimeForm::kUnixSeconds); }
  static RecordTime stated(TimeForm form, std::int64_t base_ms = 0);
  static RecordTime pattern(TimePattern pattern, std::int64_t offset_minutes);
  // ISO times whose offset has no colon ("+0000", as Suricata writes it) are accepted too.
  RecordTime& loose_offset() {
    loose_offset_ = true;
    return *this;
  }

  // True and `time` set, or false and `reason` set.
  bool read(std::string_view text, EventMs& time, model::RejectReason& reason);
  std::string why(model::RejectReason reason) const;  // for a person

  TimeForm form() const { return form_; }
  bool is_stated() const { return stated_; }
  void learn(TimeForm form) {  // after a restart; a pattern is never learnt, only stated
    if (!stated_ && form != TimeForm::kPattern) form_ = form;
  }
  void forget() { form_ = stated_ ? form_ : TimeForm::kUnset; }

 private:
  static constexpr std::int64_t kMillisFrom = 100'000'000'000;  // as seconds: year 5138; as ms: 1973
  TimeForm form_of(std::string_view text);
  bool read_iso(std::string_view text, std::int64_t& ms);

  TimeForm form_ = TimeForm::kUnset;
  bool stated_ = false, loose_offset_ = false;
  std::int64_t base_ms_ = 0, offset_ms_ = 0;
  std::optional<TimePattern> pattern_;
  std::uint64_t day_text_ = 0;  // of the date read last: YYYY-MM-DD without its first two
  std::int64_t day_ms_ = 0;
};

}  // namespace pandun::sources
