// Reads one table of a content file: every key must be known, every fault is kept with its place. Inside this folder only.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/toml.h"

namespace pandun::decide {

class Faults {
 public:
  explicit Faults(std::string_view file) : file_(file) {}
  void add(const toml::node& at, std::string_view message) {
    add(at.source().begin.line, at.source().begin.column, message);
  }
  void add(std::uint32_t line, std::uint32_t column, std::string_view message) {
    if (!text_.empty()) text_ += '\n';
    text_ += fmt::format("{}:{}:{}: {}", file_, line, column, message);
  }
  bool any() const { return !text_.empty(); }
  Error error() const { return pandun::error(Errc::kBadConfig, file_, text_); }

 private:
  std::string file_, text_;
};

class TableReader {
 public:
  TableReader(const toml::table& table, Faults& faults) : table_(table), faults_(faults) {}

  std::string text(std::string_view key, bool required = false) {
    const toml::node* node = find(key, required);
    if (node == nullptr) return {};
    if (!node->is_string()) faults_.add(*node, fmt::format("{} takes text", key));
    return node->value_or(std::string());
  }
  bool flag(std::string_view key, bool fallback) {
    const toml::node* node = find(key, false);
    if (node == nullptr) return fallback;
    if (!node->is_boolean()) faults_.add(*node, fmt::format("{} takes true or false", key));
    return node->value_or(fallback);
  }
  std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max,
                       bool required = false) {
    const toml::node* node = find(key, required);
    if (node == nullptr) return fallback;
    const auto value = node->is_integer() ? node->value<std::int64_t>() : std::nullopt;
    if (!value || *value < min || *value > max) {
      faults_.add(*node, fmt::format("{} takes a whole number from {} to {}", key, min, max));
      return fallback;
    }
    return *value;
  }
  std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> out;
    const toml::node* node = find(key, false);
    if (node == nullptr) return out;
    const toml::array* list = node->as_array();
    if (list == nullptr || !list->is_homogeneous(toml::node_type::string)) {
      if (list == nullptr || !list->empty()) faults_.add(*node, fmt::format("{} takes a list of texts", key));
      return out;
    }
    for (const toml::node& item : *list) out.push_back(item.value_or(std::string()));
    return out;
  }
  // RFC 3339 as text; 0 when it is not there.
  WallMs time(std::string_view key, bool required = false) {
    const toml::node* node = find(key, required);
    if (node == nullptr) return {};
    const auto ms = parse_rfc3339(node->value_or(std::string()));
    if (!ms) faults_.add(*node, fmt::format("{} takes a time such as \"2026-11-22T00:00:00+08:00\"", key));
    return WallMs{ms.value_or(0)};
  }
  template <typename T, typename Parse>
  T word(std::string_view key, T fallback, Parse parse, std::string_view known, bool required = false) {
    const std::string word = text(key, required);
    if (word.empty()) return fallback;
    const std::optional<T> value = parse(word);
    if (!value) faults_.add(*table_.get(key), fmt::format("{} \"{}\" is not known: {}", key, word, known));
    return value.value_or(fallback);
  }
  void fault(std::string_view message) { faults_.add(table_, message); }
  // Whatever was not asked for is a fault.
  void done() {
    for (const auto& [key, node] : table_) {
      if (std::find(seen_.begin(), seen_.end(), key.str()) == seen_.end())
        faults_.add(node, fmt::format("\"{}\" is not known here", key.str()));
    }
  }

 private:
  const toml::node* find(std::string_view key, bool required) {
    seen_.emplace_back(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr && required) faults_.add(table_, fmt::format("{} is missing", key));
    return node;
  }
  const toml::table& table_;
  Faults& faults_;
  std::vector<std::string> seen_;
};

// Each table of the list `key`; anything else at the top but `also` is a fault.
template <typename Each>
void each_table(const toml::table& root, std::string_view key, Faults& faults, Each each) {
  const toml::node* node = root.get(key);
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr) return faults.add(*node, fmt::format("write [[{}]]", key));
  for (const toml::node& item : *list) {
    if (const toml::table* table = item.as_table()) {
      each(*table);
    } else {
      faults.add(item, fmt::format("write [[{}]]", key));
    }
  }
}

inline void only(const toml::table& root, std::initializer_list<std::string_view> known, Faults& faults) {
  for (const auto& [key, node] : root) {
    if (std::find(known.begin(), known.end(), key.str()) == known.end())
      faults.add(node, fmt::format("\"{}\" is not known here", key.str()));
  }
}

}  // namespace pandun::decide
