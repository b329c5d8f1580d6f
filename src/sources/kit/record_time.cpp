#include "sources/kit/record_time.h"

#include <fmt/format.h>

#include <cstring>

#include "sources/kit/scan.h"

namespace pandun::sources {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kEpochSecondsMax = 253'402'300'799;  // year 9999

// Exactly `width` digits at `at`; -1 if there are none.
int digits_at(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::int64_t days_in_month(int year, int month) {
  const std::int64_t next =
      month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, static_cast<unsigned>(month) + 1, 1);
  return next - days_from_civil(year, static_cast<unsigned>(month), 1);
}

std::optional<std::int64_t> civil_ms(int year, int month, int day, int hour, int minute, int second) {
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  return days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day)) * kDayMs +
         ((hour * 60 + minute) * 60 + second) * 1000LL;
}

// Digits of a fraction at `at`, moved behind them; in ms.
int fraction_ms(std::string_view text, std::size_t& at) {
  int ms = 0, scale = 100;
  for (; at < text.size() && is_digit(text[at]); ++at, scale /= 10) ms += (text[at] - '0') * scale;
  return ms;
}

}  // namespace

std::string_view name(TimeForm form) {
  switch (form) {
    case TimeForm::kUnset:
      return "unset";
    case TimeForm::kRfc3339:
      return "rfc3339";
    case TimeForm::kUnixSeconds:
      return "unix_s";
    case TimeForm::kUnixMillis:
      return "unix_ms";
    case TimeForm::kPattern:
      return "pattern";
  }
  return "unset";
}

std::optional<std::int64_t> parse_offset_minutes(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() < 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const bool colon = text[3] == ':';
  if (text.size() != (colon ? 6U : 5U)) return std::nullopt;
  const int hours = digits_at(text, 1, 2), minutes = digits_at(text, colon ? 4 : 3, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
}

Result<TimePattern> TimePattern::parse(std::string_view text) {
  TimePattern out;
  out.text_ = text;
  std::string seen;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') continue;
    const char what = ++i < text.size() ? text[i] : '\0';
    if (what == '\0' || std::string_view("YymdHMSLz%").find(what) == std::string_view::npos)
      return error(Errc::kBadConfig, {}, "a time pattern knows %Y %y %m %d %H %M %S %L %z and %%");
    if (what != '%' && seen.find(what) != std::string::npos)
      return error(Errc::kBadConfig, {}, fmt::format("the time pattern names %{} twice", what));
    seen += what;
  }
  const auto has = [&](char c) { return seen.find(c) != std::string::npos; };
  if ((!has('Y') && !has('y')) || !has('m') || !has('d') || !has('H') || !has('M'))
    return error(Errc::kBadConfig, {}, "a time pattern needs at least year, month, day, hour and minute");
  out.has_zone_ = has('z');
  return out;
}

std::optional<std::int64_t> TimePattern::read(std::string_view text) const {
  int year = -1, month = -1, day = -1, hour = -1, minute = -1, second = 0, ms = 0;
  std::int64_t zone = 0;
  std::size_t at = 0;
  const auto take = [&](std::size_t width, int& into) {
    into = digits_at(text, at, width);
    at += width;
    return into >= 0;
  };
  for (std::size_t i = 0; i < text_.size(); ++i) {
    bool fits = true;
    const char c = text_[i] == '%' ? text_[++i] : '\0';
    switch (c) {
      case 'Y':
        fits = take(4, year);
        break;
      case 'y':
        fits = take(2, year);
        year += 2000;
        break;
      case 'm':
        fits = take(2, month);
        break;
      case 'd':
        fits = take(2, day);
        break;
      case 'H':
        fits = take(2, hour);
        break;
      case 'M':
        fits = take(2, minute);
        break;
      case 'S':
        fits = take(2, second);
        break;
      case 'L': {
        const std::size_t first = at;
        ms = fraction_ms(text, at);
        fits = at > first && at - first <= 9;
        break;
      }
      case 'z': {
        const std::size_t rest = at < text.size() ? text.size() - at : 0;
        const std::size_t width = rest > 0 && (text[at] == 'Z' || text[at] == 'z') ? 1
                                  : rest > 3 && text[at + 3] == ':'                ? 6
                                                                                   : 5;
        const auto minutes = at < text.size() ? parse_offset_minutes(text.substr(at, width)) : std::nullopt;
        fits = minutes.has_value();
        zone = minutes.value_or(0);
        at += width;
        break;
      }
      default:
        fits = at < text.size() && text[at++] == text_[i];
    }
    if (!fits) return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  const auto base = civil_ms(year, month, day, hour, minute, second);
  if (!base) return std::nullopt;
  return *base + ms - zone * 60'000;
}

RecordTime RecordTime::stated(TimeForm form, std::int64_t base_ms) {
  RecordTime out;
  out.form_ = form;
  out.stated_ = true;
  out.base_ms_ = base_ms;
  return out;
}

RecordTime RecordTime::pattern(TimePattern pattern, std::int64_t offset_minutes) {
  RecordTime out = stated(TimeForm::kPattern);
  out.pattern_ = std::move(pattern);
  out.offset_ms_ = offset_minutes * 60'000;
  return out;
}

// Which form a text has at all; kUnset: none, or a local time without a zone.
TimeForm RecordTime::form_of(std::string_view text) {
  std::int64_t thousandths = 0;
  if (parse_thousandths(text, thousandths))
    return thousandths / 1000 >= kMillisFrom ? TimeForm::kUnixMillis : TimeForm::kUnixSeconds;
  std::int64_t ms = 0;
  return read_iso(text, ms) ? TimeForm::kRfc3339 : TimeForm::kUnset;
}

// "YYYY-MM-DDTHH:MM:SS[.fraction](Z|±hh:mm)"; consecutive records mostly share their day.
bool RecordTime::read_iso(std::string_view text, std::int64_t& ms) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return false;
  if (text[10] != 'T' && text[10] != ' ' && text[10] != 't') return false;
  std::uint64_t day_text = 0;
  std::memcpy(&day_text, text.data() + 2, 8);
  const int hour = digits_at(text, 11, 2), minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  if (day_text != day_text_ || text[0] != '2' || text[1] != '0') {
    const auto day = civil_ms(digits_at(text, 0, 4), digits_at(text, 5, 2), digits_at(text, 8, 2), 0, 0, 0);
    if (!day) return false;
    day_ms_ = *day;
    day_text_ = text[0] == '2' && text[1] == '0' ? day_text : 0;
  }
  std::size_t at = 19;
  int fraction = 0;
  if (text[at] == '.') {
    const std::size_t first = ++at;
    fraction = fraction_ms(text, at);
    if (at == first) return false;
  }
  std::int64_t zone = 0;
  if (text.size() != at + 1 || (text[at] != 'Z' && text[at] != 'z')) {
    if (text.size() != at + 6 && !(loose_offset_ && text.size() == at + 5)) return false;
    const auto minutes = parse_offset_minutes(text.substr(at));
    if (!minutes) return false;
    zone = *minutes;
  }
  ms = day_ms_ + ((hour * 60 + minute) * 60 + second) * 1000LL + fraction - zone * 60'000;
  return true;
}

bool RecordTime::read(std::string_view text, EventMs& time, model::RejectReason& reason) {
  const bool first = form_ == TimeForm::kUnset;
  if (first) form_ = form_of(text);
  std::int64_t value = 0;
  bool good = false;
  switch (form_) {
    case TimeForm::kUnset:
      break;
    case TimeForm::kRfc3339:
      good = read_iso(text, value);
      break;
    case TimeForm::kUnixSeconds:
      good = parse_thousandths(text, value) && value / 1000 < kMillisFrom;
      break;
    case TimeForm::kUnixMillis: {
      std::int64_t thousandths = 0;
      good = parse_thousandths(text, thousandths);
      value = thousandths / 1000;
      good = good && value <= kEpochSecondsMax * 1000 && (stated_ || value >= kMillisFrom);
      break;
    }
    case TimeForm::kPattern: {
      const auto ms = pattern_->read(text);
      good = ms.has_value();
      value = ms.value_or(0) - offset_ms_;
      break;
    }
  }
  if (good) {
    time = EventMs{value + base_ms_};
    return true;
  }
  const TimeForm other = form_of(text);
  reason = other != TimeForm::kUnset && other != form_ ? model::RejectReason::kTimeForm : model::RejectReason::kBadTime;
  return false;
}

std::string RecordTime::why(model::RejectReason reason) const {
  if (reason == model::RejectReason::kTimeForm) {
    return fmt::format("the time is of another form than this file's ({}{})", name(form_),
                       stated_ ? ", as stated" : ", by its first record");
  }
  if (form_ == TimeForm::kPattern) return "the time does not fit the column map's pattern";
  return "not a time with a zone: write RFC 3339 with Z or an offset, Unix seconds or milliseconds, or state the "
         "offset in a "
         "column map";
}

}  // namespace pandun::sources
