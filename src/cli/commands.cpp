#include "cli/commands.h"

namespace pandun::cli {

const std::vector<const Command*>& commands() {
  static const std::vector<const Command*> kAll{
      &kServe,          &kReplay,        &kBacktest,    &kRulesList,   &kSimulate,      &kCheck,
      &kListParts,      &kExplain,       &kIntelImport, &kIntelMatch,  &kIntelList,     &kRegistryOwner,
      &kLearnTrain,     &kLearnEvaluate, &kLearnScore,  &kLearnList,   &kLearnPromote,  &kArchiveQuery,
      &kAuditExport,    &kAuditVerify,   &kDbBackup,    &kDbCheck,     &kMeasuresLoad,  &kMeasuresImport,
      &kMeasuresExport, &kLeadsPartners, &kLeadsImport, &kLeadsExport, &kLeadsFeedback, &kLeadsStatus,
      &kVersion};
  return kAll;
}

}  // namespace pandun::cli
