// The live indicator library: lists that people add and remove, and the matcher snapshot that detection uses.
//
// Threads  thread-safe; a new snapshot is handed to `on_change` before add() and remove() return.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "api/platform_port.h"
#include "intel/library.h"
#include "platform/clock.h"
#include "server/ports.h"

namespace pandun::server {

class IndicatorDesk {
 public:
  using OnChange = std::function<void(const detect::IndicatorMatch&)>;

  IndicatorDesk(platform::FileSystem& files, platform::Clock& clock, const intel::WarningLists& warnings,
                const std::string& directory);
  Result<> load();
  void on_change(OnChange listener) { listener_ = std::move(listener); }

  // The port as it stands; lives until this desk dies, also after newer ones came.
  const detect::IndicatorMatch& port() const;
  std::vector<api::IntelListEntry> lists() const;
  struct OfTopic {
    std::uint64_t indicators = 0;
    std::vector<std::string> lists;  // by name
  };
  std::map<std::string, OfTopic> by_topic() const;  // counted when lists change
  Result<api::IntelImport> add(const api::NewIntelList& list);
  Result<> remove(std::string_view name);
  // Indicators whose time is over leave; call now and then.
  void refresh();

 private:
  void rebuild();
  void count_topics();
  api::IntelListEntry entry(const intel::ListInfo& info) const;

  platform::Clock& clock_;
  const intel::WarningLists& warnings_;
  mutable std::mutex mutex_;
  intel::Library library_;
  std::vector<std::unique_ptr<MatcherIndicators>> ports_;  // shards may still hold an older one: kept, they are few
  std::map<std::string, OfTopic> by_topic_;
  std::string digest_;
  OnChange listener_;
};

}  // namespace pandun::server
