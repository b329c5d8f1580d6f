// A column map: how a carrier's own export becomes our canonical CSV, as data. docs/inputs.md shows whole ones.
//
// Errors   parse(): kBadConfig naming every fault with file:line:column; nothing is half-loaded.
// Threads  a value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sources/kit/record_time.h"

namespace pandun::sources {

struct ColumnMap {
  struct Condition {
    std::string column;               // theirs
    std::vector<std::string> values;  // any of these
  };
  struct Change {
    std::string column, equals;                            // canonical; as written in the record
    std::vector<std::pair<std::string, std::string>> set;  // canonical column, new value
  };

  char delimiter = ',';
  bool gb18030 = false;  // the file's text; else UTF-8
  bool numbers_opaque = false;
  std::vector<std::string> header;  // column names for a file without a header line; empty: the file has one
  RecordTime time;
  std::vector<std::pair<std::string, std::string>> columns;    // canonical, theirs
  std::vector<std::pair<std::string, std::string>> constants;  // canonical, value
  std::vector<Condition> only;
  std::vector<Change> changes;  // in the order of the file

  std::string_view theirs(std::string_view canonical) const;  // the same name if the map does not say

  // `kind` is "calls" or "messages"; `canonical` its columns.
  static Result<ColumnMap> parse(std::string_view toml, std::string_view file, std::string_view kind,
                                 const std::vector<std::string_view>& canonical);
};

}  // namespace pandun::sources
