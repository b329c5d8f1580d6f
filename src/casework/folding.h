// Signals into stored alerts, incidents and cases, inside one transaction. Inside casework only.
#pragma once

#include <span>
#include <string>

#include "casework/case_desk.h"
#include "store/store.h"

namespace pandun::casework {

Result<IngestReport> fold_batch(const DeskParts& parts, store::Tx& tx, std::span<const model::Signal> signals,
                                const std::string& consumer, std::uint64_t position);

Result<IngestReport> fold_finding(const DeskParts& parts, store::Tx& tx, const model::Signal& finding,
                                  const DetectorFacts& facts);

// Puts an alert into a case: state, entities, severity. The case row is changed, not written.
Result<> attach_alert(const DeskParts& parts, store::Tx& tx, store::CaseRow& row, store::AlertRow& alert);

// The incident an alert belongs to: joined, merged or made. Sets alert.incident_id (not written here).
Result<> place_in_incident(const DeskParts& parts, store::Tx& tx, store::AlertRow& alert);
Result<> describe_incident(const DeskParts& parts, store::Tx& tx, const std::string& incident_id);

}  // namespace pandun::casework
