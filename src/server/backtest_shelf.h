// Back-tests that were kept: in the records store, each with who asked for it, in the audit chain with it.
//
// Shape    values "backtest.<id>" (the report) and "backtests" (one line each, newest last, at most kKept: older reports go).
// Threads  as the store.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "api/rules_port.h"
#include "guard/audit.h"
#include "server/backtest.h"
#include "store/store.h"

namespace pandun::server {

class BacktestShelf {
 public:
  static constexpr std::size_t kKept = 300;
  BacktestShelf(store::Store& store, const guard::Audit& audit) : store_(store), audit_(audit) {}

  Result<> keep(const BacktestReport& report) const;
  Result<std::vector<api::BacktestEntry>> list() const;   // newest first; `fresh` is not filled in
  Result<std::string> find(const std::string& id) const;  // kNotFound

 private:
  store::Store& store_;
  const guard::Audit& audit_;
};

// All of them, newest first, of a store that is only read.
Result<std::vector<api::BacktestEntry>> kept_back_tests(const store::Store& store);

}  // namespace pandun::server
