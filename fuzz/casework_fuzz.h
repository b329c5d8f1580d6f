// A desk with one confirmed case, for lists of tokens out of fuzz bytes: every input gets a store of its own, copied from one that
// was made once, so that no input depends on what came before.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "base/check.h"
#include "casework/card_batches.h"
#include "casework/check_lists.h"
#include "casework/identities.h"
#include "fuzz_directory.h"
#include "guard/audit.h"
#include "guard/vault.h"
#include "store/sqlite/sqlite_store.h"

namespace pandun::casework {

template <typename T>
T must(Result<T> result) {
  CHECK(result.ok());
  return std::move(result).value();
}

inline guard::Actor fuzz_person(const std::string& name, guard::Role role) {
  guard::Actor actor;
  actor.name = actor.person = name;
  actor.user_id = "U-" + name;
  actor.address = "127.0.0.1";
  actor.roles = {role};
  return actor;
}

class FuzzLines final : public SourceLines {
 public:
  std::string line(const model::SourceRef&) const override { return "calls.csv:1"; }
};
class OneHospital final : public ProtectedGroups {
 public:
  static constexpr std::uint64_t kNumber = 8613800138000;
  std::string group(const model::Entity& entity) const override {
    return entity.number == model::NumberKey::e164(kNumber) ? "hospital" : "";
  }
};

inline const CaseworkContent& fuzz_content() {
  static const std::unique_ptr<CaseworkContent> kContent =
      must(load_casework_content(platform::posix_files(), std::string(PANDUN_SOURCE_DIR) + "/content"));
  return *kContent;
}

// Everything but the store's file.
struct FuzzDesk {
  static constexpr std::uint64_t kPlain = 8613911112222;  // sealed, and in no group

  FuzzDesk(const std::string& file, store::SqliteOptions options) {
    options.quick_check = false;
    store = must(store::open_sqlite(file, clock, std::move(options)));
    audit = std::make_unique<guard::Audit>(*store, clock, key);
    vault = std::make_unique<guard::Vault>(*store, *audit, clock, key, fuzz_content().laws);
    desk = std::make_unique<CaseDesk>(parts());
    cards = std::make_unique<CardDesk>(parts());
  }
  DeskParts parts() const {
    return {*store, *audit, *vault, clock, fuzz_content(), detectors, identities, lines, &groups};
  }
  std::string token(std::uint64_t number) const { return tokens.number(model::NumberKey::e164(number), 2026); }
  MeasureTerms terms(const std::string& kind) const {
    return {kind,
            "fraud",
            "afl-11",
            "全部功能",
            "高风险卡",
            "已多次提醒",
            rfc3339(clock.wall().ms + 20LL * 86'400'000),
            "请重新核验",
            "10000"};
  }

  platform::ManualClock clock{WallMs{1'795'395'600'000}};  // 2026-11-23T01:00:00Z
  platform::SealKey key{std::array<unsigned char, 32>{7}};
  guard::NumberTokens tokens{key};
  TokenIdentities identities{tokens, IdentityForm::kMasked};
  FuzzLines lines;
  OneHospital groups;
  DetectorTable detectors{{"burst_calling", {std::chrono::hours(1), {"T1586"}}}};
  guard::Actor analyst = fuzz_person("li.wei", guard::Role::kAnalyst);
  guard::Actor approver = fuzz_person("zhang.min", guard::Role::kApprover);
  std::unique_ptr<store::Store> store;
  std::unique_ptr<guard::Audit> audit;
  std::unique_ptr<guard::Vault> vault;
  std::unique_ptr<CaseDesk> desk;
  std::unique_ptr<CardDesk> cards;
};

// Opens the case that lists are for; the alert seals two numbers.
inline std::string open_fuzz_case(FuzzDesk& desk) {
  model::Signal signal;
  signal.position = 1;
  signal.detector = "burst_calling";
  signal.entity = model::Entity::of(model::NumberKey::e164(OneHospital::kNumber));
  signal.peers = {model::Entity::of(model::NumberKey::e164(FuzzDesk::kPlain))};
  signal.first = EventMs{desk.clock.wall().ms};
  signal.last = EventMs{desk.clock.wall().ms + 60'000};
  signal.severity = 70;
  signal.confidence = 0.8;
  signal.topic = "burst_call";
  signal.title = {"高频外呼", "Burst calling"};
  signal.evidence = {{"calls_1h", 120, 60, "calls"}};
  signal.records = {{1, 1}};
  const auto report = must(desk.desk->ingest_signals({&signal, 1}, "detect", 1));
  const CaseView view = must(desk.desk->open_case(desk.analyst, {{report.new_alerts.front()}, "", "群呼"}));
  ActionInput confirm;
  confirm.version = must(desk.desk->case_summary(view.summary.id)).version;
  confirm.fields = {{"finding", "x"}};
  must(desk.desk->perform(desk.analyst, view.summary.id, "confirm", confirm));
  return view.summary.id;
}

// The file that each input's store is a copy of. `prepare` is called once, with the desk and the id of the case.
class FuzzStores {
 public:
  template <typename Prepare>
  explicit FuzzStores(Prepare&& prepare) {
    FuzzDesk desk(home_.file("made.db"), {});
    case_id_ = open_fuzz_case(desk);
    prepare(desk, case_id_);
    CHECK(desk.store->backup(home_.file("whole.db")).ok());
  }
  const std::string& case_id() const { return case_id_; }
  const FuzzDirectory& home() const { return home_; }
  // The desk of before must be gone.
  std::unique_ptr<FuzzDesk> fresh(store::SqliteOptions options = {}) const {
    for (const char* tail : {"", "-wal", "-shm"}) std::filesystem::remove(home_.file("now.db") + tail);
    std::filesystem::copy_file(home_.file("whole.db"), home_.file("now.db"));
    return again(std::move(options));
  }
  // The same store after the process was begun anew.
  std::unique_ptr<FuzzDesk> again(store::SqliteOptions options = {}) const {
    return std::make_unique<FuzzDesk>(home_.file("now.db"), std::move(options));
  }

 private:
  FuzzDirectory home_;
  std::string case_id_;
};

}  // namespace pandun::casework
