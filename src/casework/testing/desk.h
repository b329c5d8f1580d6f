// A whole desk over a temporary store, with people and a clock that stands still: for tests only.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "casework/case_desk.h"
#include "casework/identities.h"
#include "guard/audit.h"
#include "guard/identity.h"
#include "guard/vault.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::casework::testing {

// A directory of its own, gone afterwards.
class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pandun-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) ADD_FAILURE() << result.error().text();
  return std::move(result).value();
}
inline void must_ok(const Result<>& result) {
  if (!result.ok()) ADD_FAILURE() << result.error().text();
}

inline platform::SealKey test_key() {
  std::array<unsigned char, 32> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i * 7 + 1);
  return platform::SealKey(bytes);
}

inline guard::Actor person(const std::string& name, guard::RoleSet roles) {
  guard::Actor actor;
  actor.name = actor.person = name;
  actor.user_id = "U-" + name;
  actor.address = "127.0.0.1";
  actor.roles = roles;
  return actor;
}

class NoLines final : public SourceLines {
 public:
  std::string line(const model::SourceRef& record) const override {
    return "calls.csv:" + std::to_string(record.record);
  }
};

class Groups final : public ProtectedGroups {
 public:
  std::string protect;  // this clear value is a hospital's
  std::string group(const model::Entity& entity) const override {
    return !protect.empty() && entity.value == protect ? "hospital" : "";
  }
};

inline const CaseworkContent& shipped_content() {
  static const std::unique_ptr<CaseworkContent> content =
      must(load_casework_content(platform::posix_files(), std::string(PANDUN_SOURCE_DIR) + "/content"));
  return *content;
}

// 2026-11-23 is a Monday.
inline constexpr WallMs kStart{1'795'395'600'000};  // 2026-11-23T01:00:00Z

struct Desk {
  explicit Desk(store::SqliteOptions options = {}) {
    store = must(store::open_sqlite(directory.file("pandun.db"), clock, std::move(options)));
    audit = std::make_unique<guard::Audit>(*store, clock, key);
    vault = std::make_unique<guard::Vault>(*store, *audit, clock, key, shipped_content().laws);
    desk = std::make_unique<CaseDesk>(
        DeskParts{*store, *audit, *vault, clock, shipped_content(), detectors, identities, lines, &groups});
  }
  TempDirectory directory;
  platform::ManualClock clock{kStart};
  platform::SealKey key = test_key();
  guard::NumberTokens tokens{key};
  TokenIdentities identities{tokens, IdentityForm::kMasked};
  NoLines lines;
  Groups groups;
  DetectorTable detectors{{"burst_calling", {std::chrono::hours(1), {"T1586"}}}};
  std::unique_ptr<store::Store> store;
  std::unique_ptr<guard::Audit> audit;
  std::unique_ptr<guard::Vault> vault;
  std::unique_ptr<CaseDesk> desk;

  guard::Actor analyst = person("li.wei", {guard::Role::kAnalyst});
  guard::Actor approver = person("zhang.min", {guard::Role::kApprover});
  guard::Actor approver2 = person("chen.jie", {guard::Role::kApprover});
  guard::Actor both = person("wang.fang", {guard::Role::kAnalyst, guard::Role::kApprover});
  guard::Actor auditor = person("zhao.lei", {guard::Role::kAuditor});
  guard::Actor viewer = person("sun.li", {guard::Role::kViewer});

  std::string ingest(const model::Signal& signal) {
    const auto report = must(desk->ingest_signals({&signal, 1}, "detect", signal.position));
    if (!report.new_alerts.empty()) return report.new_alerts.front();
    return report.changed_alerts.empty() ? "" : report.changed_alerts.front();
  }
  CaseView open(const std::string& alert_id) { return must(desk->open_case(analyst, {{alert_id}, "", "群呼"})); }
  Result<CaseView> act(const guard::Actor& actor, const CaseView& view, const std::string& action,
                       std::map<std::string, std::string> fields = {}) {
    const std::int64_t version = must(desk->case_summary(view.summary.id)).version;
    return desk->perform(actor, view.summary.id, action, {version, std::move(fields), ""});
  }
  std::map<std::string, std::string> warn() const {
    return {{"kind", "warn"},  {"category", "fraud"},      {"ground", "afl-11"},
            {"scope", "提醒"}, {"reason", "群呼特征明显"}, {"expires_at", rfc3339(clock.wall().ms + 86'400'000LL * 5)}};
  }
};

inline constexpr std::uint64_t kCaller = 8613800138000, kCallee = 8613911112222;

inline model::Signal call_signal(std::uint64_t position, std::int64_t at_ms = kStart.ms,
                                 model::NumberKey caller = model::NumberKey::e164(kCaller)) {
  model::Signal signal;
  signal.position = position;
  signal.detector = "burst_calling";
  signal.entity = model::Entity::of(caller);
  signal.peers = {model::Entity::of(model::NumberKey::e164(kCallee + position % 3))};
  signal.first = EventMs{at_ms};
  signal.last = EventMs{at_ms + 60'000};
  signal.severity = 70;
  signal.confidence = 0.8;
  signal.topic = "burst_call";
  signal.title = {"高频外呼", "Burst calling"};
  signal.evidence = {{"calls_1h", 120, 60, "calls"}};
  signal.series = {{EventMs{at_ms}, 3}, {EventMs{at_ms + 60'000}, 9}};
  signal.series_feature = "calls_1m";
  signal.records = {{1, position}};
  return signal;
}

}  // namespace pandun::casework::testing
