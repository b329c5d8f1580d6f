// What a back-test adds once it knows whom was touched: what they had done before, and what the records say of them.
#pragma once

#include <stop_token>
#include <vector>

#include "casework/identities.h"
#include "eventlog/local/history.h"
#include "server/backtest.h"
#include "server/backtest_tally.h"

namespace pandun::server {

// Reads the log once more for the 24 hours before each first hit. tallies[i] belongs to report.subjects[i].
Result<> add_delays(const eventlog::LogHistory& history, BacktestReport& report,
                    const std::vector<const Tally*>& tallies, const std::stop_token& stop);

// Alerts of other detectors, cases, measures and appeals about the same entities.
Result<> add_known(const store::Store& store, const casework::Identities& identities, BacktestReport& report,
                   const std::vector<const Tally*>& tallies, const std::stop_token& stop);

}  // namespace pandun::server
