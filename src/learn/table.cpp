#include "learn/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "base/time.h"
#include "learn/digest.h"

namespace pandun::learn {
namespace {

constexpr std::size_t kFaultsKept = 50;
constexpr std::uint64_t kValuesMax = 400'000'000;
constexpr std::size_t kCategoriesMax = 10'000;
constexpr std::size_t kAbsent = std::numeric_limits<std::size_t>::max();

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string shown(std::string_view text) {
  std::string out(text.substr(0, 40));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return text.size() > 40 ? out + "…" : out;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t next = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1] ? 1U : 0U)});
      diagonal = row[j];
      row[j] = next;
    }
  }
  return row[b.size()];
}

// What each column of the file is for.
struct Columns {
  std::size_t id = kAbsent, label = kAbsent, group = kAbsent, time = kAbsent, first_event = kAbsent,
              protected_group = kAbsent;
  std::vector<std::size_t> features;  // column of each feature of the table; kAbsent: the file lacks it
  std::vector<bool> categorical;
  std::size_t count = 0;
};

class Reading {
 public:
  Reading(CsvReader reader, const TableSpec& spec) : reader_(std::move(reader)), spec_(spec) {
    table_.path = reader_.path();
  }

  Result<Table> run() {
    TRY(read_header());
    std::vector<Cell> cells;
    for (;;) {
      TRY_ASSIGN(const bool more, reader_.next(cells));
      if (!more) break;
      ++table_.rows_read;
      TRY(take_row(cells));
    }
    TRY(judge());
    code_categories();
    finish_digest();
    return std::move(table_);
  }

 private:
  Result<std::size_t> column_of(const std::vector<std::string>& names, const std::string& name, const char* role,
                                bool required) {
    if (name.empty()) return kAbsent;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    if (!required) return kAbsent;
    std::string message = std::string("the header has no ") + role + " column '" + shown(name) + "'";
    const auto near = std::min_element(names.begin(), names.end(), [&](const auto& a, const auto& b) {
      return distance(a.substr(0, 64), name) < distance(b.substr(0, 64), name);
    });
    if (near != names.end() && distance(near->substr(0, 64), name) <= 3) message += "; is it '" + shown(*near) + "'?";
    return error(Errc::kBadInput, table_.path + ":1", message);
  }

  Result<> read_header() {
    std::vector<Cell> cells;
    TRY_ASSIGN(const bool more, reader_.next(cells));
    if (!more) return error(Errc::kBadInput, table_.path, "the table is empty: a header line is required");
    std::vector<std::string> names;
    for (const Cell& cell : cells) {
      const std::string name(trim(cell.text));
      if (name.empty()) return error(Errc::kBadInput, reader_.place(cell), "a column without a name");
      if (name.size() > 128) return error(Errc::kBadInput, reader_.place(cell), "a column name of over 128 bytes");
      if (std::find(names.begin(), names.end(), name) != names.end())
        return error(Errc::kBadInput, reader_.place(cell), "the column '" + shown(name) + "' stands twice");
      names.push_back(name);
    }
    columns_.count = names.size();
    TRY_ASSIGN(columns_.id, column_of(names, spec_.id, "id", true));
    TRY_ASSIGN(columns_.label, column_of(names, spec_.label, "label", spec_.label_required));
    TRY_ASSIGN(columns_.group, column_of(names, spec_.group, "group", true));
    TRY_ASSIGN(columns_.time, column_of(names, spec_.time, "time", true));
    TRY_ASSIGN(columns_.first_event, column_of(names, spec_.first_event, "first-event", true));
    TRY_ASSIGN(columns_.protected_group, column_of(names, spec_.weight_group, "protected-group", true));
    for (const auto* list : {&spec_.categorical, &spec_.ignore})
      for (const std::string& name : *list) TRY(column_of(names, name, "declared", true));
    choose_features(names);
    if (table_.features.empty())
      return error(Errc::kBadInput, table_.path + ":1", "no feature column is left beside id and label");
    return {};
  }

  void choose_features(const std::vector<std::string>& names) {
    const std::set<std::size_t> roles{columns_.id,   columns_.label,       columns_.group,
                                      columns_.time, columns_.first_event, columns_.protected_group};
    const auto listed = [](const auto& list, const std::string& name) {
      return std::find(list.begin(), list.end(), name) != list.end();
    };
    if (spec_.features.empty()) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (roles.contains(i)) continue;
        if (listed(spec_.ignore, names[i])) {
          table_.ignored_columns.push_back(names[i]);
          continue;
        }
        table_.features.push_back(names[i]);
        columns_.features.push_back(i);
      }
    } else {
      table_.features = spec_.features;
      for (const std::string& name : spec_.features) {
        const auto found = std::find(names.begin(), names.end(), name);
        columns_.features.push_back(found == names.end() ? kAbsent : static_cast<std::size_t>(found - names.begin()));
        if (found == names.end()) table_.missing_columns.push_back(name);
      }
      for (std::size_t i = 0; i < names.size(); ++i)
        if (!roles.contains(i) && !listed(spec_.features, names[i])) table_.ignored_columns.push_back(names[i]);
    }
    for (const std::string& name : table_.features)
      columns_.categorical.push_back(spec_.categories.contains(name) || listed(spec_.categorical, name));
    words_.resize(table_.features.size());
    wordy_.resize(table_.features.size());
  }

  void reject(std::uint32_t column, std::string message) {
    ++table_.rejected;
    if (table_.faults.size() < kFaultsKept) table_.faults.push_back({reader_.line(), column, std::move(message)});
  }

  Result<> take_row(const std::vector<Cell>& cells) {
    if (cells.size() != columns_.count) {
      reject(1, std::to_string(cells.size()) + " cells where the header has " + std::to_string(columns_.count));
      return {};
    }
    const std::string_view id = trim(cells[columns_.id].text);
    if (id.empty()) return reject(cells[columns_.id].column, "the id is empty"), Result<>();
    if (id.size() > 256) return reject(cells[columns_.id].column, "the id is over 256 bytes"), Result<>();
    Row row;
    if (!take_label(cells, row) || !take_time(cells, columns_.time, row.time) ||
        !take_time(cells, columns_.first_event, row.first_event))
      return {};
    const std::size_t base = table_.values.size();
    if (base + columns_.features.size() > kValuesMax)
      return error(Errc::kTooLarge, table_.path + ":" + std::to_string(reader_.line()),
                   "over 400 million values; split the table");
    if (!take_values(cells)) {
      table_.values.resize(base);
      return {};
    }
    if (!known_.insert(std::string(id)).second) {
      table_.values.resize(base);
      return reject(cells[columns_.id].column, "the id '" + shown(id) + "' stands twice; the first row counts"),
             Result<>();
    }
    for (std::size_t i = base; i < table_.values.size(); ++i)
      if (std::isnan(table_.values[i])) ++table_.missing_cells;
    table_.ids.emplace_back(id);
    if (columns_.label != kAbsent) table_.labels.push_back(row.label);
    if (columns_.group != kAbsent) table_.groups.emplace_back(trim(cells[columns_.group].text));
    if (columns_.protected_group != kAbsent)
      table_.protected_groups.emplace_back(trim(cells[columns_.protected_group].text));
    if (columns_.time != kAbsent) table_.times.push_back(row.time);
    if (columns_.first_event != kAbsent) table_.first_events.push_back(row.first_event);
    return {};
  }

  struct Row {
    std::uint8_t label = 0;
    std::int64_t time = 0, first_event = 0;
  };

  bool take_label(const std::vector<Cell>& cells, Row& row) {
    if (columns_.label == kAbsent) return true;
    const Cell& cell = cells[columns_.label];
    const std::string_view text = trim(cell.text);
    if (text == "1" || text == "1.0" || text == "true") {
      row.label = 1;
    } else if (!(text == "0" || text == "0.0" || text == "false")) {
      reject(cell.column, text.empty() ? "the label is empty" : "the label '" + shown(text) + "' is neither 0 nor 1");
      return false;
    }
    return true;
  }

  bool take_time(const std::vector<Cell>& cells, std::size_t column, std::int64_t& out) {
    if (column == kAbsent) return true;
    const auto moment = parse_moment(trim(cells[column].text));
    if (moment) {
      out = *moment;
      return true;
    }
    reject(cells[column].column,
           "'" + shown(cells[column].text) + "' is no time (RFC 3339, Unix seconds or milliseconds)");
    return false;
  }

  bool take_values(const std::vector<Cell>& cells) {
    for (std::size_t f = 0; f < columns_.features.size(); ++f) {
      if (columns_.features[f] == kAbsent) {
        table_.values.push_back(std::numeric_limits<float>::quiet_NaN());
        continue;
      }
      const Cell& cell = cells[columns_.features[f]];
      const std::string_view text = trim(cell.text);
      if (text.empty()) {
        table_.values.push_back(std::numeric_limits<float>::quiet_NaN());
      } else if (columns_.categorical[f]) {
        if (!take_word(f, text, cell)) return false;
      } else {
        const ParsedNumber number = parse_number(text);
        if (number.fault != nullptr) {
          Wordy& wordy = wordy_[f];
          if (number.wordy && wordy.cells++ == 0) wordy.first = {reader_.line(), cell.column, shown(text)};
          reject(cell.column, "column '" + shown(table_.features[f]) + "': '" + shown(text) + "' " + number.fault);
          return false;
        }
        table_.values.push_back(number.value);
      }
    }
    return true;
  }

  // Words get a number in order of appearance here; code_categories() puts the final one.
  bool take_word(std::size_t f, std::string_view text, const Cell& cell) {
    auto& words = words_[f];
    auto found = words.find(std::string(text));
    if (found == words.end()) {
      if (words.size() >= kCategoriesMax) {
        reject(cell.column, "column '" + shown(table_.features[f]) + "' has over 10,000 different values");
        return false;
      }
      found = words.emplace(std::string(text), std::pair<std::uint32_t, std::uint64_t>{words.size(), 0}).first;
    }
    ++found->second.second;
    table_.values.push_back(static_cast<float>(found->second.first));
    return true;
  }

  Result<> judge() const {
    const double allowed = spec_.rejects_share_max * static_cast<double>(table_.rows_read);
    for (std::size_t f = 0; f < wordy_.size(); ++f)
      if (static_cast<double>(wordy_[f].cells) > std::max(1.0, allowed))
        return error(
            Errc::kBadInput,
            table_.path + ":" + std::to_string(wordy_[f].first.line) + ":" + std::to_string(wordy_[f].first.column),
            "column '" + shown(table_.features[f]) + "' holds words ('" + wordy_[f].first.message +
                "'); declare it with --categorical or leave it out with --ignore");
    if (static_cast<double>(table_.rejected) > allowed && table_.rejected > 0) {
      const RowFault& first = table_.faults.front();
      return error(Errc::kBadInput, table_.path + ":" + std::to_string(first.line) + ":" + std::to_string(first.column),
                   std::to_string(table_.rejected) + " of " + std::to_string(table_.rows_read) +
                       " rows cannot be used, more than the allowed share; the first: " + first.message);
    }
    if (table_.ids.empty()) return error(Errc::kBadInput, table_.path, "no row can be used");
    return {};
  }

  void code_categories() {
    for (std::size_t f = 0; f < table_.features.size(); ++f) {
      if (!columns_.categorical[f]) continue;
      const std::string& name = table_.features[f];
      std::vector<std::string> codes;
      if (const auto known = spec_.categories.find(name); known != spec_.categories.end()) {
        codes = known->second;
      } else {
        std::vector<std::pair<std::uint64_t, std::string>> order;
        for (const auto& [word, place] : words_[f]) order.emplace_back(place.second, word);
        std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
          return a.first != b.first ? a.first > b.first : a.second < b.second;
        });
        for (auto& [count, word] : order) codes.push_back(std::move(word));
      }
      std::unordered_map<std::string_view, std::size_t> code_of;
      for (std::size_t i = 0; i < codes.size(); ++i) code_of.emplace(codes[i], i);
      std::vector<float> recode(words_[f].size(), std::numeric_limits<float>::quiet_NaN());
      for (const auto& [word, place] : words_[f]) {
        if (const auto at = code_of.find(word); at != code_of.end())
          recode[place.first] = static_cast<float>(at->second);
        else
          table_.unknown_categories += place.second;
      }
      for (std::size_t r = 0; r < table_.rows(); ++r) {
        float& value = table_.values[r * table_.width() + f];
        if (!std::isnan(value)) value = recode[static_cast<std::size_t>(value)];
      }
      table_.categories[name] = std::move(codes);
    }
  }

  void finish_digest() {
    Digest digest;
    for (const std::string& name : table_.features) digest.add(name).add("\n");
    for (const std::string& id : table_.ids) digest.add(id).add("\n");
    digest.add({reinterpret_cast<const char*>(table_.labels.data()), table_.labels.size()});
    digest.add({reinterpret_cast<const char*>(table_.values.data()), table_.values.size() * sizeof(float)});
    table_.digest = digest.hex();
  }

  struct Wordy {
    std::uint64_t cells = 0;
    RowFault first;
  };

  CsvReader reader_;
  const TableSpec& spec_;
  Table table_;
  Columns columns_;
  std::unordered_set<std::string> known_;
  std::vector<std::unordered_map<std::string, std::pair<std::uint32_t, std::uint64_t>>> words_;
  std::vector<Wordy> wordy_;
};

}  // namespace

std::size_t Table::positives() const {
  return static_cast<std::size_t>(std::count(labels.begin(), labels.end(), std::uint8_t{1}));
}

std::optional<std::size_t> Table::feature(std::string_view name) const {
  const auto found = std::find(features.begin(), features.end(), name);
  if (found == features.end()) return std::nullopt;
  return static_cast<std::size_t>(found - features.begin());
}

void Table::append_features(const std::vector<std::string>& names, const std::vector<float>& columns) {
  CHECK(columns.size() == rows() * names.size());
  const std::size_t old_width = width(), new_width = old_width + names.size();
  std::vector<float> wide(rows() * new_width);
  for (std::size_t r = 0; r < rows(); ++r) {
    std::copy_n(values.data() + r * old_width, old_width, wide.data() + r * new_width);
    std::copy_n(columns.data() + r * names.size(), names.size(), wide.data() + r * new_width + old_width);
  }
  values = std::move(wide);
  features.insert(features.end(), names.begin(), names.end());
}

void Table::remove_features(const std::set<std::size_t>& columns) {
  if (columns.empty()) return;
  std::vector<float> narrow;
  narrow.reserve(rows() * (width() - columns.size()));
  for (std::size_t r = 0; r < rows(); ++r)
    for (std::size_t f = 0; f < width(); ++f)
      if (!columns.contains(f)) narrow.push_back(row(r)[f]);
  std::vector<std::string> names;
  for (std::size_t f = 0; f < width(); ++f)
    if (!columns.contains(f)) names.push_back(features[f]);
  values = std::move(narrow);
  features = std::move(names);
}

ParsedNumber parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc::result_out_of_range) return {0, "is out of range", false};
  if (code != std::errc() || end != text.data() + text.size() || text.empty()) return {0, "is no number", true};
  if (!std::isfinite(value)) return {0, "is not finite; leave the cell empty for a missing value", false};
  if (std::fabs(value) > static_cast<double>(std::numeric_limits<float>::max()))
    return {0, "is larger than a single-precision number holds (3.4e38)", false};
  return {static_cast<float>(value), nullptr, false};
}

std::optional<std::int64_t> parse_moment(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.find('-', 1) != std::string_view::npos && text.find(':') != std::string_view::npos)
    return parse_rfc3339(text);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  const double ms = std::fabs(value) < 1e11 ? value * 1000.0 : value;
  if (std::fabs(ms) > 2.5e14) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(ms));
}

Result<Table> read_table(CsvReader reader, const TableSpec& spec) {
  return Reading(std::move(reader), spec).run();
}

Result<Table> read_table(platform::FileSystem& files, const std::string& path, const TableSpec& spec) {
  TRY_ASSIGN(CsvReader reader, CsvReader::open(files, path));
  return read_table(std::move(reader), spec);
}

}  // namespace pandun::learn
