#include "registry/csv.h"

#include <fmt/format.h>

#include <algorithm>

namespace pandun::registry {
namespace {

constexpr std::size_t kShownMax = 50;

bool split(std::string_view line, std::vector<std::string>& fields) {
  for (std::size_t i = 0;;) {
    std::string field;
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
      if (++i < line.size() && line[i] != ',') return false;
    } else {
      while (i < line.size() && line[i] != ',') field.push_back(line[i++]);
    }
    fields.push_back(std::move(field));
    if (i >= line.size()) return true;
    ++i;
  }
}

}  // namespace

void Faults::add(std::string_view file, std::size_t line, std::string_view what) {
  if (++count_ > kShownMax) return;
  if (!text_.empty()) text_.push_back('\n');
  text_ += fmt::format("{}:{}: {}", file, line, what);
}

std::string Faults::text() const {
  return count_ > kShownMax ? fmt::format("{}\nand {} more", text_, count_ - kShownMax) : text_;
}

std::vector<CsvRow> read_csv(std::string_view file, std::string_view text, std::span<const std::string_view> header,
                             Faults& faults) {
  std::vector<CsvRow> rows;
  bool header_seen = false;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    CsvRow row;
    row.line = number;
    if (!split(line, row.fields)) {
      faults.add(file, number, "a quoted field does not end");
    } else if (!header_seen) {
      header_seen = true;
      if (!std::equal(header.begin(), header.end(), row.fields.begin(), row.fields.end())) {
        faults.add(file, number, fmt::format("the header must be {}", fmt::join(header, ",")));
        return rows;
      }
    } else if (row.fields.size() != header.size()) {
      faults.add(file, number, fmt::format("{} fields, but the header has {}", row.fields.size(), header.size()));
    } else {
      rows.push_back(std::move(row));
    }
  }
  if (!header_seen) faults.add(file, 1, "the file has no header line");
  return rows;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::uint32_t whole(std::string_view file, const CsvRow& row, std::size_t column, std::string_view name,
                    std::uint32_t min, std::uint32_t max, Faults& faults) {
  const std::string& text = row.fields[column];
  std::uint32_t value = 0;
  if (is_digits(text) && text.size() <= 9)
    for (const char c : text) value = value * 10 + static_cast<std::uint32_t>(c - '0');
  else
    value = max + 1;
  if (value >= min && value <= max) return value;
  faults.add(file, row.line, fmt::format("{} is \"{}\", expected a whole number from {} to {}", name, text, min, max));
  return min;
}

}  // namespace pandun::registry
