#include "server/catalogues.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/toml.h"
#include "detectors/catalog.h"
#include "server/fraud_topics.h"

namespace pandun::server {
namespace {

class Reader {
 public:
  Reader(platform::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  // Calls `take` for every [[list]] table.
  template <typename Take>
  Result<> each(const char* list, Take&& take) {
    TRY_ASSIGN(const std::string text, platform::read_file(files_, path_, 16U << 20));
    toml::table table;
    if (const auto bad = read_toml(text, path_, table))
      return error(Errc::kBadConfig, fmt::format("{}:{}:{}", path_, bad->line, bad->column), bad->message);
    const toml::array* items = table[list].as_array();
    if (items == nullptr) return error(Errc::kBadConfig, path_, fmt::format("has no [[{}]]", list));
    for (const toml::node& node : *items)
      if (const toml::table* item = node.as_table()) take(*item);
    if (!faults_.empty()) return error(Errc::kBadConfig, path_, faults_);
    return {};
  }

  std::string text(const toml::table& table, const char* key) {
    const auto value = table[key].value<std::string>();
    if (value && !value->empty()) return *value;
    fault(table, fmt::format("lacks {}", key));
    return {};
  }
  void once(const toml::table& table, const std::string& id) {
    if (!ids_.insert(id).second) fault(table, fmt::format("names {} a second time", id));
  }

 private:
  void fault(const toml::table& table, const std::string& what) {
    faults_ += fmt::format("{}{}:{}:{}: {}", faults_.empty() ? "" : "\n  ", path_, table.source().begin.line,
                           table.source().begin.column, what);
  }
  platform::FileSystem& files_;
  std::string path_, faults_;
  std::set<std::string> ids_;
};

api::FraudLibraryEntry library_entry(const FraudTopics& library) {
  api::FraudLibraryEntry out{library.version, library.revised, {}, {}};
  for (const FraudTechnique& one : library.techniques)
    out.techniques.push_back({one.id, one.stage, one.title, one.about, one.detectors});
  for (const FraudSlot& slot : library.slots) {
    api::FraudTopicEntry topic;
    topic.number = slot.number;
    topic.revision = slot.revision;
    topic.id = slot.id;
    topic.documented = slot.documented;
    topic.title = slot.title;
    topic.about = slot.about;
    topic.advice = slot.advice;
    for (const FraudSlot::Stage& stage : slot.stages) topic.stages.push_back({stage.stage, stage.text});
    topic.signs = slot.signs;
    topic.techniques = slot.techniques;
    out.topics.push_back(std::move(topic));
  }
  return out;
}

}  // namespace

Result<Catalogues> load_catalogues(platform::FileSystem& files, const std::string& content_directory) {
  Catalogues out;
  Reader topics(files, platform::join(content_directory, "topics.toml"));
  TRY(topics.each("topic", [&](const toml::table& item) {
    api::TopicEntry topic;
    topic.id = topics.text(item, "id");
    topics.once(item, topic.id);
    topic.title = {topics.text(item, "zh"), topics.text(item, "en")};
    topic.category = topics.text(item, "group");
    topic.about = {topics.text(item, "about_zh"), topics.text(item, "about_en")};
    out.topics.push_back(std::move(topic));
  }));
  Reader techniques(files, platform::join(content_directory, "techniques.toml"));
  TRY(techniques.each("technique", [&](const toml::table& item) {
    api::TechniqueEntry technique{techniques.text(item, "id"), techniques.text(item, "name")};
    techniques.once(item, technique.id);
    out.techniques.push_back(std::move(technique));
  }));
  TRY_ASSIGN(const FraudTopics library, load_fraud_topics(files, content_directory, detectors::catalog()));
  out.fraud = library_entry(library);
  for (const FraudSlot& slot : library.slots) {
    if (!slot.documented) continue;
    if (std::any_of(out.topics.begin(), out.topics.end(), [&](const auto& topic) { return topic.id == slot.id; }))
      return error(Errc::kBadConfig, platform::join(content_directory, "fraud_topics.toml"),
                   fmt::format("slot {} has the id of a topic in topics.toml", slot.id));
    out.topics.push_back({slot.id, slot.title, "fraud", slot.about});
  }
  // Fraud techniques have a name in both languages; a person of either reads one line.
  Reader fraud(files, platform::join(content_directory, "fraud_topics.toml"));
  TRY(fraud.each("technique", [&](const toml::table& item) {
    api::TechniqueEntry technique{fraud.text(item, "id"), fraud.text(item, "zh") + " " + fraud.text(item, "en")};
    fraud.once(item, technique.id);
    out.techniques.push_back(std::move(technique));
  }));
  return out;
}

}  // namespace pandun::server
