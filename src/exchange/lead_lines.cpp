#include "exchange/lead_lines.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace pandun::exchange {
namespace {

enum Field : int { kId, kKind, kHash, kObserved, kConfidence, kPurpose, kExpires, kKey, kFields };
constexpr std::array<std::string_view, kFields> kNames{"lead_id",    "kind",    "hash",       "observed_at",
                                                       "confidence", "purpose", "expires_at", "key_id"};
constexpr std::size_t kColumnsMax = 64, kReadBytes = 1U << 18;

bool word_like(std::string_view text, std::size_t most) {
  if (text.empty() || text.size() > most) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == ':';
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// Between 0 and 1, written as digits with at most one point: no sign, no exponent, no words.
std::optional<double> parse_share(std::string_view text) {
  if (text.empty() || text.size() > 12) return std::nullopt;
  for (const char c : text) {
    if ((c < '0' || c > '9') && c != '.') return std::nullopt;
  }
  double out = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(out) || out < 0 || out > 1)
    return std::nullopt;
  return out;
}

}  // namespace

bool usable_lead_id(std::string_view id) {
  if (!word_like(id, 64)) return false;
  std::size_t digits = 0, others = 0;
  for (const char c : id) {
    if (c >= '0' && c <= '9') ++digits;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) ++others;
  }
  return others > 0 || digits < 7;
}

struct LeadLineParser::Json {
  simdjson::dom::parser parser;
};

LeadLineParser::LeadLineParser() = default;
LeadLineParser::~LeadLineParser() = default;

Result<> LeadLineParser::begin(std::string_view first, bool& is_lead) {
  is_lead = false;
  columns_.clear();
  fields_.assign(kFields, {});
  first = trimmed(first);
  if (first.starts_with('{')) {
    json_ = std::make_unique<Json>();
    is_lead = true;
    return {};
  }
  std::array<bool, kFields> seen{};
  while (true) {
    const std::size_t comma = first.find(',');
    const std::string_view name = trimmed(first.substr(0, comma));
    const auto known = std::find(kNames.begin(), kNames.end(), name);
    const int field = known == kNames.end() ? -1 : static_cast<int>(known - kNames.begin());
    if (field >= 0) {
      if (seen[static_cast<std::size_t>(field)])
        return error(Errc::kBadInput, "line 1", fmt::format("the column '{}' stands here twice", name));
      seen[static_cast<std::size_t>(field)] = true;
    }
    columns_.push_back(field);
    if (columns_.size() > kColumnsMax)
      return error(Errc::kBadInput, "line 1", fmt::format("more than {} columns", kColumnsMax));
    if (comma == std::string_view::npos) break;
    first.remove_prefix(comma + 1);
  }
  for (int field = 0; field < kKey; ++field) {
    if (!seen[static_cast<std::size_t>(field)])
      return error(
          Errc::kBadInput, "line 1",
          fmt::format("the header lacks '{}'; it is lead_id,kind,hash,observed_at,confidence,purpose,expires_at",
                      kNames[static_cast<std::size_t>(field)]));
  }
  return {};
}

std::optional<LineFault> LeadLineParser::split(std::string_view line) {
  for (std::string& field : fields_) field.clear();
  for (std::size_t column = 0;; ++column) {
    const std::size_t comma = line.find(',');
    if (column >= columns_.size()) return LineFault{"fields", "more fields than the header has"};
    if (const int field = columns_[column]; field >= 0)
      fields_[static_cast<std::size_t>(field)] = trimmed(line.substr(0, comma));
    if (comma == std::string_view::npos) {
      if (column + 1 != columns_.size()) return LineFault{"fields", "fewer fields than the header has"};
      return std::nullopt;
    }
    line.remove_prefix(comma + 1);
  }
}

std::optional<LineFault> LeadLineParser::read_json(std::string_view line) {
  for (std::string& field : fields_) field.clear();
  simdjson::dom::object object;
  if (json_->parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS)
    return LineFault{"json", "not an object of JSON"};
  for (const auto member : object) {
    const auto known = std::find(kNames.begin(), kNames.end(), member.key);
    if (known == kNames.end()) continue;
    std::string& field = fields_[static_cast<std::size_t>(known - kNames.begin())];
    std::string_view text;
    if (member.value.get(text) == simdjson::SUCCESS) {
      field = trimmed(text);
      continue;
    }
    double number = 0;
    if (*known != "confidence" || member.value.get(number) != simdjson::SUCCESS || !(number >= 0 && number <= 1))
      return LineFault{"json", fmt::format("'{}' is of another type", *known)};
    field = fmt::format("{:.6f}", number);
  }
  return std::nullopt;
}

std::optional<LineFault> LeadLineParser::parse(std::string_view line, LeadLine& out) {
  if (auto fault = json_ ? read_json(line) : split(line)) return fault;
  if (!usable_lead_id(fields_[kId]))
    return LineFault{"lead_id", "the lead id has 1 to 64 of A-Z a-z 0-9 - _ . : and cannot be a telephone number"};
  out.lead_id = fields_[kId];
  if (!word_like(fields_[kKind], 40)) return LineFault{"kind", "the kind is missing or no word"};
  out.kind = fields_[kKind];
  if (out.kind == "withdrawn") return std::nullopt;
  const auto hash = parse_hash(fields_[kHash]);
  if (!hash) return LineFault{"hash", "the hash is not 64 hexadecimal digits"};
  out.hash = *hash;
  const auto observed = parse_rfc3339(fields_[kObserved]), expires = parse_rfc3339(fields_[kExpires]);
  if (!observed || !expires)
    return LineFault{
        "time", fmt::format("{} is not a time like 2026-11-22T08:00:00Z", observed ? "expires_at" : "observed_at")};
  out.observed_at = WallMs{*observed};
  out.expires_at = WallMs{*expires};
  const auto share = parse_share(fields_[kConfidence]);
  if (!share) return LineFault{"confidence", "the confidence is not between 0 and 1"};
  out.confidence = *share;
  if (!word_like(fields_[kPurpose], 40)) return LineFault{"purpose", "the purpose is missing or no word"};
  out.purpose = fields_[kPurpose];
  if (!fields_[kKey].empty() && !word_like(fields_[kKey], 40)) return LineFault{"key_id", "the key id is no word"};
  out.key_id = fields_[kKey];
  return std::nullopt;
}

LineReader::LineReader(const platform::ReadableFile& file, std::uint64_t offset, std::size_t line_max)
    : file_(file), buffer_(kReadBytes), start_(offset), line_max_(line_max) {}

Result<bool> LineReader::next(std::string_view& line, bool& too_long) {
  line_.clear();
  too_long = false;
  bool any = false;
  while (true) {
    if (at_ == end_) {
      start_ += end_;
      at_ = end_ = 0;
      TRY_ASSIGN(end_, file_.read_at(start_, buffer_.data(), buffer_.size()));
      if (end_ == 0) break;
    }
    any = true;
    const std::string_view rest(buffer_.data() + at_, end_ - at_);
    const std::size_t stop = rest.find('\n');
    const std::string_view part = rest.substr(0, stop);
    const std::size_t room = line_max_ - line_.size();
    too_long = too_long || part.size() > room;
    line_.append(part.substr(0, room));
    at_ += part.size();
    if (stop == std::string_view::npos) continue;
    ++at_;
    break;
  }
  line = line_;
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  return any;
}

}  // namespace pandun::exchange
