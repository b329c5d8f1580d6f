#include "sources/kit/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "sources/kit/line_reader.h"
#include "sources/kit/record.h"
#include "sources/kit/scan.h"

namespace pandun::sources {
namespace {

constexpr std::size_t kOpenLinesMax = 16;
const iconv_t kNoIconv = reinterpret_cast<iconv_t>(-1);  // NOLINT(performance-no-int-to-ptr): iconv_open's own sentinel

inline bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
inline std::string_view trim(std::string_view text) {
  if (text.empty() || (!is_blank(text.front()) && !is_blank(text.back()))) return text;  // nearly always
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::size_t index_of(const std::vector<std::string_view>& names, std::string_view name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

// One quoted field whose opening quote stands at `at`; moved behind the closing one.
CsvSplit quoted_field(std::string_view text, std::size_t& at, std::string& scratch, std::string_view& field) {
  const std::size_t first = scratch.size();
  for (++at;;) {
    const std::size_t quote = text.find('"', at);
    if (quote == std::string_view::npos) return CsvSplit::kUnclosed;
    scratch.append(text.substr(at, quote - at));
    at = quote + 1;
    if (at >= text.size() || text[at] != '"') break;
    scratch += '"';
    ++at;
  }
  field = std::string_view(scratch).substr(first);
  return CsvSplit::kGood;
}

}  // namespace

CsvSplit split_csv(std::string_view text, char delimiter, std::vector<std::string_view>& fields, std::string& scratch) {
  fields.clear();
  scratch.clear();
  scratch.reserve(text.size());  // so that views into it stay
  for (std::size_t at = 0;;) {
    std::string_view field;
    if (at < text.size() && text[at] == '"') {
      const CsvSplit got = quoted_field(text, at, scratch, field);
      if (got != CsvSplit::kGood) return got;
      if (at < text.size() && text[at] != delimiter) return CsvSplit::kBadQuote;
    } else {
      const std::size_t next = std::min(text.find(delimiter, at), text.size());
      field = text.substr(at, next - at);
      at = next;
    }
    fields.push_back(trim(field));
    if (at >= text.size()) return CsvSplit::kGood;
    ++at;
  }
}

CsvDecoder::CsvDecoder(std::string_view kind, const std::vector<std::string_view>& canonical, ColumnMap map)
    : kind_(kind), canonical_(canonical), map_(std::move(map)), time_(map_.time), iconv_(kNoIconv) {
  CHECK(canonical_.size() <= kCanonicalMax);
  if (map_.gb18030) iconv_ = iconv_open("UTF-8", "GB18030");
  for (const auto& [name, value] : map_.constants) constants_.emplace_back(index_of(canonical_, name), value);
  for (const auto& change : map_.changes) {
    Change& own = changes_.emplace_back(Change{index_of(canonical_, change.column), change.equals, {}});
    for (const auto& [name, value] : change.set) own.set.emplace_back(index_of(canonical_, name), value);
  }
  if (map_.header.empty()) return;
  Header header;
  const std::vector<std::string_view> names(map_.header.begin(), map_.header.end());
  header_known_ = bind(names, header).ok();
  hopeless_ = !header_known_;
  header_ = std::move(header);
}

CsvDecoder::~CsvDecoder() {
  if (iconv_ != kNoIconv) iconv_close(iconv_);
}

Result<> CsvDecoder::bind(const std::vector<std::string_view>& names, Header& header) const {
  const auto find = [&](std::string_view name) {
    return static_cast<std::size_t>(
        std::find_if(names.begin(), names.end(), [&](auto n) { return same_name(n, name); }) - names.begin());
  };
  std::vector<bool> used(names.size(), false);
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < canonical_.size(); ++i) {
    const std::string_view wanted = map_.theirs(canonical_[i]);
    const std::size_t column = find(wanted);
    if (column < names.size()) {
      header.bound.push_back({column, i});
      used[column] = true;
      continue;
    }
    const bool mapped =
        std::any_of(map_.columns.begin(), map_.columns.end(), [&](const auto& c) { return c.first == canonical_[i]; });
    const bool constant =
        std::any_of(constants_.begin(), constants_.end(), [&](const auto& c) { return c.first == i; });
    if ((i < 3 || mapped) && !constant) missing.emplace_back(wanted);
  }
  for (const auto& condition : map_.only) {
    const std::size_t column = find(condition.column);
    header.only.push_back(column);
    if (column < names.size()) used[column] = true;
    if (column >= names.size()) missing.push_back(condition.column);
  }
  header.columns = names.size();
  header.extra = static_cast<std::size_t>(std::count(used.begin(), used.end(), false));
  if (missing.empty()) return {};
  return error(
      Errc::kBadInput, {},
      fmt::format("the header lacks {}; it names: {}. {} needs {}, {} and {}; a column map (--map FILE.toml) renames a "
                  "carrier's own columns",
                  fmt::join(missing, ", "), excerpt_of(fmt::format("{}", fmt::join(names, ", "))), kind_, canonical_[0],
                  canonical_[1], canonical_[2]));
}

Result<CsvDecoder::Header> CsvDecoder::read_header(std::string_view text) const {
  Header header;
  header.text = text;
  std::vector<std::string_view> names;
  std::string scratch;
  if (split_csv(text, map_.delimiter, names, scratch) != CsvSplit::kGood)
    return error(Errc::kBadInput, {}, "the header line has a quote that does not close");
  TRY(bind(names, header));
  return header;
}

Result<> CsvDecoder::check_head(std::string_view first_line) const {
  if (first_line.starts_with("#separator") || first_line.starts_with("#fields"))
    return error(Errc::kBadInput, {}, "this is a Zeek log; give it as zeek:PATH");
  if (first_line.starts_with('{')) return error(Errc::kBadInput, {}, "this is JSON; give it as zeek:PATH or eve:PATH");
  if (hopeless_)
    return error(Errc::kBadConfig, {}, "the column map's own header lacks columns that it maps or that are needed");
  if (header_known_ || map_.gb18030) return {};
  const auto header = read_header(first_line);
  return header ? Result<>() : Result<>(header.error());
}

// True if the line was the header (good or bad), false if it is a record under the header before it.
bool CsvDecoder::take_header(std::string_view text, std::uint64_t record, DecodeSink& sink) {
  at_start_ = false;
  if (!map_.header.empty()) return false;
  auto header = read_header(text);
  if (header) {
    const bool changed = !header_known_ || header->text != header_.text;
    header_ = std::move(*header);
    header_known_ = true;
    hopeless_ = false;
    if (changed) sink.counts->extra_columns += header_.extra;
    return true;
  }
  if (header_known_ && split_csv(text, map_.delimiter, fields_, scratch_) == CsvSplit::kGood &&
      fields_.size() == header_.columns)
    return false;
  ++sink.counts->records;
  refuse(sink, record, model::RejectReason::kUnknownRecord, header.error().message, text);
  hopeless_ = true;
  return true;
}

std::string_view CsvDecoder::to_utf8(std::string_view text, DecodeSink& sink) {
  converted_.assign(text.size() * 3 + kLinePadding, '\0');
  char* from = const_cast<char*>(text.data());  // NOLINT: iconv's signature; it does not write there
  char* to = converted_.data();
  std::size_t left = text.size(), room = text.size() * 3;
  bool whole = iconv_ != kNoIconv;
  if (whole) {
    iconv(iconv_, nullptr, nullptr, nullptr, nullptr);
    whole = iconv(iconv_, &from, &left, &to, &room) != static_cast<std::size_t>(-1);
  }
  if (whole) return {converted_.data(), static_cast<std::size_t>(to - converted_.data())};
  ++sink.counts->repaired;
  std::string repaired;
  repair_utf8(text, repaired);
  std::copy(repaired.begin(), repaired.end(), converted_.begin());
  return {converted_.data(), repaired.size()};
}

void CsvDecoder::line(std::string_view text, std::uint64_t record, DecodeSink& sink) {
  if (map_.gb18030 &&
      !std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    text = to_utf8(text, sink);
  if (open_lines_.empty()) {
    record_line(text, record, sink);
    return;
  }
  open_lines_.emplace_back(text).append(kLinePadding, '\0');
  std::string joined;
  for (const std::string& part : open_lines_) {
    if (!joined.empty()) joined += '\n';
    joined.append(part, 0, part.size() - kLinePadding);
  }
  if (split_csv(joined, map_.delimiter, fields_, scratch_) == CsvSplit::kUnclosed) {
    if (open_lines_.size() >= kOpenLinesMax || joined.size() > kLineBytesMax) give_up_quote(sink);
    return;
  }
  open_lines_.clear();
  joined.append(kLinePadding, '\0');
  record_line(std::string_view(joined).substr(0, joined.size() - kLinePadding), open_record_, sink);
}

// The line that opened the quote is refused; what was swallowed behind it is read again as lines of its own.
void CsvDecoder::give_up_quote(DecodeSink& sink) {
  const std::vector<std::string> lines = std::move(open_lines_);
  const std::uint64_t first = open_record_;
  open_lines_.clear();
  const auto view = [](const std::string& padded) {
    return std::string_view(padded).substr(0, padded.size() - kLinePadding);
  };
  ++sink.counts->records;
  refuse(sink, first, model::RejectReason::kTruncated, "a quoted field is never closed", view(lines[0]));
  const bool raw = std::exchange(map_.gb18030, false);  // they are UTF-8 by now
  for (std::size_t i = 1; i < lines.size(); ++i) line(view(lines[i]), first + i, sink);
  map_.gb18030 = raw;
}

void CsvDecoder::end(DecodeSink& sink) {
  while (!open_lines_.empty()) give_up_quote(sink);
  at_start_ = true;
  hopeless_ = !map_.header.empty() && !header_known_;
  time_.forget();
}

void CsvDecoder::record_line(std::string_view text, std::uint64_t record, DecodeSink& sink) {
  if (text.empty()) return;
  if (at_start_ && take_header(text, record, sink)) return;
  if (hopeless_) {
    ++sink.counts->records;
    unread(sink, "(no usable header)");
    return;
  }
  if (std::memchr(text.data(), '"', text.size()) == nullptr) {
    const std::size_t found = find_separators(text, map_.delimiter, ends_.data(), ends_.size());
    if (found > ends_.size()) {
      ends_.resize(found);
      find_separators(text, map_.delimiter, ends_.data(), ends_.size());
    }
    fields_.resize(found + 1);
    std::size_t from = 0;
    for (std::size_t i = 0; i < found; ++i) {
      fields_[i] = text.substr(from, ends_[i] - from);
      from = ends_[i] + 1;
    }
    fields_[found] = text.substr(from);
  } else {
    const CsvSplit got = split_csv(text, map_.delimiter, fields_, scratch_);
    if (got == CsvSplit::kUnclosed) {
      open_record_ = record;
      open_lines_.emplace_back(text).append(kLinePadding, '\0');
      return;
    }
    if (got == CsvSplit::kBadQuote) {
      ++sink.counts->records;
      refuse(sink, record, model::RejectReason::kBadValue, "text stands behind a closing quote", text);
      return;
    }
  }
  values_of_row(text, record, sink);
}

void CsvDecoder::refuse(DecodeSink& sink, std::uint64_t record, model::RejectReason reason, std::string detail,
                        std::string_view text) const {
  const auto is_guarded = [this](const Binding& binding) { return binding.canonical == guarded_; };
  const bool hidden = std::any_of(header_.bound.begin(), header_.bound.end(), is_guarded);
  reject(sink, record, reason, std::move(detail), hidden ? std::string_view{} : text);
}

void CsvDecoder::apply_changes(CsvValues& values) const {
  const CsvValues before = values;
  for (const Change& change : changes_) {
    if (before[change.column] != change.equals) continue;
    for (const auto& [column, value] : change.set) values[column] = value;
  }
}

void CsvDecoder::values_of_row(std::string_view text, std::uint64_t record, DecodeSink& sink) {
  if (fields_.size() != header_.columns) {
    ++sink.counts->records;
    refuse(sink, record, model::RejectReason::kFieldCount,
           fmt::format("{} fields, the header has {}", fields_.size(), header_.columns), text);
    return;
  }
  ++sink.counts->records;
  for (std::size_t i = 0; i < map_.only.size(); ++i) {
    const std::string_view value = trim(fields_[header_.only[i]]);
    const auto& wanted = map_.only[i].values;
    if (std::find(wanted.begin(), wanted.end(), value) != wanted.end()) continue;
    unread(sink, fmt::format("{}={}", map_.only[i].column, value));
    return;
  }
  CsvValues values{};
  for (const Binding& binding : header_.bound) values[binding.canonical] = trim(fields_[binding.column]);
  for (const auto& [column, value] : constants_) values[column] = value;
  if (!changes_.empty()) apply_changes(values);

  EventMs time;
  Fault fault;
  if (!time_.read(values[0], time, fault.reason)) {
    if (text == header_.text) {  // files joined by hand
      --sink.counts->records;
      return;
    }
    fault.detail = time_.why(fault.reason);
  } else if (values[2].empty()) {
    fault = {model::RejectReason::kMissingField, fmt::format("{} is empty", canonical_[2])};
  } else if (row(values, record, time, sink, fault)) {
    return;
  }
  refuse(sink, record, fault.reason, std::move(fault.detail), text);
}

std::string CsvDecoder::state() const {
  if (!header_known_ && !hopeless_ && time_.form() == TimeForm::kUnset) return {};
  return fmt::format("csv1 {} {:d} {:d} {:d}\n{}", static_cast<int>(time_.form()), at_start_, header_known_, hopeless_,
                     header_.text);
}

Result<> CsvDecoder::restore(std::string_view state) {
  if (state.empty()) return {};
  const std::size_t line_end = state.find('\n');
  const bool fits = state.starts_with("csv1 ") && line_end == 12 && state[5] >= '0' && state[5] <= '4';
  if (!fits) return error(Errc::kCorrupt, {}, "not a CSV decoder's state");
  time_.learn(static_cast<TimeForm>(state[5] - '0'));
  at_start_ = state[7] == '1';
  hopeless_ = hopeless_ || state[11] == '1';
  if (state[9] == '1' && map_.header.empty()) {
    auto header = read_header(state.substr(line_end + 1));
    if (!header) return std::move(header).error();
    header_ = std::move(*header);
    header_known_ = true;
  }
  return {};
}

bool csv_seconds(std::string_view text, std::int32_t& seconds) {
  std::int64_t thousandths = 0;
  if (!parse_thousandths(text, thousandths) || thousandths / 1000 > INT32_MAX) return false;
  seconds = static_cast<std::int32_t>(thousandths / 1000);
  return true;
}

void copy_into(model::Arena& arena, std::initializer_list<std::string_view*> views) {
  std::size_t size = 0;
  for (const auto* view : views) size += view->size();
  if (size == 0) return;
  char* to = arena.allocate(size);
  for (auto* view : views) {
    if (view->empty()) continue;
    std::memcpy(to, view->data(), view->size());
    *view = {to, view->size()};
    to += view->size();
  }
}

}  // namespace pandun::sources
