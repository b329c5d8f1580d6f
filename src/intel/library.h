// The indicator library: named lists in a directory, each with its source, marking and lifetimes.
//
// Shape    one file per list, text with a checksum in its last line; written aside and renamed, so that a crash leaves the
//          old list or the new. In memory 12 B a row + its text.
// Errors   load(): a torn or altered file is kCorrupt and named; the others are still loaded (faults()).
//          add(): kUsage for a name that is not [a-z0-9_-]{1,64}; kTooLarge above 2^28 rows or 4 GiB of text.
// Threads  one owner. matcher() gives a snapshot for everybody else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "intel/list_reader.h"
#include "intel/matcher.h"
#include "intel/warning_lists.h"
#include "platform/file_system.h"

namespace pandun::intel {

// One list's rows, compact. Immutable once in the library.
class IndicatorList {
 public:
  struct Row {
    std::uint32_t offset = 0;
    std::uint32_t facts = 0;
    std::uint16_t length = 0;
    IndicatorType type = IndicatorType::kIp;
  };

  explicit IndicatorList(std::string list_name) : name_(std::move(list_name)) {}
  const std::string& name() const { return name_; }
  const std::vector<Row>& rows() const { return rows_; }
  std::string_view value(const Row& row) const { return std::string_view(text_).substr(row.offset, row.length); }
  const Facts& facts(const Row& row) const { return facts_[row.facts]; }
  std::size_t bytes() const;

  Result<> add(IndicatorType type, std::string_view value, const Facts& facts);
  std::string save() const;  // the file's content
  static Result<IndicatorList> load(std::string_view content, const std::string& where);
  void sort_and_dedup(std::uint64_t& duplicates);  // by type, value; the later facts win

 private:
  std::string name_, text_;
  std::vector<Row> rows_;
  std::vector<Facts> facts_;
  std::vector<std::uint32_t> facts_by_hash_;  // indices into facts_, open addressing
};

struct ListInfo {
  std::string name, source;
  Marking marking = Marking::kAmber;
  std::uint64_t indicators = 0, bytes = 0;
  std::array<std::uint64_t, kIndicatorTypes> by_type{};
  std::int64_t valid_until_min = 0, valid_until_max = 0;  // 0 = some never end
};

class Library {
 public:
  // Nothing is read until load().
  Library(platform::FileSystem& files, std::string directory);

  Result<> load();
  const std::vector<Error>& faults() const { return faults_; }

  // Reads `text`, replaces the list of that name, writes it to the directory. The report says what was refused and why.
  Result<ReadReport> import(const std::string& list_name, std::string_view text, const ReadOptions& options);
  Result<> remove(const std::string& list_name);  // kNotFound
  std::vector<ListInfo> lists() const;
  const IndicatorList* find(std::string_view list_name) const;

  std::shared_ptr<const Matcher> matcher(const WarningLists* warnings, std::optional<std::int64_t> at) const;

 private:
  platform::FileSystem& files_;
  std::string directory_;
  std::vector<std::shared_ptr<const IndicatorList>> lists_;  // by name
  std::vector<Error> faults_;
};

// A list without a directory, for replay's `intel:` input.
Result<std::shared_ptr<const IndicatorList>> read_indicator_list(const std::string& list_name, std::string_view text,
                                                                 const ReadOptions& options, ReadReport& report);

}  // namespace pandun::intel
