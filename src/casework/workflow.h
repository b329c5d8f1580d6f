// A workflow is data: states, and the actions that lead from one to another. content/workflows/*.toml.
//
// Errors   parse: kBadConfig with every fault as file:line:column: unknown state, right, effect, clock or field type,
//          an unreachable state, a state that cannot come to an end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guard/rights.h"
#include "model/signal.h"

namespace pandun::casework {

enum class StateKind : std::uint8_t { kOpen, kWait, kDone };
std::string_view name(StateKind kind);

// What the desk does besides the step itself. A closed list: data can use these, not invent others.
enum class Effect : std::uint8_t {
  kNone,
  kProposeMeasure,  // needs kind, ground, category, scope, reason, expires_at…
  kApproveMeasure,  // a second person; a third for protected groups
  kRefuseMeasure,
  kOrderMeasure,  // puts the order into the outgoing queue
  kAcknowledge,   // starts the verification period
  kVerify,
  kAppeal,        // the affected party's appeal is recorded
  kRejectAppeal,  // by somebody who neither proposed nor approved
  kLift,          // ends the measure at once and orders it lifted
  kClose,
  kReopen,
};
std::string_view name(Effect effect);

enum class FieldType : std::uint8_t { kText, kChoice, kDatetime };

struct WorkflowField {
  std::string name;
  model::LocalText title;
  FieldType type = FieldType::kText;
  bool required = false;
  std::string choices_from;  // "measure_kinds", "grounds", "categories" or empty
  std::vector<std::string> choices;
};

struct WorkflowAction {
  std::string id;
  model::LocalText title;
  std::vector<std::string> from;
  std::string to;  // a state, or "@previous": where the case stood before this state
  guard::Right right = guard::Right::kTriage;
  bool second_person = false;  // not the one who proposed the measure
  Effect effect = Effect::kNone;
  std::vector<WorkflowField> fields;
  std::vector<std::string> starts, stops;  // clock ids
};

struct WorkflowState {
  std::string id;
  model::LocalText title;
  StateKind kind = StateKind::kOpen;
  bool relapse = false;  // a later sighting reopens a case that stands here
};

class Workflow {
 public:
  // `clock_ids` are those of the clock table that will be used with it.
  static Result<Workflow> parse(std::string_view toml, const std::string& file,
                                const std::vector<std::string>& clock_ids);
  const std::string& name() const { return name_; }
  std::int64_t version() const { return version_; }
  const std::string& initial() const { return initial_; }
  const std::string& relapse_to() const { return relapse_to_; }
  const std::string& lapse_to() const {
    return lapse_to_;
  }  // where a case stands whose measure lapsed before it was ordered
  const std::string& lifted() const { return lifted_; }      // where it stands when the measure was lifted by rule
  const std::string& verified() const { return verified_; }  // where quiet leads a case that was acknowledged
  const std::vector<std::string>& initial_clocks() const { return initial_clocks_; }
  // Of batches: whose peers are suspected themselves and not those they call; bounds of the risk grades (0..100); below
  // protected_risk_min a number of a protected group is left out.
  struct BatchRules {
    std::vector<std::string> members_from, never_from;  // never: whose alerts are about victims
    int risk_high = 60, risk_medium = 35, protected_risk_min = 75;
  };
  const BatchRules& batches() const { return batches_; }
  const std::vector<WorkflowState>& states() const { return states_; }
  const std::vector<WorkflowAction>& actions() const { return actions_; }
  const WorkflowState* state(std::string_view id) const;
  const WorkflowAction* action(std::string_view id) const;
  static bool is_step(std::string_view from, const WorkflowAction& action);
  const WorkflowAction* step_with(Effect effect, std::string_view from) const;

 private:
  std::string name_, initial_, relapse_to_, lapse_to_, lifted_, verified_;
  std::int64_t version_ = 1;
  std::vector<std::string> initial_clocks_;
  BatchRules batches_;
  std::vector<WorkflowState> states_;
  std::vector<WorkflowAction> actions_;
};

}  // namespace pandun::casework
