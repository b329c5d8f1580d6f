// What the steps of a workflow do to a measure. Inside casework only.
#pragma once

#include "casework/case_desk.h"
#include "store/store.h"

namespace pandun::casework {

// True when the case moves on; false when the step is done but the case stays (one approval of two).
Result<bool> apply_effect(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::CaseRow& row,
                          const WorkflowAction& action, const ActionInput& input);

// Puts the order to apply or lift the measure into the outgoing queue; the second time it is there already.
Result<> queue_order(const DeskParts& parts, store::Tx& tx, const store::MeasureRow& measure,
                     const std::string& case_number, std::string_view verb);

}  // namespace pandun::casework
