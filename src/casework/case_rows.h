// Stored rows as views, and back. Inside casework only.
#pragma once

#include <string>
#include <vector>

#include "casework/case_desk.h"
#include "casework/views.h"
#include "store/store.h"

namespace pandun::casework {

std::optional<model::EntityKind> parse_entity_kind(std::string_view text);
ShownEntity entity_of(const std::string& kind, const std::string& value, const std::string& token,
                      const std::string& note);
// What an entity is looked up by in the store: its token, or its value when it has none.
const std::string& key_of(const ShownEntity& entity);

AlertSummary summary_of(const store::AlertRow& row);
// Fills everything but seq, state and ids of incident and case.
void fill_row(store::AlertRow& row, const model::Alert& alert);
IncidentSummary summary_of(const store::IncidentRow& row);
CaseSummary summary_of(const store::CaseRow& row, const Workflow& workflow, WallMs now);
GroundView ground_view(const guard::Ground* ground, const std::string& id);
NoteView note_view(const store::NoteRow& row);
EvidenceView evidence_view(const store::EvidenceRow& row);

// "+8613800138000" back to its key; anything else has none.
model::NumberKey number_of_text(const std::string& text);
Result<MeasureView> measure_view(const DeskParts& parts, const store::View& view, const store::MeasureRow& row);
Result<BatchSummary> batch_summary(const DeskParts& parts, const store::View& view, const store::BatchRow& row);

Result<AlertView> alert_view(const DeskParts& parts, const store::View& view, const store::AlertRow& row);
Result<CaseView> make_case_view(const DeskParts& parts, const store::View& view, const guard::Actor& actor,
                                const store::CaseRow& row);

}  // namespace pandun::casework
