#include "casework/workflow.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "guard/content_reader.h"

namespace pandun::casework {
namespace {

using guard::ContentNode;
using guard::Faults;

constexpr std::array<std::string_view, 3> kStateKinds{"open", "wait", "done"};
constexpr std::array<std::string_view, 12> kEffects{
    "none",   "propose_measure", "approve_measure", "refuse_measure", "order_measure", "acknowledge",
    "verify", "appeal",          "reject_appeal",   "lift",           "close",         "reopen"};
constexpr std::array<std::string_view, 3> kFieldTypes{"text", "choice", "datetime"};
constexpr std::array<std::string_view, 3> kChoiceLists{"measure_kinds", "grounds", "categories"};
constexpr std::string_view kPrevious = "@previous";

// The place of `word` in `names`, or a fault that lists them.
template <std::size_t N>
std::size_t one_of(const std::array<std::string_view, N>& names, const std::string& word, const ContentNode& node,
                   std::string_view what, Faults& faults) {
  const auto it = std::find(names.begin(), names.end(), word);
  if (it != names.end()) return static_cast<std::size_t>(it - names.begin());
  faults.add(node, fmt::format("{} '{}' is not one of: {}", what, word, fmt::join(names, ", ")));
  return 0;
}

WorkflowState read_state(const ContentNode& node, Faults& faults) {
  faults.only(node, {"id", "zh", "en", "kind", "relapse"});
  WorkflowState state;
  state.id = faults.text(node, "id");
  state.title = faults.local(node);
  state.kind = static_cast<StateKind>(one_of(kStateKinds, faults.text(node, "kind"), node, "kind", faults));
  state.relapse = faults.boolean(node, "relapse", false);
  return state;
}

WorkflowField read_field(const ContentNode& node, Faults& faults) {
  faults.only(node, {"name", "zh", "en", "type", "required", "choices", "choices_from"});
  WorkflowField field;
  field.name = faults.text(node, "name");
  field.title = faults.local(node);
  field.type = static_cast<FieldType>(one_of(kFieldTypes, faults.text(node, "type"), node, "type", faults));
  field.required = faults.boolean(node, "required", false);
  field.choices = faults.texts(node, "choices");
  field.choices_from = faults.text(node, "choices_from", false);
  if (!field.choices_from.empty()) one_of(kChoiceLists, field.choices_from, node, "choices_from", faults);
  if (field.type == FieldType::kChoice && field.choices.empty() && field.choices_from.empty()) {
    faults.add(node, "a choice needs 'choices' or 'choices_from'");
  }
  return field;
}

void check_clocks(const std::vector<std::string>& clocks, const std::vector<std::string>& known,
                  const ContentNode& node, Faults& faults) {
  for (const std::string& clock : clocks) {
    if (std::find(known.begin(), known.end(), clock) == known.end()) {
      faults.add(node, fmt::format("clock '{}' is not in the clock table ({})", clock, fmt::join(known, ", ")));
    }
  }
}

void need_fields(const WorkflowAction& action, std::initializer_list<std::string_view> names, const ContentNode& node,
                 Faults& faults) {
  for (const std::string_view name : names) {
    const bool has = std::any_of(action.fields.begin(), action.fields.end(),
                                 [&](const WorkflowField& field) { return field.name == name; });
    if (!has)
      faults.add(
          node, fmt::format("effect '{}' needs a field '{}'", kEffects[static_cast<std::size_t>(action.effect)], name));
  }
}

// Whatever a site writes into its workflow, these rules hold (safeguards 6 and 8).
void check_safeguards(const WorkflowAction& action, const ContentNode& node, Faults& faults) {
  using guard::Right;
  const auto need_right = [&](std::initializer_list<Right> rights) {
    if (std::find(rights.begin(), rights.end(), action.right) != rights.end()) return;
    std::vector<std::string_view> names;
    for (const Right right : rights) names.push_back(guard::info(right).name);
    faults.add(node, fmt::format("effect '{}' needs the right {}", kEffects[static_cast<std::size_t>(action.effect)],
                                 fmt::join(names, " or ")));
  };
  switch (action.effect) {
    case Effect::kProposeMeasure:
      need_right({Right::kMeasurePropose});
      need_fields(
          action,
          {"kind", "category", "ground", "scope", "reason", "expires_at", "notice", "appeal_channel", "skip_reason"},
          node, faults);
      break;
    case Effect::kApproveMeasure:
    case Effect::kRejectAppeal:
      need_right(action.effect == Effect::kApproveMeasure ? std::initializer_list<Right>{Right::kMeasureApprove}
                                                          : std::initializer_list<Right>{Right::kAppealDecide});
      if (!action.second_person)
        faults.add(node, "this step needs second_person = true: nobody decides on their own proposal");
      break;
    case Effect::kRefuseMeasure:
      need_right({Right::kMeasureApprove});
      break;
    case Effect::kOrderMeasure:
      need_right({Right::kMeasureOrder, Right::kMeasureApprove});
      break;
    case Effect::kLift:
      need_right({Right::kMeasureOrder, Right::kMeasureApprove, Right::kAppealDecide});
      break;
    default:
      break;
  }
}

WorkflowAction read_action(const ContentNode& node, const std::vector<std::string>& clocks, Faults& faults) {
  faults.only(node, {"id", "zh", "en", "from", "to", "right", "second_person", "effect", "starts", "stops", "field"});
  WorkflowAction action;
  action.id = faults.text(node, "id");
  action.title = faults.local(node);
  action.from = faults.texts(node, "from", true);
  action.to = faults.text(node, "to");
  const std::string right = faults.text(node, "right");
  if (const auto parsed = guard::parse_right(right)) {
    action.right = *parsed;
  } else if (!right.empty()) {
    faults.add(node, fmt::format("'{}' is not a right", right));
  }
  action.second_person = faults.boolean(node, "second_person", false);
  const std::string effect = faults.text(node, "effect", false);
  if (!effect.empty()) action.effect = static_cast<Effect>(one_of(kEffects, effect, node, "effect", faults));
  action.starts = faults.texts(node, "starts");
  action.stops = faults.texts(node, "stops");
  check_clocks(action.starts, clocks, node, faults);
  check_clocks(action.stops, clocks, node, faults);
  for (const ContentNode& field : faults.tables(node, "field", false)) {
    WorkflowField read = read_field(field, faults);
    for (const WorkflowField& other : action.fields) {
      if (other.name == read.name) faults.add(field, fmt::format("field '{}' is given twice", read.name));
    }
    action.fields.push_back(std::move(read));
  }
  check_safeguards(action, node, faults);
  return action;
}

// States that `seeds` lead to by any actions, forwards or backwards.
std::set<std::string> closure(std::set<std::string> seeds, const std::vector<WorkflowAction>& actions, bool forwards) {
  bool grew = true;
  while (grew) {
    grew = false;
    for (const WorkflowAction& action : actions) {
      if (action.to == kPrevious) continue;
      for (const std::string& from : action.from) {
        const std::string& have = forwards ? from : action.to;
        const std::string& gain = forwards ? action.to : from;
        if (seeds.contains(have)) grew |= seeds.insert(gain).second;
      }
    }
  }
  return seeds;
}

}  // namespace

std::string_view name(StateKind kind) {
  return kStateKinds[static_cast<std::size_t>(kind)];
}
std::string_view name(Effect effect) {
  return kEffects[static_cast<std::size_t>(effect)];
}

Result<Workflow> Workflow::parse(std::string_view toml, const std::string& file,
                                 const std::vector<std::string>& clock_ids) {
  TRY_ASSIGN(const ContentNode root, guard::parse_content(toml, file));
  Faults faults(file);
  faults.only(root, {"name", "version", "initial", "initial_clocks", "relapse_to", "lapse_to", "lifted", "verified",
                     "batch_members_from", "batch_never_from", "risk_high", "risk_medium", "protected_risk_min",
                     "state", "action"});
  Workflow workflow;
  workflow.name_ = faults.text(root, "name");
  workflow.version_ = faults.integer(root, "version", 1, 1, 1'000'000);
  workflow.initial_clocks_ = faults.texts(root, "initial_clocks");
  check_clocks(workflow.initial_clocks_, clock_ids, root, faults);

  BatchRules& batches = workflow.batches_;
  batches.members_from = faults.texts(root, "batch_members_from");
  batches.never_from = faults.texts(root, "batch_never_from");
  batches.risk_high = static_cast<int>(faults.integer(root, "risk_high", 60, 1, 100));
  batches.risk_medium = static_cast<int>(faults.integer(root, "risk_medium", 35, 0, 100));
  batches.protected_risk_min = static_cast<int>(faults.integer(root, "protected_risk_min", 75, 0, 100));
  if (batches.risk_medium > batches.risk_high) faults.add(root, "'risk_medium' is above 'risk_high'");
  if (batches.protected_risk_min < batches.risk_high)
    faults.add(root, "'protected_risk_min' is below 'risk_high': protected groups need the stricter threshold");

  for (const ContentNode& node : faults.tables(root, "state")) {
    WorkflowState state = read_state(node, faults);
    if (workflow.state(state.id) != nullptr) faults.add(node, fmt::format("state '{}' is given twice", state.id));
    workflow.states_.push_back(std::move(state));
  }
  for (const ContentNode& node : faults.tables(root, "action")) {
    WorkflowAction action = read_action(node, clock_ids, faults);
    if (workflow.action(action.id) != nullptr) faults.add(node, fmt::format("action '{}' is given twice", action.id));
    for (const std::string& from : action.from) {
      if (workflow.state(from) == nullptr) faults.add(node, fmt::format("'from' names the unknown state '{}'", from));
    }
    if (action.to != kPrevious && workflow.state(action.to) == nullptr) {
      faults.add(node, fmt::format("'to' names the unknown state '{}'", action.to));
    }
    workflow.actions_.push_back(std::move(action));
  }
  const auto root_state = [&](std::string_view key) {
    std::string id = faults.text(root, key);
    if (!id.empty() && workflow.state(id) == nullptr)
      faults.add(root, fmt::format("'{}' names the unknown state '{}'", key, id));
    return id;
  };
  workflow.initial_ = root_state("initial");
  workflow.relapse_to_ = root_state("relapse_to");
  workflow.lapse_to_ = root_state("lapse_to");
  workflow.lifted_ = root_state("lifted");
  workflow.verified_ = root_state("verified");

  std::set<std::string> done;
  for (const WorkflowState& state : workflow.states_) {
    if (state.kind == StateKind::kDone) done.insert(state.id);
  }
  const std::set<std::string> reached =
      closure({workflow.initial_, workflow.relapse_to_, workflow.lapse_to_, workflow.lifted_, workflow.verified_},
              workflow.actions_, true);
  const std::set<std::string> ending = closure(done, workflow.actions_, false);
  for (const WorkflowState& state : workflow.states_) {
    if (!reached.contains(state.id)) faults.add(root, fmt::format("no action leads to the state '{}'", state.id));
    if (!ending.contains(state.id)) faults.add(root, fmt::format("a case in the state '{}' can never end", state.id));
  }
  TRY(faults.result());
  return workflow;
}

const WorkflowState* Workflow::state(std::string_view id) const {
  const auto it =
      std::find_if(states_.begin(), states_.end(), [&](const WorkflowState& state) { return state.id == id; });
  return it == states_.end() ? nullptr : &*it;
}

const WorkflowAction* Workflow::action(std::string_view id) const {
  const auto it =
      std::find_if(actions_.begin(), actions_.end(), [&](const WorkflowAction& action) { return action.id == id; });
  return it == actions_.end() ? nullptr : &*it;
}

bool Workflow::is_step(std::string_view from, const WorkflowAction& action) {
  return std::find(action.from.begin(), action.from.end(), from) != action.from.end();
}

const WorkflowAction* Workflow::step_with(Effect effect, std::string_view from) const {
  const auto it = std::find_if(actions_.begin(), actions_.end(), [&](const WorkflowAction& action) {
    return action.effect == effect && is_step(from, action);
  });
  return it == actions_.end() ? nullptr : &*it;
}

}  // namespace pandun::casework
