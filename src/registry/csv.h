// Reads the plan's small CSV files: UTF-8, `#` comment lines, one header line, fields that may be quoted.
//
// Errors   every fault is added to `faults` as "file:line: what"; rows with faults are left out.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pandun::registry {

struct CsvRow {
  std::size_t line = 0;
  std::vector<std::string> fields;
};

class Faults {
 public:
  void add(std::string_view file, std::size_t line, std::string_view what);
  bool any() const { return count_ != 0; }
  // All of them, one a line; past fifty only their number.
  std::string text() const;

 private:
  std::string text_;
  std::size_t count_ = 0;
};

std::vector<CsvRow> read_csv(std::string_view file, std::string_view text, std::span<const std::string_view> header,
                             Faults& faults);

// A whole number within bounds, or a fault.
std::uint32_t whole(std::string_view file, const CsvRow& row, std::size_t column, std::string_view name,
                    std::uint32_t min, std::uint32_t max, Faults& faults);
bool is_digits(std::string_view text);

}  // namespace pandun::registry
