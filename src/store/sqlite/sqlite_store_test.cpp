#include "store/sqlite/sqlite_store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>

#include "base/hash.h"
#include "platform/thread.h"
#include "store/sqlite/migrations.h"

namespace pandun::store {
namespace {

struct Box {
  Box() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pandun-store-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    path = directory + "/pandun.db";
  }
  ~Box() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  Result<std::unique_ptr<Store>> open(SqliteOptions options = {}) {
    return open_sqlite(path, clock, std::move(options));
  }
  static SqliteOptions with(void (*change)(SqliteOptions&)) {
    SqliteOptions options;
    change(options);
    return options;
  }
  std::unique_ptr<Store> must_open(SqliteOptions options = {}) {
    auto store = open(std::move(options));
    if (!store.ok()) ADD_FAILURE() << store.error().text();
    return std::move(*store);
  }
  void raw(const std::string& sql) const {
    sqlite3* db = nullptr;
    sqlite3_open(path.c_str(), &db);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  platform::ManualClock clock{WallMs{1'795'395'600'000}};
  std::string directory, path;
};

AlertRow alert_row(int i) {
  AlertRow row;
  row.id = "A-" + std::to_string(i);
  row.detector = i % 2 == 0 ? "burst_calling" : "beacon";
  row.title_zh = i % 3 == 0 ? "涉诈号码外呼" : "回连";
  row.title_en = "Title";
  row.state = "open";
  row.entity_kind = "ip";
  row.entity_value = "10.0.0." + std::to_string(i);
  row.severity = i % 100;
  row.first = EventMs{i * 1000};
  row.last = EventMs{i * 1000 + 500};
  row.created_at = row.updated_at = WallMs{1'795'395'600'000 + i * 1000};
  row.doc = "{}";
  return row;
}

Result<> add(Store& store, int i) {
  return store.write([&](Tx& tx) -> Result<> {
    TRY(tx.alerts().insert(alert_row(i)));
    return {};
  });
}

std::int64_t count(const Store& store) {
  std::int64_t n = -1;
  const auto done = store.read([&](const View& view) -> Result<> {
    TRY_ASSIGN(n, view.alerts().count({}));
    return {};
  });
  EXPECT_TRUE(done.ok()) << done.error().text();
  return n;
}

TEST(SqliteStore, KeepsWhatWasWrittenAndNothingOfWhatFailed) {
  Box box;
  {
    auto store = box.must_open();
    ASSERT_TRUE(add(*store, 1).ok());
    const auto failed = store->write([&](Tx& tx) -> Result<> {
      TRY(tx.alerts().insert(alert_row(2)));
      return error(Errc::kUsage, "test", "change of mind");
    });
    EXPECT_EQ(failed.error().message, "change of mind");
    EXPECT_EQ(add(*store, 1).error().code, Errc::kConflict);
  }
  auto store = box.must_open();
  EXPECT_EQ(count(*store), 1);
  EXPECT_TRUE(store->check().ok());
  EXPECT_EQ(store->status().schema_version, 6);
  EXPECT_EQ(std::filesystem::status(box.path).permissions() & std::filesystem::perms::others_all,
            std::filesystem::perms::none);
}

TEST(SqliteStore, RefusesAFileOfANewerProgram) {
  Box box;
  box.must_open();
  box.raw("INSERT INTO schema_migrations VALUES (999, '0999_future.sql', 'x', 0)");
  const auto opened = box.open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Errc::kUnsupported);
  EXPECT_NE(opened.error().message.find("newer"), std::string::npos);
}

TEST(SqliteStore, RefusesAChangedMigration) {
  Box box;
  box.must_open();
  box.raw("UPDATE schema_migrations SET checksum = 'other' WHERE version = 1");
  EXPECT_EQ(box.open().error().code, Errc::kCorrupt);
}

TEST(SqliteStore, FileThatIsNoDatabaseIsCorrupt) {
  Box box;
  std::ofstream(box.path) << std::string(5000, 'x');
  EXPECT_EQ(box.open().error().code, Errc::kCorrupt);
}

TEST(SqliteStore, DamagedPagesAreFoundAtOpen) {
  Box box;
  {
    auto store = box.must_open();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(add(*store, i).ok());
  }
  {
    std::fstream file(box.path, std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 3; page < 40; ++page) {
      file.seekp(page * 4096);
      file << std::string(64, '\xee');
    }
  }
  const auto opened = box.open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Errc::kCorrupt);
}

TEST(SqliteStore, FullDiskIsAnErrorAndLosesNothing) {
  Box box;
  auto store = box.must_open(Box::with([](SqliteOptions& o) { o.pages_max = 160; }));
  int written = 0;
  Result<> last;
  for (int i = 0; i < 5000 && last.ok(); ++i) {
    last = store->write([&](Tx& tx) -> Result<> {
      AlertRow row = alert_row(i);
      row.doc = std::string(3000, 'd');
      TRY(tx.alerts().insert(row));
      return {};
    });
    if (last.ok()) ++written;
  }
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code, Errc::kIo);
  EXPECT_GT(written, 5);
  EXPECT_EQ(count(*store), written);
  store.reset();
  auto again = box.must_open();
  EXPECT_EQ(count(*again), written);
  EXPECT_TRUE(add(*again, 9999).ok());
  EXPECT_TRUE(again->check().ok());
}

TEST(SqliteStore, LockedByAnotherIsRetryable) {
  Box box;
  auto store = box.must_open(Box::with([](SqliteOptions& o) { o.busy_time = std::chrono::milliseconds(20); }));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(box.path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto refused = add(*store, 1);
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_TRUE(refused.error().retryable);
  EXPECT_EQ(count(*store), 0);  // readers go on
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  EXPECT_TRUE(add(*store, 1).ok());
}

TEST(SqliteStore, ReadOnlyReadsAndDoesNotWrite) {
  Box box;
  ASSERT_TRUE(add(*box.must_open(), 1).ok());
  auto store = box.must_open(Box::with([](SqliteOptions& o) { o.read_only = true; }));
  EXPECT_EQ(count(*store), 1);
  EXPECT_EQ(add(*store, 2).error().code, Errc::kIo);
}

TEST(SqliteStore, BackupWhileRunningIsWholeAndVerified) {
  Box box;
  auto store = box.must_open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(add(*store, i).ok());
  std::atomic<bool> failed = false;
  {
    auto writer = platform::start_thread("writer", [&](std::stop_token stop) {
      for (int i = 1000; !stop.stop_requested() && i < 3000; ++i) {
        if (!add(*store, i).ok()) failed = true;
      }
    });
    const auto made = store->backup(box.directory + "/copy.db");
    EXPECT_TRUE(made.ok()) << made.error().text();
  }
  EXPECT_FALSE(failed);
  auto copy = open_sqlite(box.directory + "/copy.db", box.clock);
  ASSERT_TRUE(copy.ok()) << copy.error().text();
  EXPECT_GE(count(**copy), 100);
  EXPECT_TRUE((*copy)->check().ok());
  EXPECT_EQ(store->backup(box.directory + "/copy.db").error().code, Errc::kConflict);
}

TEST(SqliteStore, ReaderSeesOneMomentWhileAWriterWorks) {
  Box box;
  auto store = box.must_open();
  ASSERT_TRUE(add(*store, 1).ok());
  const auto done = store->read([&](const View& view) -> Result<> {
    TRY_ASSIGN(const auto before, view.alerts().count({}));
    TRY(add(*store, 2));
    TRY_ASSIGN(const auto after, view.alerts().count({}));
    EXPECT_EQ(before, after);
    return {};
  });
  EXPECT_TRUE(done.ok());
  EXPECT_EQ(count(*store), 2);
}

TEST(SqliteStore, PagesByStrictlyIncreasingSeqWithoutGapsOrRepeats) {
  Box box;
  auto store = box.must_open();
  for (int i = 0; i < 23; ++i) ASSERT_TRUE(add(*store, i).ok());
  for (const bool newest : {true, false}) {
    std::set<std::int64_t> seen;
    PageRequest request{0, 5, newest};
    for (int pages = 0; pages < 10; ++pages) {
      Page<AlertRow> page;
      ASSERT_TRUE(store
                      ->read([&](const View& view) -> Result<> {
                        TRY_ASSIGN(page, view.alerts().list({}, request));
                        return {};
                      })
                      .ok());
      for (const AlertRow& row : page.items) EXPECT_TRUE(seen.insert(row.seq).second);
      if (pages == 1) {  // rows that come while somebody pages
        ASSERT_TRUE(add(*store, 100 + (newest ? 1 : 2)).ok());
      }
      if (!page.next) break;
      request.cursor = *page.next;
    }
    EXPECT_GE(seen.size(), 23U);
  }
}

TEST(SqliteStore, FindsChineseWordsOfAnyLength) {
  Box box;
  auto store = box.must_open();
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(add(*store, i).ok());
  const auto found = [&](const std::string& q) {
    std::int64_t n = -1;
    AlertFilter filter;
    filter.q = q;
    EXPECT_TRUE(store
                    ->read([&](const View& view) -> Result<> {
                      TRY_ASSIGN(n, view.alerts().count(filter));
                      return {};
                    })
                    .ok());
    return n;
  };
  EXPECT_EQ(found("诈"), 3);
  EXPECT_EQ(found("涉诈"), 3);
  EXPECT_EQ(found("号码外呼"), 3);
  EXPECT_EQ(found("TITLE"), 9);
  EXPECT_EQ(found("%"), 0);
  EXPECT_EQ(found("' OR 1=1 --"), 0);
}

// A file as an older program left it: its steps up to `version`, then `sql`.
void older_file(const Box& box, int version, const std::string& sql) {
  box.raw(
      "PRAGMA journal_mode = WAL; CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
      " checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT");
  for (int i = 0; i < version; ++i) {
    const Migration& step = migrations()[static_cast<std::size_t>(i)];
    box.raw(std::string(step.sql));
    box.raw(fmt::format("INSERT INTO schema_migrations VALUES ({}, '{}', '{:016x}', 0)", i + 1, step.name,
                        hash64(step.sql)));
  }
  box.raw(sql);
}

constexpr const char* kOldCase =
    "INSERT INTO cases VALUES (1, 'K-1', 'PD-1', '群呼', 'found', '', 'III', '', 'burst_call', '', 'standard', 1, 70, "
    "'',"
    " 'li.wei', 'number', '+86 138****8000', 'n26-x', '', 0, 0, NULL, NULL, NULL, 0, 1, 0);";

TEST(SqliteStore, ListsOfAnOlderFileGoOn) {
  Box box;
  const auto list = [](int seq, const std::string& state, int members, int created) {
    return fmt::format(
        "INSERT INTO card_batches VALUES ({0}, 'C-{0}', 'K-1', 'reverify', 'fraud', 'afl-11', '', '', '', '', '', "
        "'{1}',"
        " 'li', 'li', '', 'cards.csv', 'd{0}', 'zhang', 300, {2}, 0, 0, 0, '{{}}', 900, {3}, '', 0, 100, 100, 5, "
        "NULL);",
        seq, state, members, created);
  };
  std::string sql = kOldCase + list(1, "proposed", 250, 0) + list(2, "approved", 3, 2) + list(3, "reading", 2, 0);
  for (int i = 0; i < 250; ++i) sql += fmt::format("INSERT INTO card_items VALUES (1, 'n26-{:04}');", i * 37 % 250);
  sql += "INSERT INTO card_items VALUES (2, 'n26-0009'), (3, 'n26-0001'), (3, 'n26-0002');";
  for (const int i : {1, 2})
    sql += fmt::format(
        "INSERT INTO measures(id, case_id, kind, category, ground_id, scope, reason, skip_reason, state, proposed_by,"
        " approved_by, approvals, approvals_needed, refused_reason, lapsed_reason, notice, appeal_channel, entity_kind,"
        " entity_value, entity_token, proposed_at, expires_at, lapse_at, batch_id, bulk) VALUES ('M-2-000000{0}', "
        "'K-1',"
        " 'reverify', 'fraud', 'afl-11', '', '', '', 'approved', 'li', 'zhang', 'zhang', 1, '', '', '', '', 'number',"
        " 'n26-000{0}…', 'n26-000{0}', 0, 100, 100, 'C-2', 1);",
        i);
  older_file(box, 4, sql);
  auto store = box.must_open();
  ASSERT_NE(store, nullptr);
  const auto looked = store->write([&](Tx& tx) -> Result<> {
    const View& view = tx;
    TRY_ASSIGN(auto waiting, view.card_batches().by_id("C-1"));
    std::set<std::string> tokens;
    TRY(view.card_batches().members(*waiting, 0, 10, [&](const CardMember& member) {
      EXPECT_EQ(member.own_row, 0);
      tokens.emplace(member.token);
    }));
    EXPECT_EQ(tokens.size(), 250U);
    TRY_ASSIGN(const auto before, view.measures().by_id("M-1-0000001"));
    EXPECT_FALSE(before);  // nobody approved it
    // The last of the half-made list gets its measure where the others stand.
    TRY_ASSIGN(auto half, view.card_batches().by_id("C-2"));
    half->state = "done";
    half->created = 3;
    TRY(tx.card_batches().update(*half));
    TRY_ASSIGN(auto last, view.measures().by_id("M-2-0000003"));
    EXPECT_TRUE(last);
    EXPECT_EQ(last->entity_token, "n26-0009");
    TRY_ASSIGN(const auto counts, view.card_batches().counts("C-2"));
    EXPECT_EQ(counts, (std::vector<std::pair<std::string, std::int64_t>>{{"approved", 3}}));
    last->state = "lifted";
    TRY(tx.measures().update(*last));
    TRY_ASSIGN(const auto of_token, view.measures().of_token("n26-0009"));
    EXPECT_EQ(of_token.size(), 1U);
    EXPECT_EQ(of_token.front().state, "lifted");
    TRY_ASSIGN(const auto lifted, view.card_batches().counts("C-2"));
    EXPECT_EQ(lifted, (std::vector<std::pair<std::string, std::int64_t>>{{"approved", 2}, {"lifted", 1}}));
    // One that was being read is read from its beginning.
    TRY_ASSIGN(const auto reading, view.card_batches().by_id("C-3"));
    EXPECT_EQ(reading->offset, 0);
    EXPECT_EQ(reading->members, 0);
    // What is over ends: rows and what stands in the list alone.
    TRY_ASSIGN(const auto ended, tx.card_batches().lapse_due(WallMs{200}, 10));
    EXPECT_EQ(ended, (std::vector<std::pair<std::string, std::int64_t>>{{"C-2", 2}}));
    return {};
  });
  EXPECT_TRUE(looked.ok()) << looked.error().text();
  EXPECT_TRUE(store->check().ok());
}

TEST(SqliteStore, CasesOfAnOlderFileGetTheTitleOfTheirAlertInBothLanguages) {
  Box box;
  const auto named = [](int i, const std::string& title) {
    return fmt::format(
        "INSERT INTO cases VALUES ({0}, 'K-{0}', 'PD-{0}', '{1}', 'found', '', 'III', '', 'burst_call', '', 'standard',"
        " 1, 70, '', 'li', 'number', '', 'n26-x', '', 0, 0, NULL, NULL, NULL, 0, 1, 0);"
        "INSERT INTO alerts VALUES ({0}, 'A-{0}', 'burst_calling', 't', '高频外呼', 'Burst calling', 'in_case', "
        "'number',"
        " '', '', '', '', '', 'K-{0}', '', 70, 0.8, 0, 0, 1, 1, 1, 0, 0, '', '{{}}');",
        i, title);
  };
  older_file(box, 5, named(1, "高频外呼") + named(2, "Burst calling") + named(3, "西宁群呼"));
  auto store = box.must_open();
  ASSERT_NE(store, nullptr);
  const auto looked = store->read([&](const View& view) -> Result<> {
    for (const auto& [id, zh, en] : {std::tuple{"K-1", "高频外呼", "Burst calling"},
                                     {"K-2", "高频外呼", "Burst calling"},
                                     {"K-3", "西宁群呼", "西宁群呼"}}) {
      TRY_ASSIGN(const auto row, view.cases().by_id(id));
      EXPECT_EQ(row->title_zh, zh);
      EXPECT_EQ(row->title_en, en);
    }
    return {};
  });
  EXPECT_TRUE(looked.ok()) << looked.error().text();
}

TEST(SqliteStore, PositionsNeverGoBackAndCountersAdd) {
  Box box;
  auto store = box.must_open();
  ASSERT_TRUE(store
                  ->write([](Tx& tx) -> Result<> {
                    TRY(tx.consumers().advance("detect", 10));
                    TRY(tx.consumers().advance("detect", 10));
                    EXPECT_EQ(tx.consumers().advance("detect", 9).error().code, Errc::kConflict);
                    TRY_ASSIGN(const auto one, tx.values().add("n", 1));
                    TRY_ASSIGN(const auto six, tx.values().add("n", 5));
                    EXPECT_EQ(one, 1);
                    EXPECT_EQ(six, 6);
                    return {};
                  })
                  .ok());
}

TEST(SqliteStore, CaseVersionGuardsAgainstLostUpdates) {
  Box box;
  auto store = box.must_open();
  CaseRow row;
  row.id = "C-1";
  row.number = "PD-1";
  row.state = "found";
  ASSERT_TRUE(store->write([&](Tx& tx) { return tx.cases().insert(row); }).ok());
  ASSERT_TRUE(store->write([&](Tx& tx) { return tx.cases().update(row); }).ok());
  EXPECT_EQ(store->write([&](Tx& tx) { return tx.cases().update(row); }).error().code, Errc::kConflict);
}

}  // namespace
}  // namespace pandun::store
