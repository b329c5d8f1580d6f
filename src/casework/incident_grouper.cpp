#include "casework/incident_grouper.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "base/hash.h"
#include "guard/content_reader.h"
#include "guard/json_writer.h"

namespace pandun::casework {
namespace {

using model::Alert;
using model::ShownEntity;

constexpr std::size_t kLinkPeers = 3;

std::string link_key(const ShownEntity& entity) {
  return fmt::format("{}:{}", name(entity.kind), entity.token.empty() ? entity.value : entity.token);
}

// Addresses inside "src>dst:port/proto", so that a beacon's pair meets a scan's host.
void add_pair_ends(const ShownEntity& entity, std::vector<std::string>& keys) {
  const std::size_t arrow = entity.value.find('>');
  const std::size_t port = entity.value.rfind(':');
  if (arrow == std::string::npos || port == std::string::npos || port < arrow) return;
  std::string destination = entity.value.substr(arrow + 1, port - arrow - 1);
  if (destination.size() > 2 && destination.front() == '[') destination = destination.substr(1, destination.size() - 2);
  keys.push_back("ip:" + entity.value.substr(0, arrow));
  keys.push_back("ip:" + destination);
}

class Groups {
 public:
  explicit Groups(std::size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), std::size_t{0}); }
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    a = root(a);
    b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

// Alerts that share the key, in time order: each joins the next while the gap to all before it is inside the window.
void join_by_key(std::vector<std::size_t>& members, std::span<const Alert> alerts, std::chrono::milliseconds window,
                 Groups& groups) {
  std::sort(members.begin(), members.end(),
            [&](std::size_t a, std::size_t b) { return std::tie(alerts[a].first, a) < std::tie(alerts[b].first, b); });
  EventMs reach = alerts[members.front()].last;
  for (std::size_t i = 1; i < members.size(); ++i) {
    const Alert& alert = alerts[members[i]];
    if (alert.first - reach <= window) groups.join(members[i - 1], members[i]);
    reach = std::max(reach, alert.last);
  }
}

const Alert& gravest(std::span<const Alert* const> alerts) {
  const Alert* best = alerts.front();
  for (const Alert* alert : alerts) {
    if (std::tuple(-static_cast<int>(alert->severity), alert->first, std::string_view(alert->id)) <
        std::tuple(-static_cast<int>(best->severity), best->first, std::string_view(best->id))) {
      best = alert;
    }
  }
  return *best;
}

// The shared things themselves, most shared first: what the reader is told as the reason.
struct KindWords {
  std::string_view zh, en;
};
KindWords words_of(model::EntityKind kind) {
  switch (kind) {
    case model::EntityKind::kNumber:
      return {"号码", "number"};
    case model::EntityKind::kDevice:
      return {"设备", "device"};
    case model::EntityKind::kCell:
      return {"小区", "cell"};
    case model::EntityKind::kIp:
      return {"IP", "IP"};
    case model::EntityKind::kHostPair:
      return {"主机对", "host pair"};
    case model::EntityKind::kDomain:
      return {"域名", "domain"};
    case model::EntityKind::kUrl:
      return {"网址", "URL"};
    case model::EntityKind::kHash:
      return {"文件", "file"};
    case model::EntityKind::kTrunk:
      return {"中继", "trunk"};
    case model::EntityKind::kApp:
      return {"应用", "app"};
  }
  return {name(kind), name(kind)};
}

// The three things that most of the alerts share, in Chinese or English words.
std::vector<std::string> ties(std::span<const Alert* const> alerts, bool chinese) {
  const auto shown_as = [chinese](const ShownEntity& entity) {
    return fmt::format("{} {}", chinese ? words_of(entity.kind).zh : words_of(entity.kind).en, entity.value);
  };
  std::map<std::string, std::size_t> counts;
  for (const Alert* alert : alerts) {
    for (const std::string& key : link_keys(*alert)) ++counts[key];
  }
  std::vector<std::pair<std::string, std::size_t>> shared;
  for (const auto& entry : counts) {
    if (entry.second > 1) shared.push_back(entry);
  }
  std::stable_sort(shared.begin(), shared.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> names;
  for (std::size_t i = 0; i < shared.size() && i < 3; ++i) {
    std::string shown = shared[i].first;
    for (const Alert* alert : alerts) {
      if (link_key(alert->entity) == shown) shown = shown_as(alert->entity);
      for (const ShownEntity& peer : alert->peers) {
        if (link_key(peer) == shown) shown = shown_as(peer);
      }
    }
    names.push_back(shown);
  }
  return names;
}

model::LocalText names_of(const std::set<std::string>& ids, const DetectorTable& detectors) {
  std::vector<std::string> zh, en;
  for (const std::string& id : ids) {
    const model::LocalText title = detectors.of(id).title;
    zh.push_back(title.zh.empty() ? id : title.zh);
    en.push_back(title.en.empty() ? id : title.en);
  }
  return {fmt::format("{}", fmt::join(zh, "、")), fmt::format("{}", fmt::join(en, ", "))};
}

}  // namespace

Result<GradeTable> GradeTable::parse(std::string_view toml, const std::string& file) {
  TRY_ASSIGN(const guard::ContentNode root, guard::parse_content(toml, file));
  guard::Faults faults(file);
  faults.only(root, {"source", "grade"});
  GradeTable table;
  for (const guard::ContentNode& node : faults.tables(root, "grade")) {
    faults.only(node, {"id", "zh", "en", "colour", "severity_min", "entities_min", "alerts_min", "unverified"});
    Grade grade;
    grade.id = faults.text(node, "id");
    grade.title = faults.local(node);
    grade.colour = faults.text(node, "colour");
    grade.severity_min = static_cast<unsigned>(faults.integer(node, "severity_min", 0, 0, 100));
    grade.entities_min = static_cast<std::size_t>(faults.integer(node, "entities_min", 0, 0, 1'000'000'000));
    grade.alerts_min = static_cast<std::size_t>(faults.integer(node, "alerts_min", 0, 0, 1'000'000'000));
    grade.unverified = faults.boolean(node, "unverified", true);
    for (const Grade& other : table.grades_) {
      if (other.id == grade.id) faults.add(node, fmt::format("grade '{}' is given twice", grade.id));
    }
    table.grades_.push_back(std::move(grade));
  }
  if (!table.grades_.empty()) {
    const Grade& last = table.grades_.back();
    if (last.severity_min != 0 || last.entities_min != 0 || last.alerts_min != 0) {
      faults.add(root, "the last grade must have no bounds, so that every incident has a grade");
    }
  }
  TRY(faults.result());
  return table;
}

const Grade& GradeTable::grade(unsigned severity, std::size_t entities, std::size_t alerts) const {
  CHECK(!grades_.empty());
  for (const Grade& grade : grades_) {
    if (severity >= grade.severity_min && entities >= grade.entities_min && alerts >= grade.alerts_min) return grade;
  }
  return grades_.back();
}

std::vector<std::string> link_keys(const Alert& alert) {
  std::vector<std::string> keys{link_key(alert.entity)};
  if (alert.entity.kind == model::EntityKind::kHostPair) add_pair_ends(alert.entity, keys);
  for (std::size_t i = 0; i < alert.peers.size() && i < kLinkPeers; ++i) keys.push_back(link_key(alert.peers[i]));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

bool within_window(const Alert& a, const Alert& b, std::chrono::milliseconds window) {
  return b.first - a.last <= window && a.first - b.last <= window;
}

std::string incident_id(const std::string& earliest_alert_id) {
  return fmt::format("I-{:016x}", hash64(earliest_alert_id));
}

void describe(Incident& incident, std::span<const Alert* const> alerts, const GradeTable& grades,
              const DetectorTable& detectors) {
  CHECK(!alerts.empty());
  const Alert& top = gravest(alerts);
  incident.topic = top.topic;
  incident.title = top.title;
  incident.severity = top.severity;
  incident.alerts.clear();
  incident.entities.clear();
  incident.first = alerts.front()->first;
  incident.last = alerts.front()->last;
  std::set<std::string> seen;
  std::set<std::string> found_by;
  for (const Alert* alert : alerts) {
    incident.alerts.push_back(alert->id);
    incident.first = std::min(incident.first, alert->first);
    incident.last = std::max(incident.last, alert->last);
    found_by.insert(alert->detector);
    if (seen.insert(link_key(alert->entity)).second) incident.entities.push_back(alert->entity);
  }
  incident.grade = grades.grade(incident.severity, incident.entities.size(), alerts.size()).id;
  const model::LocalText by = names_of(found_by, detectors);
  if (alerts.size() == 1) {
    incident.summary = {fmt::format("{}：1 条告警（{}）。", top.title.zh, by.zh),
                        fmt::format("{}: 1 alert ({}).", top.title.en, by.en)};
    return;
  }
  incident.summary = {
      fmt::format("{}：{} 条告警，{} 个对象（{}）；因共同{}归并。", top.title.zh, alerts.size(),
                  incident.entities.size(), by.zh, fmt::join(ties(alerts, true), "、")),
      fmt::format("{}: {} alerts about {} {} ({}); tied by {}.", top.title.en, alerts.size(), incident.entities.size(),
                  incident.entities.size() == 1 ? "entity" : "entities", by.en, fmt::join(ties(alerts, false), ", "))};
}

std::vector<Incident> group_incidents(std::span<const Alert> alerts, const GradeTable& grades,
                                      const DetectorTable& detectors, std::chrono::milliseconds window) {
  Groups groups(alerts.size());
  std::map<std::string, std::vector<std::size_t>> by_key;
  for (std::size_t i = 0; i < alerts.size(); ++i) {
    for (std::string& key : link_keys(alerts[i])) by_key[std::move(key)].push_back(i);
  }
  for (auto& [key, members] : by_key) join_by_key(members, alerts, window, groups);

  std::map<std::size_t, std::vector<const Alert*>> members;
  for (std::size_t i = 0; i < alerts.size(); ++i) members[groups.root(i)].push_back(&alerts[i]);
  std::vector<Incident> incidents;
  incidents.reserve(members.size());
  for (const auto& [root, list] : members) {
    const Alert* earliest = *std::min_element(list.begin(), list.end(), [](const Alert* a, const Alert* b) {
      return std::tie(a->first, a->id) < std::tie(b->first, b->id);
    });
    Incident incident;
    incident.id = incident_id(earliest->id);
    describe(incident, list, grades, detectors);
    incidents.push_back(std::move(incident));
  }
  std::sort(incidents.begin(), incidents.end(),
            [](const Incident& a, const Incident& b) { return std::tie(a.first, a.id) < std::tie(b.first, b.id); });
  return incidents;
}

void append_json(std::string& out, const Incident& incident) {
  guard::JsonWriter json(out);
  json.begin_object().field("id", incident.id).field("topic", incident.topic).field("grade", incident.grade);
  json.strings("alerts", incident.alerts).key("entities").begin_array();
  for (const ShownEntity& entity : incident.entities) {
    json.begin_object().field("kind", name(entity.kind)).field("value", entity.value).field("token", entity.token);
    json.end_object();
  }
  json.end_array().key("owner");
  if (incident.owner.empty()) {
    json.null();
  } else {
    json.string(incident.owner);
  }
  json.field("first", rfc3339(incident.first)).field("last", rfc3339(incident.last));
  json.local("summary", incident.summary.zh, incident.summary.en).end_object();
}

}  // namespace pandun::casework
