// A training or scoring table: one row for each entity, an id, perhaps a label, a group, a time, and numeric features.
//
// Shape    CSV (learn/csv.h), plain or .gz, header line required. An empty cell is a missing value (NaN). Declared categorical columns
//          are coded by falling frequency (ties by name), without a look at the label.
// Errors   the header, a wordy column and anything past `rejects_share_max` end the reading with "path:line:column"; single bad rows are
//          left out, counted and listed (the first 50). Bounds: 4,096 columns, 400 million cells, 10,000 values of a categorical column.
// Threads  a Table is a plain value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "learn/csv.h"

namespace pandun::learn {

struct TableSpec {
  std::string id = "id";
  std::string label;                     // empty: none is read
  bool label_required = true;            // else the table may lack it
  std::string group, time, first_event;  // empty: none
  std::string weight_group;              // column of protected groups; empty: none
  std::vector<std::string> categorical;
  std::vector<std::string> ignore;
  // Reading for a model: exactly these features, in this order; others are ignored and counted.
  std::vector<std::string> features;
  std::map<std::string, std::vector<std::string>, std::less<>> categories;  // the model's codes
  double rejects_share_max = 0.01;
};

struct RowFault {
  std::uint64_t line = 0;
  std::uint32_t column = 0;
  std::string message;
};

struct Table {
  std::string path;
  std::vector<std::string> ids;
  std::vector<std::uint8_t> labels;  // empty when not labelled
  std::vector<std::string> groups, protected_groups;
  std::vector<std::int64_t> times, first_events;  // ms since the Unix epoch
  std::vector<std::string> features;
  std::vector<float> values;  // rows x features
  std::map<std::string, std::vector<std::string>, std::less<>> categories;
  std::string digest;  // BLAKE2b-256 of the accepted content in hex, the same for a plain file and its .gz

  std::uint64_t rows_read = 0, rejected = 0, missing_cells = 0, unknown_categories = 0;
  std::vector<RowFault> faults;  // the first 50
  std::vector<std::string> ignored_columns, missing_columns;

  std::size_t rows() const { return ids.size(); }
  std::size_t width() const { return features.size(); }
  const float* row(std::size_t i) const { return values.data() + i * width(); }
  std::size_t positives() const;
  std::optional<std::size_t> feature(std::string_view name) const;
  // Adds columns to the right; `columns` is rows x names.size(), row-major.
  void append_features(const std::vector<std::string>& names, const std::vector<float>& columns);
  void remove_features(const std::set<std::size_t>& columns);
};

Result<Table> read_table(CsvReader reader, const TableSpec& spec);
Result<Table> read_table(platform::FileSystem& files, const std::string& path, const TableSpec& spec);

// A number of a cell: finite and within a float's range, or the reason why not.
struct ParsedNumber {
  float value = 0;
  const char* fault = nullptr;  // nullptr: sound
  bool wordy = false;           // the text is no number at all
};
ParsedNumber parse_number(std::string_view text);

// Unix seconds or milliseconds, or RFC 3339; nullopt for anything else.
std::optional<std::int64_t> parse_moment(std::string_view text);

}  // namespace pandun::learn
