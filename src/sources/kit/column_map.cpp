#include "sources/kit/column_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/toml.h"

namespace pandun::sources {
namespace {

class Reading {
 public:
  Reading(std::string_view file, std::string_view kind, const std::vector<std::string_view>& canonical)
      : file_(file), kind_(kind), canonical_(canonical) {}

  Result<ColumnMap> run(const toml::table& root);

 private:
  void fault(const toml::node& at, std::string_view what) {
    const auto where = at.source().begin;
    faults_.push_back(fmt::format("{}:{}:{}: {}", file_, where.line, where.column, what));
  }
  void unknown_keys(const toml::table& table, std::string_view place, std::initializer_list<std::string_view> known);
  std::optional<std::string> text(const toml::node& node);
  std::string field(const toml::table& table, std::string_view key);
  std::vector<std::string> texts(const toml::node& node);
  bool is_canonical(const toml::node& at, std::string_view name);
  const toml::table* table(const toml::table& root, std::string_view key);

  void general(const toml::table& root);
  void time(const toml::table& root);
  void base_and_zone(const toml::table& time, TimeForm form, std::string_view pattern_text);
  void columns(const toml::table& root);
  void constants(const toml::table& root);
  void only(const toml::table& root);
  void values(const toml::table& root);
  void when(const toml::table& root);
  std::vector<std::pair<std::string, std::string>> pairs(const toml::table& table);

  std::string_view file_, kind_;
  const std::vector<std::string_view>& canonical_;
  ColumnMap map_;
  std::vector<std::string> faults_;
};

void Reading::unknown_keys(const toml::table& table, std::string_view place,
                           std::initializer_list<std::string_view> known) {
  for (const auto& [key, node] : table) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    fault(node, fmt::format("unknown key '{}'{}; known are {}", key.str(), place, fmt::join(known, ", ")));
  }
}

// A scalar as a record would write it.
std::optional<std::string> Reading::text(const toml::node& node) {
  if (const auto* string = node.as_string()) return string->get();
  if (const auto* integer = node.as_integer()) return fmt::to_string(integer->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  fault(node, "expected a text, a whole number, true or false");
  return std::nullopt;
}

std::string Reading::field(const toml::table& table, std::string_view key) {
  const toml::node* node = table.get(key);
  return node ? text(*node).value_or("") : std::string();
}

std::vector<std::string> Reading::texts(const toml::node& node) {
  std::vector<std::string> out;
  if (const auto* array = node.as_array()) {
    for (const auto& item : *array)
      if (auto value = text(item)) out.push_back(std::move(*value));
  } else if (auto value = text(node)) {
    out.push_back(std::move(*value));
  }
  return out;
}

bool Reading::is_canonical(const toml::node& at, std::string_view name) {
  if (std::find(canonical_.begin(), canonical_.end(), name) != canonical_.end()) return true;
  fault(at, fmt::format("{} has no column '{}'; its columns are {}", kind_, name, fmt::join(canonical_, ", ")));
  return false;
}

const toml::table* Reading::table(const toml::table& root, std::string_view key) {
  const toml::node* node = root.get(key);
  if (!node) return nullptr;
  if (!node->is_table()) fault(*node, fmt::format("'{}' is a table: write [{}]", key, key));
  return node->as_table();
}

void Reading::general(const toml::table& root) {
  unknown_keys(
      root, "",
      {"kind", "delimiter", "encoding", "numbers", "header", "time", "columns", "constants", "only", "values", "when"});
  const auto check = [&](std::string_view key, std::initializer_list<std::string_view> allowed,
                         std::string_view value) {
    if (root.get(key) && std::find(allowed.begin(), allowed.end(), value) == allowed.end())
      fault(*root.get(key), fmt::format("{} is one of: {}", key, fmt::join(allowed, ", ")));
  };
  if (!root.get("kind")) fault(root, "kind is missing: calls, messages, openings, cell_reports or call_progress");
  const std::string kind = field(root, "kind"), encoding = field(root, "encoding"), numbers = field(root, "numbers");
  const std::initializer_list<std::string_view> kinds{"calls", "messages", "openings", "cell_reports", "call_progress"};
  check("kind", kinds, kind);
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end() && kind != kind_)
    fault(*root.get("kind"), fmt::format("this map is for {}, the input is {}", kind, kind_));
  check("encoding", {"utf-8", "gb18030"}, encoding);
  check("numbers", {"auto", "opaque"}, numbers);
  map_.gb18030 = encoding == "gb18030";
  map_.numbers_opaque = numbers == "opaque";
  const std::string delimiter = root.get("delimiter") ? field(root, "delimiter") : ",";
  if (delimiter.size() != 1 || delimiter == "\"" || static_cast<unsigned char>(delimiter[0]) >= 0x80 ||
      delimiter == "\n") {
    fault(*root.get("delimiter"), "delimiter is one ASCII character, such as \",\" \";\" \"|\" or \"\\t\"");
  } else {
    map_.delimiter = delimiter[0];
  }
  if (const toml::node* header = root.get("header")) map_.header = texts(*header);
}

void Reading::base_and_zone(const toml::table& time, TimeForm form, std::string_view pattern_text) {
  const std::string base = field(time, "base"), offset = field(time, "offset");
  const bool epoch = form == TimeForm::kUnixSeconds || form == TimeForm::kUnixMillis;
  std::int64_t base_ms = 0;
  if (time.get("base")) {
    const auto parsed = parse_rfc3339(base);
    if (!parsed) fault(*time.get("base"), "base is an RFC 3339 time with a zone, as 2024-01-01T00:00:00Z");
    if (!epoch) fault(*time.get("base"), "base goes with form unix_s or unix_ms only");
    base_ms = parsed.value_or(0);
  }
  const auto minutes = time.get("offset") ? parse_offset_minutes(offset) : std::nullopt;
  if (time.get("offset") && !minutes) fault(*time.get("offset"), "offset is a zone such as \"+08:00\"");
  if (form != TimeForm::kPattern) {
    if (time.get("offset"))
      fault(*time.get("offset"), "offset goes with a pattern only; this form states its zone itself");
    map_.time = RecordTime::stated(form, base_ms);
    return;
  }
  auto pattern = TimePattern::parse(pattern_text);
  if (!pattern) {
    fault(*time.get("form"), pattern.error().message);
    return;
  }
  if (!pattern->has_zone() && !time.get("offset"))
    fault(*time.get("form"), "the pattern has no %z, so state the zone: offset = \"+08:00\"; none is guessed");
  if (pattern->has_zone() && time.get("offset")) fault(*time.get("offset"), "the pattern has %z; leave the offset out");
  map_.time = RecordTime::pattern(std::move(*pattern), minutes.value_or(0));
}

void Reading::time(const toml::table& root) {
  const toml::table* time = table(root, "time");
  if (!time) return;
  unknown_keys(*time, " in [time]", {"form", "offset", "base"});
  const std::string form = field(*time, "form");
  if (form == "rfc3339") {
    base_and_zone(*time, TimeForm::kRfc3339, {});
  } else if (form == "unix_s") {
    base_and_zone(*time, TimeForm::kUnixSeconds, {});
  } else if (form == "unix_ms") {
    base_and_zone(*time, TimeForm::kUnixMillis, {});
  } else if (form.find('%') != std::string::npos) {
    base_and_zone(*time, TimeForm::kPattern, form);
  } else {
    fault(time->get("form") ? *time->get("form") : static_cast<const toml::node&>(*time),
          "form is rfc3339, unix_s, unix_ms or a pattern such as \"%Y-%m-%d %H:%M:%S\"");
  }
}

void Reading::columns(const toml::table& root) {
  const toml::table* columns = table(root, "columns");
  if (!columns) return;
  for (const auto& [key, node] : *columns) {
    if (!is_canonical(node, key.str())) continue;
    if (!node.is_string() || node.as_string()->get().empty()) {
      fault(node, "the name of a column in the file is expected");
      continue;
    }
    map_.columns.emplace_back(key.str(), node.as_string()->get());
  }
}

std::vector<std::pair<std::string, std::string>> Reading::pairs(const toml::table& table) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [key, node] : table) {
    if (!is_canonical(node, key.str())) continue;
    if (auto value = text(node)) out.emplace_back(key.str(), std::move(*value));
  }
  return out;
}

void Reading::constants(const toml::table& root) {
  const toml::table* constants = table(root, "constants");
  if (!constants) return;
  map_.constants = pairs(*constants);
  for (const auto& [name, value] : map_.constants) {
    for (const auto& [canonical, theirs] : map_.columns)
      if (canonical == name)
        fault(*constants->get(name), fmt::format("'{}' is in [columns] too; a column or a constant, not both", name));
  }
}

void Reading::only(const toml::table& root) {
  const toml::table* only = table(root, "only");
  if (!only) return;
  for (const auto& [key, node] : *only) {
    ColumnMap::Condition condition{std::string(key.str()), texts(node)};
    if (condition.values.empty()) fault(node, "list the values to be read, as [\"11\", \"12\"]");
    map_.only.push_back(std::move(condition));
  }
}

// [values.answered] ANSWERED = true: one value for another in the same column.
void Reading::values(const toml::table& root) {
  const toml::table* values = table(root, "values");
  if (!values) return;
  for (const auto& [column, node] : *values) {
    if (!is_canonical(node, column.str())) continue;
    const toml::table* entries = node.as_table();
    if (!entries) {
      fault(node, fmt::format("write [values.{}] and below it the pairs: \"theirs\" = \"ours\"", column.str()));
      continue;
    }
    for (const auto& [theirs, ours] : *entries) {
      if (auto value = text(ours))
        map_.changes.push_back(
            {std::string(column.str()), std::string(theirs.str()), {{std::string(column.str()), std::move(*value)}}});
    }
  }
}

// [[when]] column = "duration_s", equals = -1, set = { duration_s = 0, answered = false }
void Reading::when(const toml::table& root) {
  const toml::node* node = root.get("when");
  if (!node) return;
  const toml::array* list = node->as_array();
  if (!list || list->empty() || !list->is_homogeneous<toml::table>()) {
    fault(*node, "write [[when]] once for each rule");
    return;
  }
  for (const auto& item : *list) {
    const toml::table& rule = *item.as_table();
    unknown_keys(rule, " in [[when]]", {"column", "equals", "set"});
    const toml::table* set = rule.get("set") ? rule.get("set")->as_table() : nullptr;
    if (!rule.get("column") || !rule.get("equals") || !set) {
      fault(item, "a rule needs column, equals and set = { … }");
      continue;
    }
    const std::string column = field(rule, "column");
    const auto equals = text(*rule.get("equals"));
    if (!is_canonical(*rule.get("column"), column) || !equals) continue;
    map_.changes.push_back({column, *equals, pairs(*set)});
  }
}

Result<ColumnMap> Reading::run(const toml::table& root) {
  general(root);
  time(root);
  columns(root);
  constants(root);
  only(root);
  values(root);
  when(root);
  if (!faults_.empty()) return error(Errc::kBadConfig, std::string(file_), fmt::format("{}", fmt::join(faults_, "\n")));
  return std::move(map_);
}

}  // namespace

std::string_view ColumnMap::theirs(std::string_view canonical) const {
  for (const auto& [ours, name] : columns)
    if (ours == canonical) return name;
  return canonical;
}

Result<ColumnMap> ColumnMap::parse(std::string_view toml, std::string_view file, std::string_view kind,
                                   const std::vector<std::string_view>& canonical) {
  ::toml::table parsed;
  if (const auto bad = read_toml(toml, file, parsed))
    return error(Errc::kBadConfig, fmt::format("{}:{}:{}", file, bad->line, bad->column), bad->message);
  return Reading(file, kind, canonical).run(parsed);
}

}  // namespace pandun::sources
