// The store: what must not be lost. Ports only; sqlite/sqlite_store.h is the embedded adapter.
//
// Unit     write() runs `work` in one transaction: everything in it is kept, durably, or nothing is. `work` must not keep the
//          Tx. A failing `work` rolls back and its error is returned.
// Threads  thread-safe: one writer at a time, readers beside it, each read() on one consistent snapshot.
// Errors   kIo (disk full, read-only, I/O), kUnavailable (locked longer than the busy time; retryable), kCorrupt, kConflict.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "store/accounts.h"
#include "store/alerts.h"
#include "store/audit.h"
#include "store/card_batches.h"
#include "store/cases.h"
#include "store/leads.h"
#include "store/vault.h"

namespace pandun::store {

class View {
 public:
  virtual ~View() = default;
  virtual const Users& users() const = 0;
  virtual const Sessions& sessions() const = 0;
  virtual const ApiTokens& api_tokens() const = 0;
  virtual const Alerts& alerts() const = 0;
  virtual const Incidents& incidents() const = 0;
  virtual const Cases& cases() const = 0;
  virtual const Measures& measures() const = 0;
  virtual const Batches& batches() const = 0;
  virtual const CardBatches& card_batches() const = 0;
  virtual const Appeals& appeals() const = 0;
  virtual const CaseFiles& case_files() const = 0;
  virtual const Orders& orders() const = 0;
  virtual const Leads& leads() const = 0;
  virtual const VaultRows& vault() const = 0;
  virtual const AuditRows& audit() const = 0;
  virtual const KeyValues& values() const = 0;
  virtual const Consumers& consumers() const = 0;
};

class Tx : public View {
 public:
  using View::alerts, View::api_tokens, View::appeals, View::audit, View::batches, View::card_batches, View::case_files,
      View::cases, View::consumers, View::incidents, View::leads, View::measures, View::orders, View::sessions,
      View::users, View::values, View::vault;
  virtual Users& users() = 0;
  virtual Sessions& sessions() = 0;
  virtual ApiTokens& api_tokens() = 0;
  virtual Alerts& alerts() = 0;
  virtual Incidents& incidents() = 0;
  virtual Cases& cases() = 0;
  virtual Measures& measures() = 0;
  virtual Batches& batches() = 0;
  virtual CardBatches& card_batches() = 0;
  virtual Appeals& appeals() = 0;
  virtual CaseFiles& case_files() = 0;
  virtual Orders& orders() = 0;
  virtual Leads& leads() = 0;
  virtual VaultRows& vault() = 0;
  virtual AuditRows& audit() = 0;
  virtual KeyValues& values() = 0;
  virtual Consumers& consumers() = 0;
};

struct StoreStatus {
  std::string adapter, path;
  int schema_version = 0;
  std::int64_t bytes = 0, wal_bytes = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  virtual Result<> write(const std::function<Result<>(Tx&)>& work) = 0;
  virtual Result<> read(const std::function<Result<>(const View&)>& work) const = 0;
  // A complete, verified copy made while the store goes on working. `file` must not exist: kConflict.
  virtual Result<> backup(const std::string& file) = 0;
  virtual Result<> check() const = 0;  // kCorrupt names the first fault
  virtual StoreStatus status() const = 0;
};

}  // namespace pandun::store
