#include "casework/measures.h"

#include <fmt/format.h>

#include <algorithm>

#include "casework/case_steps.h"
#include "guard/json_writer.h"
#include "platform/random.h"

namespace pandun::casework {
namespace {

using store::MeasureRow;

constexpr std::size_t kTextMax = 4000;

std::string field(const ActionInput& input, const std::string& name) {
  const auto it = input.fields.find(name);
  return it == input.fields.end() ? std::string() : it->second;
}

Error refused(std::string_view where, std::string why) {
  return error(Errc::kNotAllowed, std::string(where), std::move(why));
}
Error wrong(std::string_view where, std::string why) {
  return error(Errc::kUsage, std::string(where), std::move(why));
}

// The newest measure of the case in one of these states.
Result<MeasureRow> need_measure(const store::View& view, const std::string& case_id,
                                std::initializer_list<std::string_view> states) {
  TRY_ASSIGN(const auto all, view.measures().of_case(case_id));
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (std::find(states.begin(), states.end(), it->state) != states.end()) return *it;
  }
  return error(Errc::kConflict, "case " + case_id, "there is no measure that this step could be about");
}

// Safeguard 6: the smallest measure first; a bigger one must say why nothing smaller will do.
Result<> check_proportion(const DeskParts& parts, const store::View& view, const store::CaseRow& row,
                          const guard::MeasureKind& kind, const std::string& skip_reason) {
  TRY_ASSIGN(const auto before, view.measures().of_case(row.id));
  int tried = 0;
  for (const MeasureRow& measure : before) {
    if (measure.approved_by.empty()) continue;
    const guard::MeasureKind* earlier = parts.content.laws.kind(measure.kind);
    if (earlier != nullptr) tried = std::max(tried, earlier->rank);
  }
  if (kind.rank <= tried + 1 || skip_reason.size() >= 4) return {};
  return wrong("skip_reason",
               fmt::format("the smallest measure comes first; say why nothing smaller than '{}' will do", kind.id));
}

Result<WallMs> parse_expiry(const DeskParts& parts, const guard::MeasureKind& kind, const std::string& text) {
  const auto at = parse_rfc3339(text);
  if (!at) return wrong("expires_at", "a time like 2026-12-01T00:00:00Z");
  const WallMs now = parts.clock.wall();
  const std::int64_t latest = now.ms + kind.days_max * 86'400'000LL;
  if (*at <= now.ms || *at > latest) {
    return wrong("expires_at",
                 fmt::format("in the future and at most {} days from now for '{}'", kind.days_max, kind.id));
  }
  return WallMs{*at};
}

Result<> propose(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, const store::CaseRow& row,
                 const ActionInput& input) {
  const guard::LawLibrary& laws = parts.content.laws;
  // Safeguard 13: anything but a category of the closed list is refused, counted and recorded.
  if (laws.category(field(input, "category")) == nullptr) {
    return refused(kRefusedCategory,
                   fmt::format("'{}' is not a disposal category", field(input, "category").substr(0, 60)));
  }
  const guard::MeasureKind* kind = laws.kind(field(input, "kind"));
  if (kind == nullptr) return wrong("kind", "not a kind of measure");
  if (std::find(kind->entities.begin(), kind->entities.end(), row.entity_kind) == kind->entities.end()) {
    return wrong("kind", fmt::format("'{}' cannot be about a {}", kind->id, row.entity_kind));
  }
  const guard::Ground* ground = laws.ground(field(input, "ground"));
  if (ground == nullptr) return wrong("ground", "not in the law library");
  if (std::find(ground->measures.begin(), ground->measures.end(), kind->id) == ground->measures.end()) {
    return wrong("ground", fmt::format("'{}' does not carry the measure '{}'", ground->id, kind->id));
  }
  if (kind->limits_person && (field(input, "notice").empty() || field(input, "appeal_channel").empty())) {
    return wrong("notice", fmt::format("'{}' limits somebody: it needs a notice and an appeal channel", kind->id));
  }
  TRY(check_proportion(parts, tx, row, *kind, field(input, "skip_reason")));
  MeasureRow measure;
  TRY_ASSIGN(measure.expires_at, parse_expiry(parts, *kind, field(input, "expires_at")));
  measure.id = "M-" + platform::random_hex(8);
  measure.case_id = row.id;
  measure.kind = kind->id;
  measure.category = field(input, "category");
  measure.ground_id = ground->id;
  measure.scope = field(input, "scope");
  measure.reason = field(input, "reason");
  measure.skip_reason = field(input, "skip_reason");
  measure.state = "proposed";
  measure.proposed_by = actor.person;
  measure.approvals_needed = row.protected_group.empty() ? 1 : 2;  // safeguard 9
  measure.notice = field(input, "notice");
  measure.appeal_channel = field(input, "appeal_channel");
  measure.entity_kind = row.entity_kind;
  measure.entity_value = row.entity_value;
  measure.entity_token = row.entity_token;
  measure.proposed_at = parts.clock.wall();
  measure.lapse_at = parts.content.clocks.due(*parts.content.clocks.find("approval"), measure.proposed_at);
  return tx.measures().insert(measure);
}

Result<bool> approve(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, const store::CaseRow& row) {
  TRY_ASSIGN(MeasureRow measure, need_measure(tx, row.id, {"proposed"}));
  const WallMs now = parts.clock.wall();
  if (measure.lapse_at <= now || measure.expires_at <= now) {
    return error(Errc::kConflict, "measure " + measure.id, "the proposal has lapsed");
  }
  // Whatever the workflow file says, these two hold.
  if (actor.person.empty() || measure.proposed_by == actor.person) {
    return refused("second_person", "who proposed a measure cannot approve it");
  }
  if (std::find(measure.approvals.begin(), measure.approvals.end(), actor.person) != measure.approvals.end()) {
    return refused("second_person", "you approved it already; another person must");
  }
  measure.approvals.push_back(actor.person);
  const bool enough = static_cast<std::int64_t>(measure.approvals.size()) >= measure.approvals_needed;
  if (enough) {
    measure.state = "approved";
    measure.approved_by = actor.person;
    measure.approved_at = now;
  }
  TRY(tx.measures().update(measure));
  return enough;
}

Result<> refuse(const DeskParts& parts, store::Tx& tx, const store::CaseRow& row, const ActionInput& input) {
  TRY_ASSIGN(MeasureRow measure, need_measure(tx, row.id, {"proposed"}));
  measure.state = "refused";
  measure.refused_reason = field(input, "reason");
  measure.ended_at = parts.clock.wall();
  return tx.measures().update(measure);
}

Result<> order(const DeskParts& parts, store::Tx& tx, const store::CaseRow& row) {
  TRY_ASSIGN(MeasureRow measure, need_measure(tx, row.id, {"approved"}));
  if (measure.expires_at <= parts.clock.wall())
    return error(Errc::kConflict, "measure " + measure.id, "it has expired");
  measure.state = "ordered";
  TRY(tx.measures().update(measure));
  return queue_order(parts, tx, measure, row.number, "apply");
}

Result<> acknowledge(const DeskParts& parts, store::Tx& tx, store::CaseRow& row) {
  TRY_ASSIGN(MeasureRow measure, need_measure(tx, row.id, {"ordered", "in_force"}));
  measure.state = "in_force";
  TRY(tx.measures().update(measure));
  const ClockKind& period = *parts.content.clocks.find("verification");
  row.verify_until = parts.content.clocks.due(period, parts.clock.wall());
  TRY_ASSIGN(row.sighting_position, std::as_const(tx).values().counter("casework.position"));
  return {};
}

// Where a measure stood before it was appealed, as its orders tell.
Result<std::string> state_before_appeal(const store::View& view, const MeasureRow& measure) {
  TRY_ASSIGN(const auto orders, view.orders().of_case(measure.case_id));
  for (const store::OrderRow& order : orders) {
    if (order.measure_id != measure.id || order.verb != "apply") continue;
    return std::string(order.state == "acknowledged" || order.state == "done" ? "in_force" : "ordered");
  }
  return std::string("approved");
}

Result<> reject_appeal(store::Tx& tx, const guard::Actor& actor, const store::CaseRow& row) {
  TRY_ASSIGN(MeasureRow measure, need_measure(tx, row.id, {"appealed"}));
  const bool decided =
      std::find(measure.approvals.begin(), measure.approvals.end(), actor.person) != measure.approvals.end();
  if (decided || measure.proposed_by == actor.person) {
    return refused("second_person", "the reviewer of an appeal is neither who proposed nor who approved the measure");
  }
  TRY_ASSIGN(measure.state, state_before_appeal(tx, measure));
  return tx.measures().update(measure);
}

Result<> set_measure_state(store::Tx& tx, const store::CaseRow& row, std::initializer_list<std::string_view> from,
                           std::string_view to) {
  TRY_ASSIGN(MeasureRow measure, need_measure(tx, row.id, from));
  measure.state = to;
  return tx.measures().update(measure);
}

// Only what is seen behind this position is a relapse.
Result<> watch_from_here(store::Tx& tx, store::CaseRow& row) {
  row.verify_until.reset();
  TRY_ASSIGN(row.sighting_position, std::as_const(tx).values().counter("casework.position"));
  return {};
}

Result<> lift(const DeskParts& parts, store::Tx& tx, store::CaseRow& row, const ActionInput& input) {
  TRY_ASSIGN(MeasureRow measure, need_measure(tx, row.id, {"approved", "ordered", "in_force", "appealed"}));
  row.verify_until.reset();
  return end_measure(parts, tx, measure, row.number, "lifted", field(input, "reason"));
}

}  // namespace

Result<bool> apply_effect(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::CaseRow& row,
                          const WorkflowAction& action, const ActionInput& input) {
  for (const auto& [name, value] : input.fields) {
    if (value.size() > kTextMax) return error(Errc::kTooLarge, name, fmt::format("at most {} bytes", kTextMax));
  }
  Result<> done;
  switch (action.effect) {
    case Effect::kNone:
      break;
    case Effect::kProposeMeasure:
      done = propose(parts, tx, actor, row, input);
      break;
    case Effect::kApproveMeasure:
      return approve(parts, tx, actor, row);
    case Effect::kRefuseMeasure:
      done = refuse(parts, tx, row, input);
      break;
    case Effect::kOrderMeasure:
      done = order(parts, tx, row);
      break;
    case Effect::kAcknowledge:
      done = acknowledge(parts, tx, row);
      break;
    case Effect::kVerify:
    case Effect::kClose:
      done = watch_from_here(tx, row);
      break;
    case Effect::kAppeal:
      done = set_measure_state(tx, row, {"approved", "ordered", "in_force"}, "appealed");
      break;
    case Effect::kRejectAppeal:
      done = reject_appeal(tx, actor, row);
      break;
    case Effect::kLift:
      done = lift(parts, tx, row, input);
      break;
    case Effect::kReopen:
      row.verify_until.reset();
      break;
  }
  TRY(std::move(done));
  return true;
}

Result<> queue_order(const DeskParts& parts, store::Tx& tx, const MeasureRow& measure, const std::string& case_number,
                     std::string_view verb) {
  store::OrderRow order;
  order.id = fmt::format("O-{}-{}", measure.id.substr(2), verb);  // one order for each measure and verb, ever
  TRY_ASSIGN(const auto known, std::as_const(tx).orders().by_id(order.id));
  if (known) return {};
  order.measure_id = measure.id;
  order.case_id = measure.case_id;
  order.action = parts.order_action;
  order.verb = verb;
  order.state = "pending";
  order.created_at = order.updated_at = order.next_try_at = parts.clock.wall();
  guard::JsonWriter json(order.doc);
  const guard::Ground* ground = parts.content.laws.ground(measure.ground_id);
  json.begin_object().field("order", order.id).field("verb", verb).field("measure", measure.id);
  json.field("case", case_number).field("kind", measure.kind).field("category", measure.category);
  json.key("ground").begin_object().field("id", measure.ground_id);
  if (ground != nullptr)
    json.field("law", ground->law.zh).field("version", ground->version).field("article", ground->article);
  json.end_object()
      .key("entity")
      .begin_object()
      .field("kind", measure.entity_kind)
      .field("value", measure.entity_value);
  json.field("token", measure.entity_token).end_object();
  json.field("scope", measure.scope).field("expires_at", rfc3339(measure.expires_at));
  json.field("notice", measure.notice).field("appeal_channel", measure.appeal_channel);
  json.field("proposed_by", measure.proposed_by).strings("approved_by", measure.approvals);
  json.field("created_at", rfc3339(order.created_at)).end_object();
  return tx.orders().insert(order);
}

}  // namespace pandun::casework
