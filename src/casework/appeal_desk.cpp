// The appeal desk: one number, one measure, a clock, a reviewer who decided nothing before, and lifting that is followed to
// the last carrier (safeguard 8).
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "casework/case_rows.h"
#include "casework/case_steps.h"
#include "casework/desk_writes.h"
#include "casework/measures.h"
#include "platform/random.h"

namespace pandun::casework {
namespace {

using guard::Actor;
using guard::Right;
using store::AppealRow;
using store::MeasureRow;

constexpr std::size_t kClaimMax = 4000;

Result<AppealRow> need_appeal(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.appeals().by_id(id));
  if (!row) return error(Errc::kNotFound, "appeal " + id.substr(0, 60), "there is no such appeal");
  return std::move(*row);
}

// The measure named, or the newest live one about the token.
Result<MeasureRow> measure_of(const store::View& view, const NewAppeal& wish) {
  if (!wish.measure_id.empty()) return need_measure(view, wish.measure_id);
  if (wish.token.empty()) return error(Errc::kUsage, "measure_id", "a measure, a decision or a token is needed");
  TRY_ASSIGN(const auto measures, view.measures().of_token(wish.token));
  for (const MeasureRow& measure : measures) {
    if (is_live(measure)) return measure;
  }
  return error(Errc::kNotFound, "token", "no measure about this number is in force");
}

// Late or not, an appeal is reviewed; the mark is for the statistics.
bool is_late(const DeskParts& parts, const MeasureRow& measure, WallMs now) {
  const WallMs from = measure.approved_at.value_or(measure.proposed_at);
  return parts.content.clocks.due(*parts.content.clocks.find("appeal_filing"), from) < now;
}

// Who must confirm that a measure is gone: every carrier that said it had applied it; nobody, when no order went out.
Result<> add_lifting(const store::View& view, const MeasureRow& measure, AppealView& out) {
  TRY_ASSIGN(const auto orders, view.orders().of_case(measure.case_id));
  std::map<std::string, CarrierLift> carriers;
  bool applied = false, lift_done = false;
  for (const store::OrderRow& order : orders) {
    if (order.measure_id != measure.id) continue;
    TRY_ASSIGN(const auto receipts, view.orders().receipts(order.id));
    const bool lifts = order.verb == "lift";
    applied = applied || !lifts;
    out.lift_ordered = out.lift_ordered || lifts;
    lift_done = lift_done || (lifts && (order.state == "acknowledged" || order.state == "done"));
    for (const store::ReceiptRow& receipt : receipts) {
      if (receipt.state == "failed") continue;
      CarrierLift& carrier = carriers[receipt.carrier];
      carrier.carrier = receipt.carrier;
      (lifts ? carrier.lifted : carrier.applied) = true;
    }
  }
  bool everywhere = true;
  for (const auto& [name, carrier] : carriers) {
    everywhere = everywhere && (carrier.lifted || !carrier.applied);
    out.carriers.push_back(carrier);
  }
  const bool ended = !is_live(measure) && measure.state != "proposed";
  out.lift_verified = ended && (!applied || (lift_done && everywhere));
  return {};
}

std::optional<LocalText> why_not_decide(const Actor& actor, const AppealRow& row, const MeasureRow& measure) {
  if (!guard::allows(actor, Right::kAppealDecide)) return LocalText{"需要审批角色", "needs the role approver"};
  if (decided_on(measure, actor.person))
    return LocalText{"提出人和批准人不能复核申诉，须由独立人员办理",
                     "who proposed or approved the measure cannot review the appeal: somebody independent must"};
  if (row.recorded_by == actor.person)
    return LocalText{"登记人不能复核同一申诉", "who recorded the appeal cannot review it"};
  return std::nullopt;
}

Result<AppealView> appeal_view(const DeskParts& parts, const store::View& view, const Actor& actor,
                               const AppealRow& row) {
  AppealView out;
  out.id = row.id;
  out.seq = row.seq;
  out.state = row.state;
  out.claim = row.claim;
  out.channel = row.channel;
  out.recorded_by = row.recorded_by;
  out.decision_id = row.decision_id;
  out.reviewer = row.reviewer;
  out.reason = row.reason;
  out.repair = row.repair;
  out.late = row.late;
  out.overdue = row.state == "open" && row.due_at < parts.clock.wall();
  out.received_at = row.received_at;
  out.due_at = row.due_at;
  out.decided_at = row.decided_at;
  TRY_ASSIGN(const MeasureRow measure, need_measure(view, row.measure_id));
  TRY_ASSIGN(const auto of_case, need_case(view, row.case_id));
  out.measure_id = measure.id;
  out.case_id = row.case_id;
  out.case_number = of_case.number;
  out.batch_id = measure.batch_id;
  out.kind = measure.kind;
  const guard::MeasureKind* kind = parts.content.laws.kind(measure.kind);
  out.title = kind != nullptr ? kind->title : LocalText{measure.kind, measure.kind};
  out.measure_state = measure.state;
  out.protected_group = measure.protected_group;
  out.entity = entity_of(measure.entity_kind, measure.entity_value, measure.entity_token, "");
  TRY(add_lifting(view, measure, out));
  if (row.state == "open") {
    out.why_not = why_not_decide(actor, row, measure);
    out.may_decide = !out.why_not;
  }
  return out;
}

Result<> check_decision(const AppealDecision& decision) {
  if (decision.outcome != "upheld" && decision.outcome != "partly" && decision.outcome != "rejected")
    return error(Errc::kUsage, "outcome", "upheld, partly or rejected");
  if (decision.reason.empty()) return error(Errc::kUsage, "reason", "this field is required");
  if (decision.outcome != "rejected" && decision.repair.empty())
    return error(Errc::kUsage, "repair", "say what went wrong and what is restored");
  if (decision.reason.size() > kClaimMax || decision.repair.size() > kClaimMax)
    return error(Errc::kTooLarge, "reason", fmt::format("at most {} bytes", kClaimMax));
  return {};
}

// Partly upheld: the measure ends earlier than it would have.
Result<> shorten(const DeskParts& parts, MeasureRow& measure, const std::string& text) {
  const auto at = parse_rfc3339(text);
  if (!at || *at <= parts.clock.wall().ms || *at >= measure.expires_at.ms)
    return error(Errc::kUsage, "expires_at", "a time later than now and earlier than the measure's present end");
  measure.expires_at = WallMs{*at};
  return {};
}

// The case's own step, where the measure is the case's own and the workflow has the step.
const WorkflowAction* own_step(const DeskParts& parts, const store::CaseRow& row, const MeasureRow& measure,
                               std::initializer_list<Effect> effects) {
  if (!measure.batch_id.empty()) return nullptr;
  for (const Effect effect : effects) {
    if (const WorkflowAction* step = parts.content.workflow.step_with(effect, row.state); step != nullptr) return step;
  }
  return nullptr;
}

Result<> end_by_appeal(const DeskParts& parts, store::Tx& tx, const Actor& actor, MeasureRow& measure,
                       store::CaseRow& row, const AppealDecision& decision) {
  if (decision.outcome == "upheld") {
    // At once: the decider's snapshot reads measures that stand, and orders to lift go out with the next courier.
    return end_measure(parts, tx, actor, measure, row.number, "lifted", "appeal upheld: " + decision.reason);
  }
  TRY_ASSIGN(const auto open, std::as_const(tx).appeals().open_of(measure.id));
  measure.state = open ? open->state_before : "in_force";
  if (decision.outcome == "partly") TRY(shorten(parts, measure, decision.expires_at));
  return tx.measures().update(measure);
}

}  // namespace

Result<AppealRow> open_appeal(const DeskParts& parts, store::Tx& tx, const Actor& actor, MeasureRow& measure,
                              const NewAppeal& wish) {
  if (wish.claim.empty()) return error(Errc::kUsage, "claim", "this field is required");
  if (wish.claim.size() > kClaimMax || wish.channel.size() > 200)
    return error(Errc::kTooLarge, "claim", fmt::format("at most {} bytes", kClaimMax));
  if (measure.state == "appealed")
    return error(Errc::kConflict, "measure " + measure.id, "an appeal against it is open already");
  if (!is_live(measure))
    return error(Errc::kConflict, "measure " + measure.id,
                 fmt::format("it is '{}': there is nothing to lift", measure.state));
  AppealRow row;
  row.id = "P-" + platform::random_hex(8);
  row.measure_id = measure.id;
  row.case_id = measure.case_id;
  row.decision_id = wish.decision_id;
  row.channel = wish.channel;
  row.claim = wish.claim;
  row.recorded_by = actor.person;
  row.state = "open";
  row.state_before = measure.state;
  row.received_at = parts.clock.wall();
  row.late = is_late(parts, measure, row.received_at);
  row.due_at = parts.content.clocks.due(*parts.content.clocks.find("appeal_answer"), row.received_at);
  measure.state = "appealed";
  TRY(tx.measures().update(measure));
  TRY(tx.appeals().insert(row));
  TRY(parts.audit.record(tx, actor, "appeal.record", "measure:" + measure.id,
                         {{"appeal", row.id},
                          {"case", row.case_id},
                          {"decision", row.decision_id},
                          {"due_at", rfc3339(row.due_at)},
                          {"late", row.late ? "yes" : "no"}}));
  return row;
}

Result<> close_appeal(const DeskParts& parts, store::Tx& tx, const Actor& actor, const MeasureRow& measure,
                      std::string_view outcome, const std::string& reason, const std::string& repair) {
  TRY_ASSIGN(auto row, std::as_const(tx).appeals().open_of(measure.id));
  if (!row) return {};
  row->state = outcome;
  row->reason = reason;
  row->repair = repair;
  // Somebody who decided on the measure may withdraw it, but that is no review.
  if (!decided_on(measure, actor.person)) row->reviewer = actor.person;
  row->decided_at = parts.clock.wall();
  TRY(tx.appeals().update(*row));
  return parts.audit.record(
      tx, actor, fmt::format("appeal.{}", outcome), "measure:" + measure.id,
      {{"appeal", row->id}, {"reason", reason.substr(0, 500)}, {"repair", repair.substr(0, 500)}});
}

Result<> settle_case(const DeskParts& parts, store::Tx& tx, const std::string& case_id) {
  TRY_ASSIGN(store::CaseRow row, need_case(tx, case_id));
  if (row.done || parts.content.workflow.step_with(Effect::kLift, row.state) == nullptr) return {};
  TRY_ASSIGN(const auto measures, std::as_const(tx).measures().of_case(case_id));
  for (const MeasureRow& measure : measures) {
    if (is_live(measure) || measure.state == "proposed") return {};
  }
  row.verify_until.reset();
  return move_by_rule(parts, tx, "measures", row,
                      {parts.content.workflow.lifted(),
                       "all_ended",
                       {"全部措施已解除或失效", "Every measure was lifted or lapsed"},
                       ""});
}

Result<> lapse_appeals(const DeskParts& parts, store::Tx& tx, TickReport& report) {
  TRY_ASSIGN(const auto due, std::as_const(tx).appeals().due_by(parts.clock.wall()));
  const Actor system = Actor::system("clock");
  for (const AppealRow& appeal : due) {
    const std::string reason = "the appeal was not answered in time";
    TRY_ASSIGN(MeasureRow measure, need_measure(tx, appeal.measure_id));
    TRY_ASSIGN(const store::CaseRow row, need_case(tx, appeal.case_id));
    TRY(close_appeal(parts, tx, system, measure, "lapsed", reason, ""));
    if (is_live(measure)) TRY(end_measure(parts, tx, system, measure, row.number, "lifted", reason));
    TRY(add_history(parts, tx, row, system.name, "appeal_lapsed",
                    {"申诉逾期未答复，措施解除", "The appeal was not answered in time: lifted"}, row.state,
                    measure.id));
    TRY(settle_case(parts, tx, row.id));
    ++report.appeals_lapsed;
    report.changed_cases.push_back(row.id);
  }
  return {};
}

Result<AppealView> CaseDesk::record_appeal(const Actor& actor, const NewAppeal& wish) {
  TRY(guard::require(actor, Right::kTriage));
  AppealView out;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(MeasureRow measure, measure_of(tx, wish));
    TRY_ASSIGN(store::CaseRow row, need_case(tx, measure.case_id));
    TRY_ASSIGN(const AppealRow appeal, open_appeal(parts_, tx, actor, measure, wish));
    ActionInput input;
    input.note = fmt::format("{} {}: {}", appeal.id, measure.id, wish.claim);
    if (const WorkflowAction* step = own_step(parts_, row, measure, {Effect::kAppeal}); step != nullptr) {
      TRY(take_step(parts_, tx, actor, row, *step, input, true));
    } else {
      TRY(add_history(parts_, tx, row, actor.name, "appeal", {"登记申诉", "Appeal recorded"}, row.state, input.note));
    }
    TRY_ASSIGN(out, appeal_view(parts_, tx, actor, appeal));
    return {};
  }));
  return out;
}

Result<AppealView> CaseDesk::decide_appeal(const Actor& actor, const std::string& id, const AppealDecision& decision) {
  TRY(guard::require(actor, Right::kAppealDecide));
  TRY(check_decision(decision));
  AppealView out;
  TRY(write_or_record(parts_, actor, "appeal." + decision.outcome, "appeal:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(AppealRow appeal, need_appeal(tx, id));
    TRY_ASSIGN(MeasureRow measure, need_measure(tx, appeal.measure_id));
    if (appeal.state != "open")
      return error(Errc::kConflict, "appeal " + id, fmt::format("it is '{}' already", appeal.state));
    if (const auto barred = why_not_decide(actor, appeal, measure)) {
      return error(Errc::kNotAllowed, "second_person", barred->en);
    }
    TRY_ASSIGN(store::CaseRow row, need_case(tx, appeal.case_id));
    TRY(end_by_appeal(parts_, tx, actor, measure, row, decision));
    TRY(close_appeal(parts_, tx, actor, measure, decision.outcome, decision.reason, decision.repair));
    ActionInput input;
    input.note = fmt::format("{} {}\noutcome: {}\nreason: {}", id, measure.id, decision.outcome, decision.reason);
    const bool upheld = decision.outcome == "upheld";
    const WorkflowAction* step = own_step(parts_, row, measure, {upheld ? Effect::kLift : Effect::kRejectAppeal});
    if (step != nullptr) {
      if (upheld) row.verify_until.reset();
      TRY(take_step(parts_, tx, actor, row, *step, input, true));
    } else {
      const std::map<std::string, LocalText> titles{{"upheld", {"支持申诉并解除", "Appeal upheld: lifted"}},
                                                    {"partly", {"部分支持申诉", "Appeal upheld in part"}},
                                                    {"rejected", {"驳回申诉", "Appeal rejected"}}};
      TRY(add_history(parts_, tx, row, actor.name, "appeal_" + decision.outcome, titles.at(decision.outcome), row.state,
                      input.note));
      if (upheld) TRY(settle_case(parts_, tx, row.id));
    }
    TRY_ASSIGN(appeal, need_appeal(tx, id));
    TRY_ASSIGN(out, appeal_view(parts_, tx, actor, appeal));
    return {};
  }));
  return out;
}

Result<AppealView> CaseDesk::appeal(const Actor& actor, const std::string& id) const {
  AppealView out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const AppealRow row, need_appeal(view, id));
    TRY_ASSIGN(out, appeal_view(parts_, view, actor, row));
    return {};
  }));
  return out;
}

Result<ViewPage<AppealView>> CaseDesk::appeals(const Actor& actor, const std::string& state, const std::string& case_id,
                                               const store::PageRequest& page) const {
  ViewPage<AppealView> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.appeals().list(state, case_id, page));
    for (const AppealRow& row : rows.items) {
      TRY_ASSIGN(AppealView shown, appeal_view(parts_, view, actor, row));
      out.items.push_back(std::move(shown));
    }
    out.next = rows.next;
    return {};
  }));
  return out;
}

namespace {

Result<> add_story(const store::View& view, const std::string& object, const MeasureRow& measure,
                   std::vector<StoryView>& out) {
  store::PageRequest page{0, store::kPageMax, false};
  TRY_ASSIGN(const auto rows, view.audit().list({"", "", object}, page));
  const bool of_case = object.starts_with("case:");
  for (const store::AuditRow& row : rows.items) {
    if (of_case && row.at.ms < measure.proposed_at.ms) continue;
    if (of_case && (row.action == "case.note" || row.action == "case.evidence" || row.action == "case.change"))
      continue;
    out.push_back({row.at, row.actor, row.action, row.detail});
  }
  return {};
}

}  // namespace

Result<MeasureStory> CaseDesk::measure(const Actor& actor, const std::string& id) const {
  MeasureStory out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const MeasureRow row, need_measure(view, id));
    TRY_ASSIGN(out.measure, measure_view(parts_, view, row));
    TRY_ASSIGN(const auto of_case, need_case(view, row.case_id));
    out.case_number = of_case.number;
    TRY_ASSIGN(const auto appeals, view.appeals().of_measure(id));
    for (const AppealRow& appeal : appeals) {
      TRY_ASSIGN(AppealView shown, appeal_view(parts_, view, actor, appeal));
      out.appeals.push_back(std::move(shown));
    }
    TRY(add_story(view, "measure:" + id, row, out.history));
    for (const OrderView& order : out.measure.orders) TRY(add_story(view, "order:" + order.id, row, out.history));
    if (row.batch_id.empty()) TRY(add_story(view, "case:" + row.case_id, row, out.history));
    std::stable_sort(out.history.begin(), out.history.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    out.may_appeal = is_live(row) && row.state != "appealed" && guard::allows(actor, Right::kTriage);
    return {};
  }));
  return out;
}

}  // namespace pandun::casework
