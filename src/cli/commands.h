// Every subcommand, once. The order is the order of --help.
#pragma once

#include <vector>

#include "cli/command.h"

namespace pandun::cli {

const std::vector<const Command*>& commands();

extern const Command kServe, kReplay, kBacktest, kRulesList, kSimulate, kCheck, kListParts, kExplain, kIntelImport,
    kIntelMatch, kIntelList, kRegistryOwner, kLearnTrain, kLearnEvaluate, kLearnScore, kLearnList, kLearnPromote,
    kArchiveQuery, kAuditExport, kAuditVerify, kDbBackup, kDbCheck, kMeasuresLoad, kMeasuresImport, kMeasuresExport,
    kLeadsPartners, kLeadsImport, kLeadsExport, kLeadsFeedback, kLeadsStatus, kVersion;

}  // namespace pandun::cli
