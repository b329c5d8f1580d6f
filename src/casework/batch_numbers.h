// The numbers a case is about, each with its risk. Inside casework only.
#pragma once

#include <string>
#include <vector>

#include "casework/case_desk.h"
#include "store/store.h"

namespace pandun::casework {

inline constexpr std::size_t kBatchMax = 500;

// Subjects of the case's alerts, and members named by detectors whose peers are suspected themselves; never those they called.
// By risk, then token; at most kBatchMax.
Result<std::vector<BatchNumber>> numbers_of_case(const DeskParts& parts, const store::View& view,
                                                 const std::string& case_id);
std::string risk_grade(const DeskParts& parts, int risk);

}  // namespace pandun::casework
