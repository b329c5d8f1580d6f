#include "detect/rules/rule_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/hash.h"
#include "base/toml.h"
#include "detect/nearest.h"

namespace pandun::detect {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
constexpr std::chrono::seconds kCooldownMax = std::chrono::hours(24 * 7);

struct Place {
  std::uint32_t line = 0, column = 0;
};
Place place_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

// Where character `offset` of a string's value stands in the file: its quotes, escapes and line breaks are stepped over.
Place place_in(std::string_view file, Place quote, std::size_t offset) {
  std::size_t at = 0;
  for (std::uint32_t line = 1; line < quote.line; ++line) {
    at = file.find('\n', at);
    if (at == std::string_view::npos) return quote;
    ++at;
  }
  at += quote.column - 1;
  if (at >= file.size()) return quote;
  const char mark = file[at];
  const bool triple = file.substr(at, 3) == std::string(3, mark);
  std::size_t start = at + (triple ? 3 : 1);
  if (triple && start < file.size() && file[start] == '\r') ++start;
  if (triple && start < file.size() && file[start] == '\n') ++start;
  std::size_t raw = start, value = 0;
  while (raw < file.size()) {
    const char escaped = mark == '"' && file[raw] == '\\' && raw + 1 < file.size() ? file[raw + 1] : '\0';
    if (escaped == '\n' || escaped == '\r' || escaped == ' ') {
      ++raw;  // a line-ending backslash: the break and the spaces after it are not part of the value
      while (raw < file.size() && (file[raw] == '\n' || file[raw] == '\r' || file[raw] == ' ' || file[raw] == '\t'))
        ++raw;
      continue;
    }
    if (value++ == offset) break;
    raw += escaped == '\0' ? 1U : escaped == 'u' ? 6U : escaped == 'U' ? 10U : 2U;
  }
  Place place{1, 1};
  for (std::size_t i = 0; i < std::min(raw, file.size()); ++i) {
    if (file[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else if ((static_cast<unsigned char>(file[i]) & 0xc0) != 0x80) {
      ++place.column;
    }
  }
  return place;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (failed != std::errc() || end == text.data() || n < 0 || n > 1'000'000'000) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::int64_t scale = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : 0;
  if (scale == 0) return std::nullopt;
  return std::chrono::seconds(n * scale);
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && id[0] >= 'a' && id[0] <= 'z' &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// Reads one [[rule]] table; every fault is kept, none stops it.
class RuleReader {
 public:
  RuleReader(const RuleSource& source, const toml::table& table, std::vector<RuleFault>& faults)
      : source_(source), table_(table), faults_(faults), here_(place_of(table.source())) {}

  std::optional<Rule> read(bool& enabled) {
    const std::size_t before = faults_.size();
    unknown_keys();
    Rule rule;
    rule.file = source_.file;
    rule.line = here_.line;
    rule.id = text("id", true);
    if (!rule.id.empty() && !is_id(rule.id))
      fault(at("id"), "bad_id", fmt::format("'{}' is not an id", rule.id),
            "use small letters, digits and _, beginning with a letter");
    rule.hash = hash64(rule.id);
    entity(rule);
    rule.severity = static_cast<std::uint8_t>(number("severity", 0, 100));
    rule.confidence = number("confidence", 0, 1);
    rule.topic = text("topic", true);
    rule.title = local("title");
    rule.message = local("message");
    rule.ground = text("ground", true);
    rule.techniques = texts("techniques");
    rule.cooldown = duration("cooldown", rule.cooldown);
    rule.episode_gap = duration("episode_gap", rule.episode_gap);
    if (rule.cooldown > kCooldownMax)
      fault(at("cooldown"), "out_of_bounds", "a cooldown is at most 7d", "make it shorter");
    if (rule.cooldown > rule.episode_gap)
      fault(at("cooldown"), "out_of_bounds", "a cooldown longer than episode_gap would tear every alert apart",
            "make it shorter than episode_gap");
    state(rule);
    enabled = flag("enabled", true);
    condition(rule);
    if (faults_.size() != before) return std::nullopt;
    return rule;
  }

 private:
  static constexpr std::array<std::string_view, 14> kKeys{
      "id",      "entity", "when",       "severity", "confidence",  "topic",   "title",
      "message", "ground", "techniques", "cooldown", "episode_gap", "enabled", "state"};

  void fault(Place place, std::string code, std::string message, std::string advice) {
    faults_.push_back({source_.file, place.line, place.column, std::move(code), std::move(message), std::move(advice)});
  }
  Place at(std::string_view key) const {
    const toml::node* node = table_.get(key);
    return node == nullptr ? here_ : place_of(node->source());
  }

  void unknown_keys() {
    for (const auto& [key, value] : table_) {
      const std::string_view k = key.str();
      if (std::find(kKeys.begin(), kKeys.end(), k) != kKeys.end()) continue;
      const std::string_view meant = nearest(k, kKeys);
      fault(place_of(key.source()), "unknown_key", fmt::format("a rule has no '{}'", k),
            meant.empty() ? "see docs/rules.md" : fmt::format("did you mean '{}'?", meant));
    }
  }
  const toml::node* find(std::string_view key, bool required) {
    const toml::node* node = table_.get(key);
    if (node == nullptr && required)
      fault(here_, "missing_key", fmt::format("the rule has no '{}'", key), fmt::format("add {} = …", key));
    return node;
  }
  void wrong_type(const toml::node& node, std::string_view key, std::string_view wanted) {
    fault(place_of(node.source()), "wrong_type", fmt::format("'{}' must be {}", key, wanted), "see docs/rules.md");
  }

  std::string text(std::string_view key, bool required) {
    const toml::node* node = find(key, required);
    if (node == nullptr) return {};
    const toml::value<std::string>* value = node->as_string();
    if (value == nullptr) {
      wrong_type(*node, key, "a text in quotes");
      return {};
    }
    if (required && value->get().empty())
      fault(place_of(node->source()), "empty", fmt::format("'{}' is empty", key), "fill it in");
    return value->get();
  }
  model::LocalText local(std::string_view key) {
    const toml::node* node = find(key, true);
    if (node == nullptr) return {};
    const toml::table* both = node->as_table();
    if (both == nullptr) {
      wrong_type(*node, key, "a table with zh and en");
      return {};
    }
    model::LocalText out;
    for (const auto& [language, into] :
         {std::pair{std::string_view("zh"), &out.zh}, std::pair{std::string_view("en"), &out.en}}) {
      const toml::node* value = both->get(language);
      if (value == nullptr || value->as_string() == nullptr || value->as_string()->get().empty()) {
        fault(place_of(value == nullptr ? node->source() : value->source()), "missing_key",
              fmt::format("'{}.{}' is missing", key, language), "every rule speaks Chinese and English");
      } else {
        *into = value->as_string()->get();
      }
    }
    for (const auto& [language, value] : *both)
      if (language.str() != "zh" && language.str() != "en")
        fault(place_of(language.source()), "unknown_key", fmt::format("'{}' has no '{}'", key, language.str()),
              "the languages are zh and en");
    return out;
  }
  double number(std::string_view key, double min, double max) {
    const toml::node* node = find(key, true);
    if (node == nullptr) return min;
    const std::optional<double> value = node->is_number() ? node->value<double>() : std::nullopt;
    if (!value.has_value()) {
      wrong_type(*node, key, "a number");
      return min;
    }
    if (!(*value >= min && *value <= max)) {
      fault(place_of(node->source()), "out_of_bounds", fmt::format("{} = {} is outside {} … {}", key, *value, min, max),
            "choose a value inside");
      return min;
    }
    return *value;
  }
  bool flag(std::string_view key, bool fallback) {
    const toml::node* node = find(key, false);
    if (node == nullptr) return fallback;
    if (const toml::value<bool>* value = node->as_boolean(); value != nullptr) return value->get();
    wrong_type(*node, key, "true or false");
    return fallback;
  }
  std::chrono::seconds duration(std::string_view key, std::chrono::seconds fallback) {
    if (find(key, false) == nullptr) return fallback;
    const std::size_t before = faults_.size();
    const std::string value = text(key, false);
    if (faults_.size() != before) return fallback;
    const std::optional<std::chrono::seconds> parsed = parse_duration(value);
    if (parsed.has_value()) return *parsed;
    fault(at(key), "bad_duration", fmt::format("'{}' is not a duration", value), "write 30s, 10m, 6h or 2d");
    return fallback;
  }
  std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> out;
    const toml::node* node = find(key, false);
    if (node == nullptr) return out;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      wrong_type(*node, key, "a list of texts");
      return out;
    }
    for (const toml::node& item : *array) {
      if (item.as_string() == nullptr) {
        wrong_type(item, key, "a list of texts");
      } else {
        out.push_back(item.as_string()->get());
      }
    }
    return out;
  }

  void entity(Rule& rule) {
    const std::string value = text("entity", true);
    constexpr std::array<model::EntityKind, 4> kKinds{model::EntityKind::kNumber, model::EntityKind::kIp,
                                                      model::EntityKind::kDevice, model::EntityKind::kCell};
    for (const model::EntityKind kind : kKinds) {
      if (value != name(kind)) continue;
      rule.entity = kind;
      entity_known_ = true;
    }
    if (!value.empty() && !entity_known_)
      fault(at("entity"), "unknown_entity", fmt::format("rules cannot be about '{}'", value),
            "use \"number\", \"ip\", \"device\" or \"cell\"");
  }
  void state(Rule& rule) {
    const std::string value = find("state", false) == nullptr ? "live" : text("state", false);
    rule.shadow = value == "shadow";
    if (value != "live" && value != "shadow" && !value.empty())
      fault(at("state"), "unknown_state", fmt::format("'{}' is not a state", value), "use \"live\" or \"shadow\"");
  }
  void condition(Rule& rule) {
    rule.when_text = text("when", true);
    if (rule.when_text.empty() || !entity_known_) return;
    std::vector<ExpressionFault> faults;
    const Tree tree = parse(rule.when_text, rule.entity, faults);
    for (ExpressionFault& f : faults)
      fault(place_in(source_.text, at("when"), f.offset), std::move(f.code), std::move(f.message), std::move(f.advice));
    if (faults.empty()) rule.when = Program::compile(tree);
  }

  const RuleSource& source_;
  const toml::table& table_;
  std::vector<RuleFault>& faults_;
  Place here_;
  bool entity_known_ = false;
};

void read_file(const RuleSource& source, std::vector<std::pair<Rule, bool>>& all, std::vector<RuleFault>& faults) {
  const auto fault = [&](Place p, std::string code, std::string message, std::string advice) {
    faults.push_back({source.file, p.line, p.column, std::move(code), std::move(message), std::move(advice)});
  };
  if (source.text.size() > kFileBytesMax)
    return fault({1, 1}, "too_long", fmt::format("the file is larger than {} bytes", kFileBytesMax), "split it");
  toml::table parsed;
  if (const auto bad = read_toml(source.text, source.file, parsed))
    return fault({bad->line, bad->column}, "bad_toml", bad->message,
                 "correct the TOML; later faults of this file are not shown until then");
  for (const auto& [key, value] : parsed) {
    const toml::array* array = key.str() == "rule" ? value.as_array() : nullptr;
    if (array == nullptr || (!array->empty() && !array->is_array_of_tables())) {
      fault(place_of(key.source()), "unknown_key", fmt::format("a rule file has no '{}'", key.str()),
            "begin each rule with [[rule]]");
      continue;
    }
    for (const toml::node& node : *array) {
      bool enabled = true;
      if (std::optional<Rule> rule = RuleReader(source, *node.as_table(), faults).read(enabled); rule.has_value())
        all.emplace_back(std::move(*rule), enabled);
    }
  }
}

// Drops the rules that an overriding source brings again.
void override_rules(std::span<const RuleSource> sources, std::vector<std::pair<Rule, bool>>& all) {
  std::set<std::string_view> files;
  for (const RuleSource& source : sources)
    if (source.overrides) files.insert(source.file);
  if (files.empty()) return;
  std::set<std::string> ids;
  for (const auto& [rule, enabled] : all)
    if (files.count(rule.file) != 0) ids.insert(rule.id);
  std::erase_if(all,
                [&](const auto& item) { return files.count(item.first.file) == 0 && ids.count(item.first.id) != 0; });
}

std::string canonical(const Rule& r) {
  std::string out =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", r.id, name(r.entity), r.when_text, r.severity,
                  r.confidence, r.topic, r.title.zh, r.title.en, r.cooldown.count(), r.episode_gap.count(), r.shadow);
  out += fmt::format("{}\n{}\n{}\n", r.message.zh, r.message.en, r.ground);
  for (const std::string& t : r.techniques) out += t + "\n";
  return out;
}

}  // namespace

std::string RuleFault::text() const {
  std::string out = fmt::format("{}:{}:{}: {} [{}]", file, line, column, message, code);
  return advice.empty() ? out : out + "; " + advice;
}

const Rule* RuleSet::find(std::string_view id) const {
  const auto it =
      std::lower_bound(rules_.begin(), rules_.end(), id, [](const Rule& r, std::string_view i) { return r.id < i; });
  return it == rules_.end() || it->id != id ? nullptr : &*it;
}

RuleCompilation RuleSet::compile(std::span<const RuleSource> sources) {
  RuleCompilation out;
  std::vector<std::pair<Rule, bool>> all;
  for (const RuleSource& source : sources) read_file(source, all, out.faults);
  override_rules(sources, all);
  std::map<std::string, const Rule*, std::less<>> ids;
  for (const auto& [rule, enabled] : all) {
    const auto [first, fresh] = ids.emplace(rule.id, &rule);
    if (!fresh)
      out.faults.push_back(
          {rule.file, rule.line, 1, "duplicate_id",
           fmt::format("'{}' is also the id of the rule at {}:{}", rule.id, first->second->file, first->second->line),
           "give one of them another id"});
  }
  std::stable_sort(out.faults.begin(), out.faults.end(), [](const RuleFault& a, const RuleFault& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
  if (!out.faults.empty()) return out;

  auto set = std::make_shared<RuleSet>();
  for (auto& [rule, enabled] : all) {
    if (enabled) {
      set->rules_.push_back(std::move(rule));
    } else {
      ++set->disabled_;
    }
  }
  std::sort(set->rules_.begin(), set->rules_.end(), [](const Rule& a, const Rule& b) { return a.id < b.id; });
  set->contacts_min_numbers_ = set->contacts_min_hosts_ = UINT32_MAX;
  std::string everything;
  for (const Rule& rule : set->rules_) {
    const auto least = [&rule](std::uint32_t& of) { of = std::min(of, rule.when.contacts_min()); };
    switch (rule.entity) {
      case model::EntityKind::kDevice:
        set->devices_.push_back(&rule);
        break;
      case model::EntityKind::kCell:
        set->cells_.push_back(&rule);
        break;
      case model::EntityKind::kIp:
        set->hosts_.push_back(&rule);
        least(set->contacts_min_hosts_);
        break;
      default:
        set->numbers_.push_back(&rule);
        least(set->contacts_min_numbers_);
    }
    set->asks_dialling_ |= rule.when.asks_dialling();
    everything += canonical(rule);
  }
  for (auto* list : {&set->numbers_, &set->hosts_, &set->devices_, &set->cells_})
    std::stable_sort(list->begin(), list->end(),
                     [](const Rule* a, const Rule* b) { return a->when.cost() < b->when.cost(); });
  const Hash128 digest = hash128(everything);
  set->digest_ = fmt::format("{:016x}{:016x}", digest.hi, digest.lo);
  out.rules = std::move(set);
  return out;
}

}  // namespace pandun::detect
