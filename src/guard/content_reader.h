// Content files (TOML) as a plain tree that remembers where each value stands, and a list that gathers all their faults.
//
// Errors   parse_content: kBadConfig with file:line:column. Faults::result(): kBadConfig naming every fault, one a line.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/signal.h"

namespace pandun::guard {

enum class ContentKind : std::uint8_t { kTable, kList, kText, kInteger, kNumber, kBoolean };

struct ContentField;

struct ContentNode {
  ContentKind kind = ContentKind::kTable;
  std::uint32_t line = 0, column = 0;
  std::string text;
  std::int64_t integer = 0;
  double number = 0;  // also set for integers
  bool boolean = false;
  std::vector<ContentNode> items;
  std::vector<ContentField> fields;  // by name

  const ContentNode* find(std::string_view name) const;
};

struct ContentField {
  std::string first;
  ContentNode second;
};

Result<ContentNode> parse_content(std::string_view toml, const std::string& file);

class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}
  void add(const ContentNode& at, std::string_view message);
  bool empty() const { return list_.empty(); }
  const std::vector<std::string>& list() const { return list_; }
  Result<> result() const;

  // Readers: a missing or mistyped field becomes a fault; the value returned is then empty.
  std::string text(const ContentNode& table, std::string_view name, bool required = true);
  std::int64_t integer(const ContentNode& table, std::string_view name, std::int64_t fallback, std::int64_t min,
                       std::int64_t max);
  bool boolean(const ContentNode& table, std::string_view name, bool fallback);
  std::vector<std::string> texts(const ContentNode& table, std::string_view name, bool required = false);
  model::LocalText local(const ContentNode& table, std::string_view name = {});  // {zh, en} here or in the field
  const std::vector<ContentNode>& tables(const ContentNode& table, std::string_view name, bool required = true);
  // A field that is none of these names is a fault that names the nearest of them.
  void only(const ContentNode& table, std::initializer_list<std::string_view> names);

 private:
  std::string file_;
  std::vector<std::string> list_;
};

// The nearest of `names` by edit distance, or "" when none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names);

}  // namespace pandun::guard
