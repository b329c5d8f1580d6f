#include "store/sqlite/sqlite_store.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <mutex>
#include <vector>

#include "platform/file_system.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/migrations.h"
#include "store/sqlite/tables.h"

namespace pandun::store {
namespace {

constexpr std::size_t kReadersKept = 8;

class SqliteTx final : public Tx {
 public:
  explicit SqliteTx(Connection& db)
      : users_(db),
        sessions_(db),
        api_tokens_(db),
        alerts_(db),
        incidents_(db),
        cases_(db),
        measures_(db),
        batches_(db),
        card_batches_(db),
        appeals_(db),
        case_files_(db),
        orders_(db),
        leads_(db),
        vault_(db),
        audit_(db),
        values_(db),
        consumers_(db) {}

  const Users& users() const override { return users_; }
  const Sessions& sessions() const override { return sessions_; }
  const ApiTokens& api_tokens() const override { return api_tokens_; }
  const Alerts& alerts() const override { return alerts_; }
  const Incidents& incidents() const override { return incidents_; }
  const Cases& cases() const override { return cases_; }
  const Measures& measures() const override { return measures_; }
  const Batches& batches() const override { return batches_; }
  const CardBatches& card_batches() const override { return card_batches_; }
  const Appeals& appeals() const override { return appeals_; }
  const CaseFiles& case_files() const override { return case_files_; }
  const Orders& orders() const override { return orders_; }
  const Leads& leads() const override { return leads_; }
  const VaultRows& vault() const override { return vault_; }
  const AuditRows& audit() const override { return audit_; }
  const KeyValues& values() const override { return values_; }
  const Consumers& consumers() const override { return consumers_; }
  Users& users() override { return users_; }
  Sessions& sessions() override { return sessions_; }
  ApiTokens& api_tokens() override { return api_tokens_; }
  Alerts& alerts() override { return alerts_; }
  Incidents& incidents() override { return incidents_; }
  Cases& cases() override { return cases_; }
  Measures& measures() override { return measures_; }
  Batches& batches() override { return batches_; }
  CardBatches& card_batches() override { return card_batches_; }
  Appeals& appeals() override { return appeals_; }
  CaseFiles& case_files() override { return case_files_; }
  Orders& orders() override { return orders_; }
  Leads& leads() override { return leads_; }
  VaultRows& vault() override { return vault_; }
  AuditRows& audit() override { return audit_; }
  KeyValues& values() override { return values_; }
  Consumers& consumers() override { return consumers_; }

 private:
  SqliteUsers users_;
  SqliteSessions sessions_;
  SqliteApiTokens api_tokens_;
  SqliteAlerts alerts_;
  SqliteIncidents incidents_;
  SqliteCases cases_;
  SqliteMeasures measures_;
  SqliteBatches batches_;
  SqliteCardBatches card_batches_;
  SqliteAppeals appeals_;
  SqliteCaseFiles case_files_;
  SqliteOrders orders_;
  SqliteLeads leads_;
  SqliteVault vault_;
  SqliteAudit audit_;
  SqliteValues values_;
  SqliteConsumers consumers_;
};

Result<> pragma_check(Connection& db, const char* pragma, const std::string& path) {
  std::string first;
  TRY(db.query(pragma, {}, [&](const Row& row) {
    if (first.empty()) first = row.text(0);
  }));
  if (first == "ok") return {};
  return error(Errc::kCorrupt, path, "the database is damaged: " + first);
}

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, SqliteOptions options, std::unique_ptr<Connection> writer, int version)
      : path_(std::move(path)), options_(std::move(options)), writer_(std::move(writer)), version_(version) {
    writer_->set_fault(options_.fault);
  }

  Result<> write(const std::function<Result<>(Tx&)>& work) override {
    const std::lock_guard lock(writer_mutex_);
    TRY(reopen_if_lost());
    TRY(writer_->run("BEGIN IMMEDIATE", {}));
    SqliteTx tx(*writer_);
    Result<> done = work(tx);
    if (done.ok()) done = writer_->run("COMMIT", {});
    if (!done.ok()) roll_back();
    return done;
  }

  Result<> read(const std::function<Result<>(const View&)>& work) const override {
    TRY_ASSIGN(std::unique_ptr<Connection> reader, take_reader());
    TRY(reader->script("BEGIN"));
    const SqliteTx view(*reader);
    Result<> done = work(view);
    // A reader that cannot end its snapshot is thrown away instead of given back.
    if (reader->script("COMMIT").ok()) give_back(std::move(reader));
    return done;
  }

  Result<> backup(const std::string& file) override;
  Result<> check() const override {
    TRY_ASSIGN(std::unique_ptr<Connection> reader, take_reader());
    TRY(pragma_check(*reader, "PRAGMA integrity_check(1)", path_));
    std::int64_t orphans = 0;
    TRY(reader->query("PRAGMA foreign_key_check", {}, [&](const Row&) { ++orphans; }));
    give_back(std::move(reader));
    if (orphans == 0) return {};
    return error(Errc::kCorrupt, path_, fmt::format("{} rows point at rows that are gone", orphans));
  }

  StoreStatus status() const override {
    StoreStatus status{"sqlite", path_, version_, 0, 0};
    if (auto info = platform::posix_files().info(path_); info.ok()) {
      status.bytes = static_cast<std::int64_t>(info->size);
    }
    if (auto info = platform::posix_files().info(path_ + "-wal"); info.ok()) {
      status.wal_bytes = static_cast<std::int64_t>(info->size);
    }
    return status;
  }

 private:
  Result<std::unique_ptr<Connection>> take_reader() const {
    {
      const std::lock_guard lock(readers_mutex_);
      if (!readers_.empty()) {
        std::unique_ptr<Connection> reader = std::move(readers_.back());
        readers_.pop_back();
        return reader;
      }
    }
    return Connection::connect(path_, Connection::Mode::kReadOnly, static_cast<int>(options_.busy_time.count()));
  }
  void give_back(std::unique_ptr<Connection> reader) const {
    const std::lock_guard lock(readers_mutex_);
    if (readers_.size() < kReadersKept) readers_.push_back(std::move(reader));
  }
  void roll_back() {
    if (!writer_->in_transaction()) return;  // SQLite itself rolled back (disk full, I/O error)
    if (!writer_->script("ROLLBACK").ok()) writer_.reset();
  }
  Result<> reopen_if_lost();

  const std::string path_;
  const SqliteOptions options_;
  std::mutex writer_mutex_;
  std::unique_ptr<Connection> writer_;
  const int version_;
  mutable std::mutex readers_mutex_;
  mutable std::vector<std::unique_ptr<Connection>> readers_;
};

Result<std::unique_ptr<Connection>> open_writer(const std::string& path, const SqliteOptions& options) {
  const auto mode = options.read_only ? Connection::Mode::kReadOnly : Connection::Mode::kReadWrite;
  TRY_ASSIGN(auto db, Connection::connect(path, mode, static_cast<int>(options.busy_time.count())));
  if (!options.read_only) TRY(db->script("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"));
  if (options.pages_max > 0) TRY(db->script(fmt::format("PRAGMA max_page_count = {}", options.pages_max)));
  return db;
}

Result<> SqliteStore::reopen_if_lost() {
  if (writer_ != nullptr) return {};
  TRY_ASSIGN(writer_, open_writer(path_, options_));
  writer_->set_fault(options_.fault);
  return {};
}

Result<> SqliteStore::backup(const std::string& file) {
  platform::FileSystem& files = platform::posix_files();
  if (files.info(file).ok()) return error(Errc::kConflict, file, "the file exists; name another");
  const std::string aside = file + ".part";
  {
    TRY_ASSIGN(auto source, take_reader());
    TRY_ASSIGN(auto target, Connection::connect(aside, Connection::Mode::kReadWrite, 0));
    sqlite3_backup* copy = sqlite3_backup_init(target->handle(), "main", source->handle(), "main");
    if (copy == nullptr) return error(Errc::kIo, aside, sqlite3_errmsg(target->handle()));
    int code = SQLITE_OK;
    while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) {
      code = sqlite3_backup_step(copy, 256);
      if (code == SQLITE_BUSY || code == SQLITE_LOCKED) sqlite3_sleep(5);
    }
    sqlite3_backup_finish(copy);
    if (code != SQLITE_DONE) {
      (void)files.remove(aside);
      return error(Errc::kIo, aside, fmt::format("the copy stopped: {}", sqlite3_errstr(code)));
    }
    TRY(target->script("PRAGMA journal_mode = DELETE"));
    TRY(pragma_check(*target, "PRAGMA integrity_check(1)", aside));
    give_back(std::move(source));
  }
  TRY(files.rename(aside, file));
  return files.sync_directory(platform::directory_of(file));
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(const std::string& path, const platform::Clock& clock,
                                           SqliteOptions options) {
  platform::FileSystem& files = platform::posix_files();
  if (!options.read_only && !files.info(path).ok()) {
    TRY_ASSIGN(auto made, files.create(path, 0600));  // SQLite itself would make it readable by others
    TRY(files.sync_directory(platform::directory_of(path)));
  }
  TRY_ASSIGN(auto db, open_writer(path, options));
  if (options.quick_check) TRY(pragma_check(*db, "PRAGMA quick_check(1)", path));
  int version = 0;
  if (options.read_only) {
    TRY_ASSIGN(version, schema_version(*db));
  } else {
    TRY_ASSIGN(version, migrate(*db, clock.wall().ms));
  }
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(path, std::move(options), std::move(db), version));
}

}  // namespace pandun::store
