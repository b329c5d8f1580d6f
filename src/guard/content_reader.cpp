#include "guard/content_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/toml.h"

namespace pandun::guard {
namespace {

constexpr int kDepthMax = 16;

ContentNode convert(const toml::node& node, int depth) {
  ContentNode out;
  out.line = node.source().begin.line;
  out.column = node.source().begin.column;
  if (const toml::table* table = node.as_table()) {
    out.kind = ContentKind::kTable;
    if (depth < kDepthMax) {
      for (const auto& [key, value] : *table) {
        out.fields.push_back({std::string(key.str()), convert(value, depth + 1)});
        if (!value.is_table() && !value.is_array()) {
          out.fields.back().second.line = key.source().begin.line;
        }
      }
    }
  } else if (const toml::array* array = node.as_array()) {
    out.kind = ContentKind::kList;
    if (depth < kDepthMax) {
      for (const toml::node& item : *array) out.items.push_back(convert(item, depth + 1));
    }
  } else if (const auto* text = node.as_string()) {
    out.kind = ContentKind::kText;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = ContentKind::kInteger;
    out.integer = integer->get();
    out.number = static_cast<double>(integer->get());
  } else if (const auto* number = node.as_floating_point()) {
    out.kind = ContentKind::kNumber;
    out.number = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = ContentKind::kBoolean;
    out.boolean = boolean->get();
  } else {
    out.kind = ContentKind::kText;  // dates are kept as they are written
    if (const auto* date = node.as_date()) {
      out.text = fmt::format("{:04}-{:02}-{:02}", date->get().year, date->get().month, date->get().day);
    }
  }
  return out;
}

}  // namespace

const ContentNode* ContentNode::find(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

Result<ContentNode> parse_content(std::string_view text, const std::string& file) {
  toml::table table;
  if (const auto fault = read_toml(text, file, table)) {
    return error(Errc::kBadConfig, fmt::format("{}:{}:{}", file, fault->line, fault->column), fault->message);
  }
  return convert(table, 0);
}

void Faults::add(const ContentNode& at, std::string_view message) {
  list_.push_back(fmt::format("{}:{}:{}: {}", file_, at.line, at.column, message));
}

Result<> Faults::result() const {
  if (list_.empty()) return {};
  return error(Errc::kBadConfig, file_, fmt::format("{} fault(s)\n{}", list_.size(), fmt::join(list_, "\n")));
}

std::string Faults::text(const ContentNode& table, std::string_view name, bool required) {
  const ContentNode* node = table.find(name);
  if (node == nullptr) {
    if (required) add(table, fmt::format("'{}' is missing", name));
    return {};
  }
  if (node->kind != ContentKind::kText) {
    add(*node, fmt::format("'{}' must be text", name));
    return {};
  }
  if (required && node->text.empty()) add(*node, fmt::format("'{}' is empty", name));
  return node->text;
}

std::int64_t Faults::integer(const ContentNode& table, std::string_view name, std::int64_t fallback, std::int64_t min,
                             std::int64_t max) {
  const ContentNode* node = table.find(name);
  if (node == nullptr) return fallback;
  if (node->kind != ContentKind::kInteger || node->integer < min || node->integer > max) {
    add(*node, fmt::format("'{}' must be a whole number from {} to {}", name, min, max));
    return fallback;
  }
  return node->integer;
}

bool Faults::boolean(const ContentNode& table, std::string_view name, bool fallback) {
  const ContentNode* node = table.find(name);
  if (node == nullptr) return fallback;
  if (node->kind != ContentKind::kBoolean) {
    add(*node, fmt::format("'{}' must be true or false", name));
    return fallback;
  }
  return node->boolean;
}

std::vector<std::string> Faults::texts(const ContentNode& table, std::string_view name, bool required) {
  std::vector<std::string> out;
  const ContentNode* node = table.find(name);
  if (node == nullptr) {
    if (required) add(table, fmt::format("'{}' is missing", name));
    return out;
  }
  if (node->kind != ContentKind::kList) {
    add(*node, fmt::format("'{}' must be a list of texts", name));
    return out;
  }
  for (const ContentNode& item : node->items) {
    if (item.kind == ContentKind::kText) {
      out.push_back(item.text);
    } else {
      add(item, fmt::format("'{}' holds something that is not text", name));
    }
  }
  if (required && out.empty()) add(*node, fmt::format("'{}' is empty", name));
  return out;
}

model::LocalText Faults::local(const ContentNode& table, std::string_view name) {
  const ContentNode* node = name.empty() ? &table : table.find(name);
  if (node == nullptr || node->kind != ContentKind::kTable) {
    add(node == nullptr ? table : *node, fmt::format("'{}' must be a table with zh and en", name));
    return {};
  }
  return {text(*node, "zh"), text(*node, "en")};
}

const std::vector<ContentNode>& Faults::tables(const ContentNode& table, std::string_view name, bool required) {
  static const std::vector<ContentNode> kNone;
  const ContentNode* node = table.find(name);
  if (node == nullptr) {
    if (required) add(table, fmt::format("there is no [[{}]]", name));
    return kNone;
  }
  const bool right = node->kind == ContentKind::kList &&
                     std::all_of(node->items.begin(), node->items.end(),
                                 [](const ContentNode& item) { return item.kind == ContentKind::kTable; });
  if (!right) {
    add(*node, fmt::format("'{}' must be a list of tables, [[{}]]", name, name));
    return kNone;
  }
  return node->items;
}

void Faults::only(const ContentNode& table, std::initializer_list<std::string_view> names) {
  const std::vector<std::string_view> known(names);
  for (const auto& [key, value] : table.fields) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string_view near = nearest(key, known);
    add(value, near.empty() ? fmt::format("unknown field '{}'", key)
                            : fmt::format("unknown field '{}'; did you mean '{}'?", key, near));
  }
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : names) {
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t change = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace pandun::guard
