#include "server/words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "detect/features/catalog.h"

namespace pandun::server {
namespace {

using casework::FeatureWord;

// Chinese for the units of the feature catalogue.
constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kUnits{{{"calls", "次"},
                                                                                {"messages", "条"},
                                                                                {"numbers", "个"},
                                                                                {"ratio", "比例"},
                                                                                {"s", "秒"},
                                                                                {"devices", "部"},
                                                                                {"cells", "个"},
                                                                                {"regions", "个"},
                                                                                {"flows", "个"},
                                                                                {"hosts", "台"},
                                                                                {"ports", "个"},
                                                                                {"pairs", "对"},
                                                                                {"bytes", "字节"},
                                                                                {"queries", "次"},
                                                                                {"attempts", "次"},
                                                                                {"times", "次"},
                                                                                {"bits", "比特"}}};

model::LocalText unit_of(std::string_view unit) {
  const auto* known = std::find_if(kUnits.begin(), kUnits.end(), [unit](const auto& u) { return u.first == unit; });
  return {std::string(known != kUnits.end() ? known->second : "个"), std::string(unit)};
}

FeatureWord word_of(const detect::EvidenceSpec& spec) {
  FeatureWord word;
  word.title = {std::string(spec.title_zh), std::string(spec.title_en)};
  word.unit = {std::string(spec.unit_zh), std::string(spec.unit_en)};
  word.statement = spec.unit_en.empty();
  using Bound = FeatureWord::Bound;
  word.bound = spec.bound == detect::Bound::kAtLeast  ? Bound::kAtLeast
               : spec.bound == detect::Bound::kAtMost ? Bound::kAtMost
                                                      : Bound::kUnsaid;
  return word;
}

void put(std::string& text, std::string_view rest) {
  const std::size_t at = text.find('*');
  if (at != std::string::npos) text.replace(at, 1, rest);
}
FeatureWord with_rest(FeatureWord word, const model::LocalText& rest) {
  put(word.title.zh, rest.zh);
  put(word.title.en, rest.en);
  return word;
}

}  // namespace

Words::Words(const std::vector<detect::DetectorPart>& detectors, const std::vector<registry::ProtectedGroup>& groups) {
  for (const detect::Feature& feature : detect::features()) {
    FeatureWord word;
    word.title = {feature.title_zh, feature.title_en};
    word.unit = unit_of(feature.unit);
    add(feature.name, std::move(word));
  }
  // What rules about devices and cells plot.
  add("uses", {{"终端使用次数", "uses of the device"}, unit_of("times"), {}});
  add("cell_calls", {{"小区通话次数", "calls in the cell"}, unit_of("calls"), {}});
  add("cell_messages", {{"小区发送短信条数", "messages sent from the cell"}, unit_of("messages"), {}});
  for (const detect::DetectorPart& part : detectors)
    for (const detect::EvidenceSpec& spec : part.spec().evidence) {
      if (spec.name.ends_with('*'))
        add_family(std::string(spec.name.substr(0, spec.name.size() - 1)), word_of(spec));
      else
        add(std::string(spec.name), word_of(spec));
    }
  FeatureWord lead;  // of alerts that a partner's lead raised
  lead.title = {"合作单位给出的置信度", "the partner's confidence"};
  lead.unit = unit_of("ratio");
  add("lead_confidence", std::move(lead));
  for (const Family& family : families_)
    if (family.stem == "protected_group_")
      for (const registry::ProtectedGroup& group : groups)
        add(family.stem + group.id, with_rest(family.word, {group.title_zh, group.title_en}));
}

void Words::add(std::string name, FeatureWord word) {
  if (words_.emplace(name, std::move(word)).second) order_.push_back(std::move(name));
}

void Words::add_family(std::string stem, FeatureWord word) {
  for (const Family& known : families_)
    if (known.stem == stem) return;
  families_.push_back({std::move(stem), std::move(word)});
}

FeatureWord Words::word(std::string_view feature) const {
  if (const auto known = words_.find(feature); known != words_.end()) return known->second;
  for (const Family& family : families_)
    if (feature.size() > family.stem.size() && feature.starts_with(family.stem)) {
      const std::string rest(feature.substr(family.stem.size()));
      return with_rest(family.word, {rest, rest});
    }
  return {};
}

std::vector<api::FeatureEntry> Words::entries(const std::vector<std::string>& lists) const {
  std::vector<api::FeatureEntry> out;
  out.reserve(order_.size() + lists.size());
  for (const std::string& name : order_) out.push_back({name, words_.at(name).title});
  for (const std::string& list : lists)
    if (std::string name = "list_" + list; words_.find(name) == words_.end()) {
      model::LocalText title = word(name).title;
      if (!title.en.empty()) out.push_back({std::move(name), std::move(title)});
    }
  return out;
}

}  // namespace pandun::server
