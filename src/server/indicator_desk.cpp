#include "server/indicator_desk.h"

#include <algorithm>
#include <cmath>

namespace pandun::server {

IndicatorDesk::IndicatorDesk(platform::FileSystem& files, platform::Clock& clock, const intel::WarningLists& warnings,
                             const std::string& directory)
    : clock_(clock), warnings_(warnings), library_(files, directory) {}

Result<> IndicatorDesk::load() {
  const std::scoped_lock lock(mutex_);
  TRY(library_.load());
  count_topics();
  rebuild();
  return {};
}

void IndicatorDesk::rebuild() {
  auto matcher = library_.matcher(&warnings_, clock_.wall().ms);
  if (!ports_.empty() && matcher->digest() == digest_) return;
  digest_ = matcher->digest();
  ports_.push_back(std::make_unique<MatcherIndicators>(std::move(matcher)));
  if (listener_) listener_(*ports_.back());
}

void IndicatorDesk::count_topics() {
  by_topic_.clear();
  for (const intel::ListInfo& info : library_.lists()) {
    const intel::IndicatorList* list = library_.find(info.name);
    if (list == nullptr) continue;
    const intel::Facts* facts = nullptr;  // most rows of a list share theirs
    OfTopic* topic = nullptr;
    for (const intel::IndicatorList::Row& row : list->rows()) {
      if (&list->facts(row) != facts) {
        facts = &list->facts(row);
        topic = &by_topic_[facts->topic];
        if (topic->lists.empty() || topic->lists.back() != info.name) topic->lists.push_back(info.name);
      }
      ++topic->indicators;
    }
  }
}

std::map<std::string, IndicatorDesk::OfTopic> IndicatorDesk::by_topic() const {
  const std::scoped_lock lock(mutex_);
  return by_topic_;
}

const detect::IndicatorMatch& IndicatorDesk::port() const {
  const std::scoped_lock lock(mutex_);
  CHECK(!ports_.empty());
  return *ports_.back();
}

api::IntelListEntry IndicatorDesk::entry(const intel::ListInfo& info) const {
  api::IntelListEntry out;
  out.name = info.name;
  out.entries = info.indicators;
  out.added_by = info.source;
  out.format = "plain";
  if (info.valid_until_max != 0) out.expires_at = WallMs{info.valid_until_max};
  for (std::size_t type = 0; type < intel::kIndicatorTypes; ++type)
    if (info.by_type[type] != 0)
      out.by_type[std::string(intel::name(static_cast<intel::IndicatorType>(type)))] = info.by_type[type];
  if (const intel::IndicatorList* list = library_.find(info.name); list != nullptr && !list->rows().empty()) {
    const intel::Facts& facts = list->facts(list->rows().front());
    out.topic = facts.topic;
    out.severity = facts.severity;
    out.confidence = facts.confidence / 100.0;
    out.added_at = WallMs{facts.valid_from};
  }
  return out;
}

std::vector<api::IntelListEntry> IndicatorDesk::lists() const {
  const std::scoped_lock lock(mutex_);
  std::vector<api::IntelListEntry> out;
  for (const intel::ListInfo& info : library_.lists()) out.push_back(entry(info));
  return out;
}

Result<api::IntelImport> IndicatorDesk::add(const api::NewIntelList& list) {
  intel::ReadOptions options;
  options.now = clock_.wall().ms;
  options.lifetime_ms = static_cast<std::int64_t>(list.expires_in_days) * 86'400'000;
  options.defaults.severity = static_cast<std::uint8_t>(std::min(list.severity, 100U));
  options.defaults.confidence = static_cast<std::uint8_t>(std::lround(std::clamp(list.confidence, 0.0, 1.0) * 100));
  options.defaults.topic = list.topic;
  options.defaults.source = list.added_by;
  options.defaults.valid_from = options.now;
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(const intel::ReadReport report, library_.import(list.name, list.content, options));
  count_topics();
  rebuild();
  api::IntelImport out;
  for (const intel::ListInfo& info : library_.lists())
    if (info.name == list.name) out.list = entry(info);
  out.list.format = list.format;
  out.accepted = report.read;
  out.rejected = report.faulty();
  for (const intel::LineFault& fault : report.faults) {
    if (out.rejects.size() == 100) break;
    out.rejects.push_back({fault.line, std::string(intel::name(fault.fault)), fault.detail});
  }
  return out;
}

Result<> IndicatorDesk::remove(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  TRY(library_.remove(std::string(name)));
  count_topics();
  rebuild();
  return {};
}

void IndicatorDesk::refresh() {
  const std::scoped_lock lock(mutex_);
  rebuild();
}

}  // namespace pandun::server
