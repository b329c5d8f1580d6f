// Rows of one event kind on their way into a part: filled column by column into a data chunk, staged in a table.
//
// Errors   stage(), close(): kIo with DuckDB's words (its memory bound); the stage is then broken.
// Threads  one owner.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "eventlog/archive/archive.h"
#include "eventlog/archive/schema.h"

namespace pandun::eventlog {

// Tokens of the numbers seen lately: the same few call again and again.
class TokenCache {
 public:
  struct Facts {
    std::string token, note;
  };
  explicit TokenCache(Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}
  const Facts& number(model::NumberKey number);
  const std::string& device(std::string_view device);

 private:
  static constexpr std::size_t kEntries = 1 << 16;
  Tokenizer* tokenizer_;
  std::unordered_map<std::uint64_t, Facts> numbers_;
  std::unordered_map<std::string, std::string> devices_;
};

class RowStage {
 public:
  RowStage(DuckConnection& duck, model::EventKind kind, TokenCache& tokens);
  RowStage(const RowStage&) = delete;
  RowStage& operator=(const RowStage&) = delete;
  ~RowStage();

  Result<> stage(const model::Event& event, std::int64_t day);
  // All rows are in the table; the days they are of.
  Result<> settle();
  const std::set<std::int64_t>& days() const { return days_; }
  std::string select(std::int64_t day) const;
  Result<> forget(std::int64_t day);
  Result<> clear();
  std::size_t rows() const { return rows_; }

  // The visitor of schema.h.
  void text(const char*, std::string_view value);
  void domain(const char* name, std::string_view value) { text(name, value); }
  void count(const char*, std::int64_t value);
  void flag(const char*, bool value);
  void ip(const char* name, const model::IpAddress& value);
  void number(const char* name, model::NumberKey value);
  void device(const char* name, std::string_view value);

 private:
  template <typename T>
  void put(T value) {
    static_cast<T*>(data_[column_++])[row_] = value;
  }
  void null();
  Result<> create_table();
  Result<> push_chunk();
  void look_up_vectors();

  DuckConnection& duck_;
  TokenCache& tokens_;
  std::vector<Column> columns_;
  std::string table_;
  bool table_made_ = false;
  DuckApi::Handle chunk_ = nullptr, appender_ = nullptr;
  std::vector<DuckApi::Handle> vectors_;
  std::vector<void*> data_;
  std::vector<std::uint64_t*> validity_;
  std::size_t row_ = 0, column_ = 0, capacity_ = 0, rows_ = 0;
  std::set<std::int64_t> days_;
};

// Bytes that are no UTF-8 become \xNN, so that every reader can show the text.
bool is_utf8(std::string_view text);
std::string as_utf8(std::string_view text);

}  // namespace pandun::eventlog
