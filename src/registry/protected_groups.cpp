#include "registry/protected_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/toml.h"
#include "registry/csv.h"

namespace pandun::registry {
namespace {

std::size_t line_of(const toml::node& node) {
  return node.source().begin.line;
}

std::optional<NumberClass> class_by_name(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(NumberClass::kWithheld); ++i)
    if (name(static_cast<NumberClass>(i)) == text) return static_cast<NumberClass>(i);
  return std::nullopt;
}

// Calls f(text, line) for each string of an array; anything else is a fault.
template <typename F>
void each_string(const toml::node& node, std::string_view file, std::string_view key, Faults& faults, F f) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return faults.add(file, line_of(node), fmt::format("{} must be an array of strings", key));
  for (const toml::node& item : *array) {
    if (const auto* text = item.as_string())
      f(text->get(), line_of(item));
    else
      faults.add(file, line_of(item), fmt::format("{} holds something that is not a string", key));
  }
}

constexpr int kE164Digits = 15;

}  // namespace

Result<ProtectedGroups> ProtectedGroups::parse(std::string_view file, std::string_view text,
                                               const NumberingPlan& plan) {
  toml::table root;
  if (const auto bad = read_toml(text, file, root))
    return error(Errc::kBadConfig, fmt::format("{}:{}:{}", file, bad->line, bad->column), bad->message);
  Faults faults;
  ProtectedGroups out;
  out.plan_ = &plan;
  for (const auto& [key, node] : root)
    if (key.str() != "group" || !node.is_array_of_tables())
      faults.add(file, line_of(node), fmt::format("\"{}\" is not known here; groups are written [[group]]", key.str()));
  const toml::array* groups = root["group"].as_array();
  for (std::size_t i = 0; groups != nullptr && i < groups->size(); ++i) {
    const toml::table* table = groups->get(i)->as_table();
    if (table == nullptr) continue;
    const auto index = static_cast<std::uint16_t>(out.groups_.size());
    ProtectedGroup group;
    group.id = table->at_path("id").value_or(std::string());
    group.title_zh = table->at_path("title.zh").value_or(std::string());
    group.title_en = table->at_path("title.en").value_or(std::string());
    if (group.id.empty() || group.title_zh.empty() || group.title_en.empty())
      faults.add(file, line_of(*table), "a group needs id, title.zh and title.en");
    if (std::any_of(out.groups_.begin(), out.groups_.end(), [&](const auto& g) { return g.id == group.id; }))
      faults.add(file, line_of(*table), fmt::format("group \"{}\" stands here twice", group.id));
    out.groups_.push_back(std::move(group));
    for (const auto& [key, node] : *table) {
      if (key.str() == "numbers") {
        each_string(node, file, "numbers", faults, [&](const std::string& number, std::size_t line) {
          const model::NumberKey parsed = plan.parse(number);
          if (parsed.kind() != model::NumberKind::kE164 && parsed.kind() != model::NumberKind::kService)
            faults.add(file, line, fmt::format("\"{}\" is not a telephone number", number));
          else
            out.numbers_.try_emplace(parsed.bits(), index);
        });
      } else if (key.str() == "prefixes") {
        each_string(node, file, "prefixes", faults, [&](const std::string& prefix, std::size_t line) {
          const std::string_view digits = std::string_view(prefix).substr(prefix.starts_with('+') ? 1 : 0);
          if (!prefix.starts_with('+') || !is_digits(digits) || digits.size() > kE164Digits)
            return faults.add(file, line,
                              fmt::format("prefix \"{}\" must be + and the leading digits of an E.164 number", prefix));
          Prefix entry;
          for (const char c : digits) entry.value = entry.value * 10 + static_cast<std::uint64_t>(c - '0');
          entry.digits = static_cast<int>(digits.size());
          entry.group = index;
          out.prefixes_.push_back(entry);
        });
      } else if (key.str() == "classes") {
        each_string(node, file, "classes", faults, [&](const std::string& text_of_class, std::size_t line) {
          if (const auto kind = class_by_name(text_of_class))
            out.classes_.emplace_back(*kind, index);
          else
            faults.add(file, line, fmt::format("class \"{}\" is not known", text_of_class));
        });
      } else if (key.str() != "id" && key.str() != "title" && key.str() != "note") {
        faults.add(file, line_of(node), fmt::format("\"{}\" is not known in a group", key.str()));
      }
    }
  }
  if (faults.any()) return error(Errc::kBadConfig, std::string(file), faults.text());
  return out;
}

Result<ProtectedGroups> ProtectedGroups::load(platform::FileSystem& files, const std::string& path,
                                              const NumberingPlan& plan) {
  TRY_ASSIGN(const std::string text, platform::read_file(files, path, 64 << 20));
  return parse(path, text, plan);
}

const ProtectedGroup* ProtectedGroups::find(model::NumberKey number) const {
  std::size_t found = groups_.size();
  if (const auto it = numbers_.find(number.bits()); it != numbers_.end()) found = it->second;
  if (number.kind() == model::NumberKind::kE164 && !prefixes_.empty()) {
    int digits = 0;
    for (std::uint64_t rest = number.value(); rest != 0; rest /= 10) ++digits;
    for (const Prefix& prefix : prefixes_) {
      if (prefix.digits > digits) continue;
      std::uint64_t head = number.value();
      for (int i = prefix.digits; i < digits; ++i) head /= 10;
      if (head == prefix.value) found = std::min<std::size_t>(found, prefix.group);
    }
  }
  if (found == groups_.size() && !classes_.empty()) {
    const NumberClass kind = plan_->facts(number).kind;
    for (const auto& [of_class, group] : classes_)
      if (of_class == kind) found = std::min<std::size_t>(found, group);
  }
  return found == groups_.size() ? nullptr : &groups_[found];
}

std::string_view ProtectedGroups::protected_group(model::NumberKey number) const {
  const ProtectedGroup* group = find(number);
  return group == nullptr ? std::string_view{} : std::string_view(group->id);
}

}  // namespace pandun::registry
