#include "intel/list_reader.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/time.h"
#include "intel/canonical.h"
#include "intel/text.h"

namespace pandun::intel {
namespace {

constexpr std::array<std::string_view, kListFaults> kFaultNames = {
    "not_an_indicator", "refused_type", "unknown_type", "bad_address",        "bad_domain", "bad_url",
    "bad_hash",         "bad_mail",     "bad_package",  "bad_number",         "too_broad",  "too_long",
    "binary",           "bad_csv",      "bad_field",    "number_needs_token", "expired",    "extra_text"};

constexpr std::size_t kLineMax = 8192;

ListFault fault_of(std::optional<IndicatorType> type) {
  if (!type) return ListFault::kNotAnIndicator;
  switch (*type) {
    case IndicatorType::kIp:
    case IndicatorType::kNetwork:
      return ListFault::kBadAddress;
    case IndicatorType::kDomain:
      return ListFault::kBadDomain;
    case IndicatorType::kUrl:
      return ListFault::kBadUrl;
    case IndicatorType::kMail:
      return ListFault::kBadMail;
    case IndicatorType::kNumber:
      return ListFault::kBadNumber;
    case IndicatorType::kPackage:
      return ListFault::kBadPackage;
    default:
      return ListFault::kBadHash;
  }
}

// What a column holds.
enum class Column : std::uint8_t {
  kIgnored,
  kValue,
  kTyped,
  kType,
  kConfidence,
  kSeverity,
  kTopic,
  kFrom,
  kUntil,
  kSource,
  kMarking
};

struct ColumnPlan {
  Column column = Column::kIgnored;
  IndicatorType type = IndicatorType::kIp;  // for kTyped
};

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

ColumnPlan plan_column(std::string_view header) {
  const std::string word = lowered(trimmed(header));
  if (is_one_of(word, {"indicator", "value", "ioc", "ioc_value", "observable"})) return {Column::kValue};
  if (is_one_of(word, {"type", "indicator_type", "ioc_type"})) return {Column::kType};
  if (is_one_of(word, {"confidence", "confidence_level", "score"})) return {Column::kConfidence};
  if (is_one_of(word, {"severity", "risk"})) return {Column::kSeverity};
  if (is_one_of(word, {"topic", "threat", "threat_type", "category"})) return {Column::kTopic};
  if (is_one_of(word, {"valid_from", "first_seen", "first_seen_utc"})) return {Column::kFrom};
  if (is_one_of(word, {"valid_until", "expires", "expiration"})) return {Column::kUntil};
  if (is_one_of(word, {"source", "reporter", "provider"})) return {Column::kSource};
  if (is_one_of(word, {"marking", "tlp"})) return {Column::kMarking};
  if (const auto type = parse_type(word); type && word != "app") return {Column::kTyped, *type};
  return {};
}

std::optional<unsigned> parse_percent(std::string_view text) {
  const std::string word = lowered(trimmed(text));
  if (word == "none" || word == "info" || word == "informational") return 10;
  if (word == "low") return 30;
  if (word == "medium" || word == "moderate") return 60;
  if (word == "high") return 85;
  if (word == "critical") return 95;
  if (const auto whole = parse_integer<unsigned>(word)) return *whole <= 100 ? whole : std::nullopt;
  double value = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (fault != std::errc{} || end != word.data() + word.size() || !(value >= 0 && value <= 1)) return std::nullopt;
  return static_cast<unsigned>(value * 100 + 0.5);
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  text = trimmed(text);
  if (const auto ms = parse_rfc3339(text)) return ms;
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') return parse_rfc3339(std::string(text) + "T00:00:00Z");
  if (const auto seconds = parse_integer<std::int64_t>(text); seconds && *seconds > 0 && *seconds < 100'000'000'000)
    return *seconds * 1000;
  return std::nullopt;
}

// One CSV record of one line (RFC 4180 without line breaks inside a field). False: an unclosed quote.
bool split_csv(std::string_view line, char separator, std::vector<std::string>& fields) {
  fields.clear();
  std::size_t i = 0;
  while (true) {
    std::string field;
    while (i < line.size() && line[i] == ' ') ++i;
    if (i < line.size() && line[i] == '"') {
      for (++i;; ++i) {
        if (i >= line.size()) return false;
        if (line[i] != '"')
          field.push_back(line[i]);
        else if (i + 1 < line.size() && line[i + 1] == '"')
          field.push_back(line[++i]);
        else
          break;
      }
      ++i;
      while (i < line.size() && line[i] != separator) ++i;
    } else {
      while (i < line.size() && line[i] != separator) field.push_back(line[i++]);
    }
    fields.push_back(std::string(trimmed(field)));
    if (i >= line.size()) return true;
    ++i;
  }
}

std::string excerpt(std::string_view line) {
  std::string out;
  std::size_t digits = 0;
  for (const char c : line.substr(0, 120)) {
    digits = is_digit(c) ? digits + 1 : 0;
    out.push_back(digits >= 5 ? '*' : (c >= 0x20 && c < 0x7f) || static_cast<unsigned char>(c) >= 0x80 ? c : '?');
  }
  return out;
}

class Reader {
 public:
  Reader(const ReadOptions& options, const TakeIndicator& take) : options_(options), take_(take) {}
  ReadReport read(std::string_view text);

 private:
  void line(std::string_view text);
  void plain(std::string_view text);
  bool hosts(std::string_view first, std::string_view rest);
  void csv(std::string_view text);
  bool header(std::string_view text);
  bool read_facts(const std::vector<std::string>& fields, Facts& facts, std::optional<IndicatorType>& type,
                  std::string_view line_text);
  void take(std::string_view text, std::optional<IndicatorType> type, Facts facts, std::string_view line_text);
  void fault(ListFault code, std::string_view why, std::string_view line_text);

  const ReadOptions& options_;
  const TakeIndicator& take_;
  ReadReport report_;
  bool first_ = true;
  char separator_ = 0;  // 0: not CSV
  std::vector<ColumnPlan> columns_;
  std::vector<std::string> fields_;
};

void Reader::fault(ListFault code, std::string_view why, std::string_view line_text) {
  ++report_.by_fault[static_cast<std::size_t>(code)];
  if (report_.faults.size() < ReadReport::kFaultsKept)
    report_.faults.push_back({report_.lines, code, std::string(why) + ": " + excerpt(line_text)});
}

ReadReport Reader::read(std::string_view text) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    ++report_.lines;
    line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(report_);
}

void Reader::line(std::string_view text) {
  const std::string_view whole = trimmed(text);
  if (whole.empty() || whole.front() == '#' || whole.front() == ';' || whole.substr(0, 2) == "//") {
    ++report_.comments;
    return;
  }
  if (whole.size() > kLineMax) return fault(ListFault::kTooLong, "line longer than 8,192 bytes", whole.substr(0, 60));
  if (whole.find('\0') != std::string_view::npos) return fault(ListFault::kBinary, "binary bytes", "");
  if (first_) {
    first_ = false;
    if (header(whole)) return;
  }
  if (separator_ != 0)
    csv(whole);
  else
    plain(whole);
}

// A first line that names at least one column of indicators makes the file CSV.
bool Reader::header(std::string_view text) {
  for (const char separator : {',', '\t', ';'}) {
    if (!split_csv(text, separator, fields_)) continue;
    std::vector<ColumnPlan> plans;
    for (const std::string& field : fields_) plans.push_back(plan_column(field));
    const bool any = std::any_of(plans.begin(), plans.end(), [](const ColumnPlan& p) {
      return p.column == Column::kValue || p.column == Column::kTyped;
    });
    if (!any || (fields_.size() == 1 && separator != ',')) continue;
    separator_ = separator;
    columns_ = std::move(plans);
    report_.extra_columns = static_cast<std::uint64_t>(std::count_if(
        columns_.begin(), columns_.end(), [](const ColumnPlan& p) { return p.column == Column::kIgnored; }));
    return true;
  }
  return false;
}

bool Reader::read_facts(const std::vector<std::string>& fields, Facts& facts, std::optional<IndicatorType>& type,
                        std::string_view whole) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string& field = fields[i];
    if (field.empty()) continue;
    switch (columns_[i].column) {
      case Column::kType:
        type = parse_type(field);
        if (type) break;
        if (is_refused_type(field))
          fault(ListFault::kRefusedType, "rules on content or people are not held here", whole);
        else
          fault(ListFault::kUnknownType, "unknown type '" + field.substr(0, 40) + "'", whole);
        return false;
      case Column::kConfidence:
      case Column::kSeverity: {
        const auto percent = parse_percent(field);
        if (!percent) {
          fault(ListFault::kBadField, "confidence and severity are 0-100, 0-1 or low/medium/high", whole);
          return false;
        }
        (columns_[i].column == Column::kSeverity ? facts.severity : facts.confidence) =
            static_cast<std::uint8_t>(*percent);
        break;
      }
      case Column::kFrom:
      case Column::kUntil: {
        const auto time = parse_time(field);
        if (!time) {
          fault(ListFault::kBadField, "times are RFC 3339, YYYY-MM-DD or Unix seconds", whole);
          return false;
        }
        (columns_[i].column == Column::kFrom ? facts.valid_from : facts.valid_until) = *time;
        break;
      }
      case Column::kMarking: {
        const auto marking = parse_marking(field);
        if (!marking) {
          fault(ListFault::kBadField, "marking is TLP clear, green, amber, amber+strict or red", whole);
          return false;
        }
        facts.marking = *marking;
        break;
      }
      case Column::kTopic:
        facts.topic = lowered(field.substr(0, 64));
        break;
      case Column::kSource:
        facts.source = field.substr(0, 128);
        break;
      default:
        break;
    }
  }
  return true;
}

void Reader::csv(std::string_view whole) {
  if (!split_csv(whole, separator_, fields_) || fields_.size() < columns_.size())
    return fault(ListFault::kBadCsv, "fewer fields than the header or an open quote", whole);
  Facts facts = options_.defaults;
  std::optional<IndicatorType> type;
  if (!read_facts(fields_, facts, type, whole)) return;
  bool any = false;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (fields_[i].empty()) continue;
    if (columns_[i].column == Column::kValue)
      take(fields_[i], type, facts, whole);
    else if (columns_[i].column == Column::kTyped)
      take(fields_[i], columns_[i].type, facts, whole);
    else
      continue;
    any = true;
  }
  if (!any) fault(ListFault::kNotAnIndicator, "no indicator on the line", whole);
}

bool Reader::hosts(std::string_view first, std::string_view rest) {
  if (rest.empty() || !is_one_of(first, {"0.0.0.0", "127.0.0.1", "::1", "::", "255.255.255.255", "fe80::1%lo0"}))
    return false;
  while (!rest.empty() && rest.front() != '#') {
    const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
    const std::string name = lowered(rest.substr(0, end));
    if (is_one_of(name, {"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost",
                         "ip6-loopback", "0.0.0.0"}))
      ++report_.comments;
    else
      take(name, IndicatorType::kDomain, options_.defaults, rest.substr(0, end));
    rest = trimmed(rest.substr(end));
  }
  return true;
}

void Reader::plain(std::string_view whole) {
  const std::size_t end = std::min(whole.find_first_of(" \t"), whole.size());
  std::string_view first = whole.substr(0, end), rest = trimmed(whole.substr(end));
  Facts facts = options_.defaults;
  if (hosts(first, rest)) return;
  if (rest.substr(0, 1) == "-" || first.back() == '-') {  // "192.0.2.1 - 192.0.2.9"
    if (parse_range(whole)) return take(whole, IndicatorType::kNetwork, facts, whole);
  }
  if (!rest.empty() && rest.front() != '#' && rest.front() != ';' && rest.substr(0, 2) != "//") {
    const auto agree = parse_integer<unsigned>(rest);
    if (!agree)
      return fault(ListFault::kExtraText, "one indicator a line, then at most the count of lists that agree", whole);
    facts.confidence = static_cast<std::uint8_t>(std::min(95U, 30U + 10U * std::min(*agree, 10U)));
  }
  if (first.size() > 1 && (first.back() == ',' || first.back() == ';')) first.remove_suffix(1);
  take(first, {}, facts, whole);
}

void Reader::take(std::string_view text, std::optional<IndicatorType> type, Facts facts, std::string_view whole) {
  auto one = canonical(refang(text), type);
  if (!one) {
    const bool broad = one.error().code == Errc::kTooLarge;
    return fault(broad ? ListFault::kTooBroad : fault_of(type), one.error().message, whole);
  }
  if (facts.valid_until == 0 && options_.lifetime_ms > 0) facts.valid_until = options_.now + options_.lifetime_ms;
  if (options_.now > 0 && facts.valid_until != 0 && facts.valid_until <= options_.now)
    return fault(ListFault::kExpired, "its validity has ended", whole);
  if (one->type == IndicatorType::kNumber) {
    one->value = options_.number_token ? options_.number_token(one->value) : "";
    if (one->value.empty())
      return fault(ListFault::kNumberNeedsToken, "numbers are held as tokens only, and no token key is configured", "");
  }
  if (one->port_dropped) ++report_.ports_dropped;
  const auto index = static_cast<std::size_t>(one->type);
  if (!take_({one->type, std::move(one->value), std::move(facts)})) {
    ++report_.duplicates;
    return;
  }
  ++report_.read;
  ++report_.by_type[index];
}

}  // namespace

std::string_view name(ListFault fault) {
  return kFaultNames[static_cast<std::size_t>(fault)];
}

std::uint64_t ReadReport::faulty() const {
  return std::accumulate(by_fault.begin(), by_fault.end(), std::uint64_t{0});
}

ReadReport read_list(std::string_view text, const ReadOptions& options, const TakeIndicator& take) {
  return Reader(options, take).read(text);
}

}  // namespace pandun::intel
