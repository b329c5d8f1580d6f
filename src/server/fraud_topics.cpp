#include "server/fraud_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>

#include "base/toml.h"

namespace pandun::server {
namespace {

using model::LocalText;
using WordList = std::span<const std::string_view>;
using Keys = std::initializer_list<std::string_view>;

constexpr std::array<std::string_view, 5> kStages{"resource", "reach", "bait", "control", "drain"};
constexpr std::array<std::string_view, 7> kTypes{"token", "choice", "technique", "ground", "time", "share", "case"};

bool among(WordList words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

struct Demands {
  std::int64_t slots = 0, documented = 0, stages = 0, signs = 0, techniques = 0, about_chars = 0;
};

class TopicsReader {
 public:
  TopicsReader(const std::string& file, std::span<const detect::DetectorPart> detectors)
      : file_(file), detectors_(detectors) {}

  Result<FraudTopics> run(const toml::table& root) {
    known(root, {"version", "revised", "quality", "field", "technique", "slot"});
    FraudTopics out;
    out.version = integer(root, "version");
    if (out.version != 1) fault(root, "version is not 1, the only form this program reads");
    out.revised = date(root, "revised");
    if (const toml::table* quality = root["quality"].as_table())
      demands(*quality);
    else
      fault(root, "lacks [quality]");
    each(root, "field", [&](const toml::table& item) { out.fields.push_back(field(item)); });
    each(root, "technique", [&](const toml::table& item) { out.techniques.push_back(technique(item)); });
    for (const FraudTechnique& t : out.techniques) technique_ids_.insert(t.id);
    each(root, "slot", [&](const toml::table& item) { out.slots.push_back(slot(item)); });
    whole(root, out);
    if (!faults_.empty()) return error(Errc::kBadConfig, file_, faults_);
    return out;
  }

 private:
  // ---- the parts ----

  void demands(const toml::table& t) {
    known(t, {"slots", "documented_min", "stages_min", "signs_min", "techniques_min", "about_chars_min"});
    demands_ = {integer(t, "slots"),     integer(t, "documented_min"), integer(t, "stages_min"),
                integer(t, "signs_min"), integer(t, "techniques_min"), integer(t, "about_chars_min")};
  }

  FraudField field(const toml::table& t) {
    known(t, {"id", "type", "required", "zh", "en", "values"});
    FraudField out{once(t, "field"), text(t, "type"), t["required"].value_or(false), both(t, "zh", "en"), {}};
    if (!among(kTypes, out.type)) fault(t, fmt::format("type is none of {}", fmt::join(kTypes, ", ")));
    if (!t["required"].is_boolean()) fault(t, "required is not true or false");
    if (t.contains("values")) out.values = texts(t, "values");
    if ((out.type == "choice") == out.values.empty()) fault(t, "a choice, and nothing else, lists its values");
    return out;
  }

  FraudTechnique technique(const toml::table& t) {
    known(t, {"id", "zh", "en", "about_zh", "about_en", "stage", "detectors"});
    FraudTechnique out{once(t, "technique"), text(t, "stage"), both(t, "zh", "en"), both(t, "about_zh", "about_en"),
                       texts(t, "detectors")};
    const bool formed = out.id.size() == 6 && out.id.starts_with("PF-") &&
                        std::all_of(out.id.begin() + 3, out.id.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!formed) fault(t, "id is not PF- and three digits");
    stage_of(t, out.stage);
    for (const std::string& name : out.detectors)
      if (std::none_of(detectors_.begin(), detectors_.end(),
                       [&](const detect::DetectorPart& p) { return p.spec().name == name; }))
        fault(t, fmt::format("{} names no detector '{}'; pandun list detectors shows them", out.id, name));
    return out;
  }

  FraudSlot slot(const toml::table& t) {
    known(t, {"number", "id", "state", "revision", "zh", "en", "about_zh", "about_en", "stages", "signs", "techniques",
              "advice_zh", "advice_en"});
    FraudSlot out;
    out.id = once(t, "slot");
    out.number = integer(t, "number");
    out.revision = integer(t, "revision");
    out.title = both(t, "zh", "en");
    const std::string state = text(t, "state");
    if (state != "documented" && state != "reserved") fault(t, "state is neither documented nor reserved");
    if (out.revision < 1) fault(t, "revision begins at 1");
    if (out.number < 1 || out.number > demands_.slots || !numbers_.insert(out.number).second)
      fault(t, fmt::format("number {} is not free among 1 to {}", out.number, demands_.slots));
    out.documented = state == "documented";
    if (!out.documented) {
      if (t.contains("stages") || t.contains("signs") || t.contains("techniques"))
        fault(t, "a reserved slot holds words: say documented");
      return out;
    }
    out.about = both(t, "about_zh", "about_en");
    out.advice = both(t, "advice_zh", "advice_en");
    out.techniques = texts(t, "techniques");
    tables(t, "stages", [&](const toml::table& item) {
      known(item, {"stage", "zh", "en"});
      out.stages.push_back({text(item, "stage"), both(item, "zh", "en")});
      stage_of(item, out.stages.back().stage);
    });
    tables(t, "signs", [&](const toml::table& item) {
      known(item, {"zh", "en"});
      out.signs.push_back(both(item, "zh", "en"));
    });
    quality(t, out);
    return out;
  }

  void quality(const toml::table& t, const FraudSlot& s) {
    const auto few = [&](std::size_t have, std::int64_t wanted, const char* what) {
      if (static_cast<std::int64_t>(have) < wanted)
        fault(t, fmt::format("{} has {} {}, [quality] demands {}", s.id, have, what, wanted));
    };
    few(s.stages.size(), demands_.stages, "stages");
    few(s.signs.size(), demands_.signs, "signs");
    few(s.techniques.size(), demands_.techniques, "techniques");
    few(characters(s.about.zh), demands_.about_chars, "characters in about_zh");
    few(characters(s.about.en), demands_.about_chars, "characters in about_en");
    for (const std::string& id : s.techniques)
      if (!technique_ids_.contains(id)) fault(t, fmt::format("{} names no technique {}", s.id, id));
  }

  void whole(const toml::table& root, const FraudTopics& out) {
    const auto documented =
        std::count_if(out.slots.begin(), out.slots.end(), [](const FraudSlot& s) { return s.documented; });
    if (static_cast<std::int64_t>(out.slots.size()) != demands_.slots)
      fault(root, fmt::format("has {} slots, [quality] demands {}", out.slots.size(), demands_.slots));
    if (documented < demands_.documented)
      fault(root, fmt::format("documents {} slots, [quality] demands {}", documented, demands_.documented));
    for (const detect::DetectorPart& part : detectors_)
      for (const std::string_view id : part.spec().techniques) {
        if (!id.starts_with("PF-")) continue;
        const auto at = std::find_if(out.techniques.begin(), out.techniques.end(),
                                     [&](const FraudTechnique& t) { return t.id == id; });
        const std::string_view name = part.spec().name;
        if (at == out.techniques.end())
          fault(root, fmt::format("lacks technique {}, which the detector {} names", id, name));
        else if (std::find(at->detectors.begin(), at->detectors.end(), name) == at->detectors.end())
          fault(root, fmt::format("{} does not name the detector {}, which names it", id, name));
      }
  }

  // ---- values ----

  void fault(const toml::table& table, const std::string& what) {
    faults_ += fmt::format("{}{}:{}:{}: {}", faults_.empty() ? "" : "\n  ", file_, table.source().begin.line,
                           table.source().begin.column, what);
  }
  void known(const toml::table& table, Keys keys) {
    for (const auto& [key, value] : table)
      if (!among({keys.begin(), keys.size()}, key.str())) fault(table, fmt::format("does not know '{}'", key.str()));
  }
  std::string text(const toml::table& table, const char* key) {
    const auto value = table[key].value<std::string>();
    if (value && !value->empty()) return *value;
    fault(table, fmt::format("lacks {}", key));
    return {};
  }
  LocalText both(const toml::table& table, const char* zh, const char* en) {
    return {text(table, zh), text(table, en)};
  }
  std::int64_t integer(const toml::table& table, const char* key) {
    const toml::value<std::int64_t>* value = table[key].as_integer();
    if (value != nullptr && value->get() >= 0 && value->get() <= 1'000'000) return value->get();
    fault(table, fmt::format("{} is not a whole number", key));
    return 0;
  }
  std::string date(const toml::table& table, const char* key) {
    std::string value = text(table, key);
    if (!parse_rfc3339(value + "T00:00:00Z")) fault(table, fmt::format("{} is not a date like 2026-11-22", key));
    return value;
  }
  std::string once(const toml::table& table, const char* list) {
    std::string id = text(table, "id");
    if (!id.empty() && !ids_.insert(fmt::format("{} {}", list, id)).second)
      fault(table, fmt::format("names {} a second time", id));
    return id;
  }
  std::vector<std::string> texts(const toml::table& table, const char* key) {
    std::vector<std::string> out;
    const toml::array* items = table[key].as_array();
    if (items == nullptr) {
      fault(table, fmt::format("{} is not a list", key));
      return out;
    }
    for (const toml::node& item : *items) {
      const auto value = item.value<std::string>();
      if (value && !value->empty() && std::find(out.begin(), out.end(), *value) == out.end())
        out.push_back(*value);
      else
        fault(table, fmt::format("{} holds something that is not a word, or twice the same", key));
    }
    return out;
  }
  void stage_of(const toml::table& table, const std::string& stage) {
    if (!among(kStages, stage)) fault(table, fmt::format("stage is none of {}", fmt::join(kStages, ", ")));
  }
  template <typename Take>
  void tables(const toml::table& table, const char* key, Take take) {
    const toml::array* items = table[key].as_array();
    if (items == nullptr) return fault(table, fmt::format("lacks {}", key));
    for (const toml::node& node : *items) {
      if (const toml::table* item = node.as_table())
        take(*item);
      else
        fault(table, fmt::format("{} holds something that is not a table", key));
    }
  }
  template <typename Take>
  void each(const toml::table& root, const char* key, Take take) {
    if (root.contains(key)) return tables(root, key, take);
    fault(root, fmt::format("has no [[{}]]", key));
  }

  std::string file_, faults_;
  std::span<const detect::DetectorPart> detectors_;
  Demands demands_;
  std::set<std::string> ids_;
  std::set<std::string, std::less<>> technique_ids_;
  std::set<std::int64_t> numbers_;
};

}  // namespace

Result<FraudTopics> read_fraud_topics(std::string_view text, const std::string& file,
                                      std::span<const detect::DetectorPart> detectors) {
  toml::table root;
  if (const auto bad = read_toml(text, file, root))
    return error(Errc::kBadConfig, fmt::format("{}:{}:{}", file, bad->line, bad->column), bad->message);
  return TopicsReader(file, detectors).run(root);
}

Result<FraudTopics> load_fraud_topics(platform::FileSystem& files, const std::string& content_directory,
                                      std::span<const detect::DetectorPart> detectors) {
  const std::string path = platform::join(content_directory, "fraud_topics.toml");
  TRY_ASSIGN(const std::string text, platform::read_file(files, path, 16U << 20));
  return read_fraud_topics(text, path, detectors);
}

}  // namespace pandun::server
