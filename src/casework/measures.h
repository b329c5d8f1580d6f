// What the steps of a workflow do to a measure. Inside casework only.
#pragma once

#include "casework/case_desk.h"
#include "store/store.h"

namespace pandun::casework {

// True when the case moves on; false when the step is done but the case stays (one approval of two).
Result<bool> apply_effect(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::CaseRow& row,
                          const WorkflowAction& action, const ActionInput& input);

inline constexpr std::string_view kReverify = "reverify";  // the kind of measure that comes to a result

// Is this a proposal that the law library allows for this kind of entity?
struct CheckedTerms {
  const guard::MeasureKind* kind = nullptr;
  const guard::Ground* ground = nullptr;
  WallMs expires_at;
};
Result<CheckedTerms> check_terms(const DeskParts& parts, const MeasureTerms& terms, const std::string& entity_kind);
// A measure with these terms, proposed now; the entity, approvals and batch are the caller's to fill in.
store::MeasureRow proposed_measure(const DeskParts& parts, const guard::Actor& actor, const std::string& case_id,
                                   const MeasureTerms& terms, const CheckedTerms& checked);
// kConflict where nothing can be proposed: before the finding is confirmed, or once the case is over.
Result<> may_propose_in(const DeskParts& parts, const store::CaseRow& row);
// kNotAllowed: the kind is reserved to a role that the actor lacks (content/grounds/, `approver`).
Result<> check_approver_role(const DeskParts& parts, const guard::Actor& actor, const std::string& kind);
// A re-verification that was approved must come to a result in time.
void start_check(const DeskParts& parts, store::MeasureRow& measure, WallMs now);
Result<store::MeasureRow> need_measure(const store::View& view, const std::string& id);
bool is_live(const store::MeasureRow& measure);  // it limits or will: approved, ordered, in force, appealed
bool decided_on(const store::MeasureRow& measure, const std::string& person);  // proposed or approved it

// Appeals, inside the caller's transaction. The measure stands at "appealed" until decide or lapse.
Result<store::AppealRow> open_appeal(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor,
                                     store::MeasureRow& measure, const NewAppeal& wish);
// Closes the open appeal of the measure, if there is one. The measure itself is the caller's.
Result<> close_appeal(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor,
                      const store::MeasureRow& measure, std::string_view outcome, const std::string& reason,
                      const std::string& repair);
// Where a case stands none of whose measures lives any more: lifted.
Result<> settle_case(const DeskParts& parts, store::Tx& tx, const std::string& case_id);
Result<> lapse_appeals(const DeskParts& parts, store::Tx& tx, TickReport& report);
Result<> lapse_checks(const DeskParts& parts, store::Tx& tx, TickReport& report);

// Puts the order to apply or lift the measure into the outgoing queue; the second time it is there already.
Result<> queue_order(const DeskParts& parts, store::Tx& tx, const store::MeasureRow& measure,
                     const std::string& case_number, std::string_view verb);

}  // namespace pandun::casework
