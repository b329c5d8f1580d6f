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

using States = std::initializer_list<std::string_view>;

bool stands(const MeasureRow& measure, States states) {
  return std::find(states.begin(), states.end(), measure.state) != states.end();
}

// What a step of the case is about: its newest measure in one of these states and, when that is one of a batch, the others of
// the batch in these states.
Result<std::vector<MeasureRow>> need_measures(const store::View& view, const std::string& case_id, States states) {
  TRY_ASSIGN(const auto all, view.measures().of_case(case_id));
  std::vector<MeasureRow> out;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (!stands(*it, states)) continue;
    if (!out.empty() && (out.front().batch_id.empty() || it->batch_id != out.front().batch_id)) continue;
    out.push_back(*it);
  }
  if (out.empty())
    return error(Errc::kConflict, "case " + case_id, "there is no measure that this step could be about");
  std::reverse(out.begin(), out.end());
  return out;
}

// The same for steps that are about one measure only.
Result<MeasureRow> need_single(const store::View& view, const std::string& case_id, States states,
                               std::string_view instead) {
  TRY_ASSIGN(auto found, need_measures(view, case_id, states));
  if (!found.front().batch_id.empty()) {
    return error(Errc::kConflict, "batch " + found.front().batch_id, std::string(instead));
  }
  return std::move(found.front());
}
constexpr std::string_view kDecideBatch = "the measure is one of a batch: decide on the batch as a whole";
constexpr std::string_view kAppealDesk =
    "the measure is one of a batch: an appeal is about one number, at the appeal desk";

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

Result<WallMs> parse_end(const DeskParts& parts, const guard::MeasureKind& kind, const std::string& text) {
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

MeasureTerms terms_of(const ActionInput& input) {
  return {field(input, "kind"),       field(input, "category"), field(input, "ground"),
          field(input, "scope"),      field(input, "reason"),   field(input, "skip_reason"),
          field(input, "expires_at"), field(input, "notice"),   field(input, "appeal_channel")};
}

Result<> propose(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, const store::CaseRow& row,
                 const ActionInput& input) {
  const MeasureTerms terms = terms_of(input);
  TRY_ASSIGN(const CheckedTerms checked, check_terms(parts, terms, row.entity_kind));
  TRY(check_proportion(parts, tx, row, *checked.kind, terms.skip_reason));
  MeasureRow measure = proposed_measure(parts, actor, row.id, terms, checked);
  measure.approvals_needed = row.protected_group.empty() ? 1 : 2;  // safeguard 9
  measure.protected_group = row.protected_group;
  measure.entity_kind = row.entity_kind;
  measure.entity_value = row.entity_value;
  measure.entity_token = row.entity_token;
  return tx.measures().insert(measure);
}

Result<bool> approve(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, const store::CaseRow& row) {
  TRY_ASSIGN(MeasureRow measure, need_single(tx, row.id, {"proposed"}, kDecideBatch));
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
  TRY(check_approver_role(parts, actor, measure.kind));
  measure.approvals.push_back(actor.person);
  const bool enough = static_cast<std::int64_t>(measure.approvals.size()) >= measure.approvals_needed;
  if (enough) {
    measure.state = "approved";
    measure.approved_by = actor.person;
    measure.approved_at = now;
    start_check(parts, measure, now);
  }
  TRY(tx.measures().update(measure));
  return enough;
}

Result<> refuse(const DeskParts& parts, store::Tx& tx, const store::CaseRow& row, const ActionInput& input) {
  TRY_ASSIGN(MeasureRow measure, need_single(tx, row.id, {"proposed"}, kDecideBatch));
  measure.state = "refused";
  measure.refused_reason = field(input, "reason");
  measure.ended_at = parts.clock.wall();
  return tx.measures().update(measure);
}

Result<> order(const DeskParts& parts, store::Tx& tx, const store::CaseRow& row) {
  TRY_ASSIGN(auto measures, need_measures(tx, row.id, {"approved"}));
  int ordered = 0;
  for (MeasureRow& measure : measures) {
    if (measure.expires_at <= parts.clock.wall()) continue;
    measure.state = "ordered";
    TRY(tx.measures().update(measure));
    TRY(queue_order(parts, tx, measure, row.number, "apply"));
    ++ordered;
  }
  if (ordered == 0) return error(Errc::kConflict, "measure " + measures.front().id, "it has expired");
  return {};
}

Result<> acknowledge(const DeskParts& parts, store::Tx& tx, store::CaseRow& row) {
  TRY_ASSIGN(auto measures, need_measures(tx, row.id, {"ordered", "in_force"}));
  for (MeasureRow& measure : measures) {
    measure.state = "in_force";
    TRY(tx.measures().update(measure));
  }
  const ClockKind& period = *parts.content.clocks.find("verification");
  row.verify_until = parts.content.clocks.due(period, parts.clock.wall());
  TRY_ASSIGN(row.sighting_position, std::as_const(tx).values().counter("casework.position"));
  return {};
}

Result<> appeal(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, const store::CaseRow& row,
                const ActionInput& input) {
  TRY_ASSIGN(MeasureRow measure, need_single(tx, row.id, {"approved", "ordered", "in_force"}, kAppealDesk));
  NewAppeal wish;
  wish.measure_id = measure.id;
  wish.claim = field(input, "claim");
  wish.channel = "case";
  TRY(open_appeal(parts, tx, actor, measure, wish));
  return {};
}

// Who reviews an appeal decided nothing about the measure before (safeguard 8).
Result<> check_reviewer(const MeasureRow& measure, const guard::Actor& actor) {
  if (!actor.person.empty() && !decided_on(measure, actor.person)) return {};
  return refused("second_person", "the reviewer of an appeal is neither who proposed nor who approved the measure");
}

Result<> reject_appeal(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, const store::CaseRow& row,
                       const ActionInput& input) {
  TRY_ASSIGN(MeasureRow measure, need_single(tx, row.id, {"appealed"}, kAppealDesk));
  TRY(check_reviewer(measure, actor));
  TRY_ASSIGN(const auto open, std::as_const(tx).appeals().open_of(measure.id));
  measure.state = open ? open->state_before : "in_force";
  TRY(close_appeal(parts, tx, actor, measure, "rejected", field(input, "reason"), ""));
  return tx.measures().update(measure);
}

// Only what is seen behind this position is a relapse.
Result<> watch_from_here(store::Tx& tx, store::CaseRow& row) {
  row.verify_until.reset();
  TRY_ASSIGN(row.sighting_position, std::as_const(tx).values().counter("casework.position"));
  return {};
}

// A case whose measures are lifted has none left: those of every batch go too.
Result<> lift(const DeskParts& parts, store::Tx& tx, const guard::Actor& actor, store::CaseRow& row,
              const ActionInput& input) {
  TRY(need_measures(tx, row.id, {"approved", "ordered", "in_force", "appealed"}));
  TRY_ASSIGN(auto measures, std::as_const(tx).measures().of_case(row.id));
  const std::string reason = field(input, "reason");
  for (MeasureRow& measure : measures) {
    if (!is_live(measure)) continue;
    if (measure.state == "appealed" && measure.batch_id.empty()) TRY(check_reviewer(measure, actor));
    TRY(close_appeal(parts, tx, actor, measure, "upheld", reason, ""));
    TRY(end_measure(parts, tx, actor, measure, row.number, "lifted", reason));
  }
  row.verify_until.reset();
  return {};
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
      done = appeal(parts, tx, actor, row, input);
      break;
    case Effect::kRejectAppeal:
      done = reject_appeal(parts, tx, actor, row, input);
      break;
    case Effect::kLift:
      done = lift(parts, tx, actor, row, input);
      break;
    case Effect::kReopen:
      row.verify_until.reset();
      break;
  }
  TRY(std::move(done));
  return true;
}

Result<CheckedTerms> check_terms(const DeskParts& parts, const MeasureTerms& terms, const std::string& entity_kind) {
  const guard::LawLibrary& laws = parts.content.laws;
  for (const auto& [name, text] :
       {std::pair<std::string_view, const std::string&>{"scope", terms.scope}, {"reason", terms.reason}}) {
    if (text.empty()) return wrong(name, "this field is required");
  }
  for (const std::string* text :
       {&terms.scope, &terms.reason, &terms.skip_reason, &terms.notice, &terms.appeal_channel})
    if (text->size() > kTextMax) return error(Errc::kTooLarge, "terms", fmt::format("at most {} bytes each", kTextMax));
  // Safeguard 13: anything but a category of the closed list is refused, counted and recorded.
  if (laws.category(terms.category) == nullptr) {
    return refused(kRefusedCategory, fmt::format("'{}' is not a disposal category", terms.category.substr(0, 60)));
  }
  CheckedTerms out;
  out.kind = laws.kind(terms.kind);
  if (out.kind == nullptr) return wrong("kind", "not a kind of measure");
  if (std::find(out.kind->entities.begin(), out.kind->entities.end(), entity_kind) == out.kind->entities.end()) {
    return wrong("kind", fmt::format("'{}' cannot be about a {}", out.kind->id, entity_kind));
  }
  out.ground = laws.ground(terms.ground);
  if (out.ground == nullptr) return wrong("ground", "not in the law library");
  if (std::find(out.ground->measures.begin(), out.ground->measures.end(), out.kind->id) == out.ground->measures.end()) {
    return wrong("ground", fmt::format("'{}' does not carry the measure '{}'", out.ground->id, out.kind->id));
  }
  if (out.kind->limits_person && (terms.notice.empty() || terms.appeal_channel.empty())) {
    return wrong("notice", fmt::format("'{}' limits somebody: it needs a notice and an appeal channel", out.kind->id));
  }
  TRY_ASSIGN(out.expires_at, parse_end(parts, *out.kind, terms.expires_at));
  return out;
}

MeasureRow proposed_measure(const DeskParts& parts, const guard::Actor& actor, const std::string& case_id,
                            const MeasureTerms& terms, const CheckedTerms& checked) {
  MeasureRow measure;
  measure.id = "M-" + platform::random_hex(8);
  measure.case_id = case_id;
  measure.kind = checked.kind->id;
  measure.category = terms.category;
  measure.ground_id = checked.ground->id;
  measure.scope = terms.scope;
  measure.reason = terms.reason;
  measure.skip_reason = terms.skip_reason;
  measure.state = "proposed";
  measure.proposed_by = actor.person;
  measure.notice = terms.notice;
  measure.appeal_channel = terms.appeal_channel;
  measure.proposed_at = parts.clock.wall();
  measure.expires_at = checked.expires_at;
  measure.lapse_at = parts.content.clocks.due(*parts.content.clocks.find("approval"), measure.proposed_at);
  return measure;
}

Result<> check_approver_role(const DeskParts& parts, const guard::Actor& actor, const std::string& id) {
  const guard::MeasureKind* kind = parts.content.laws.kind(id);
  if (kind == nullptr || !kind->approver || actor.roles.has(*kind->approver)) return {};
  return refused("approver", fmt::format("'{}' is approved by the role {} and by no other; you may refuse it", id,
                                         guard::name(*kind->approver)));
}

void start_check(const DeskParts& parts, MeasureRow& measure, WallMs now) {
  if (measure.kind != kReverify) return;
  measure.check_due = parts.content.clocks.due(*parts.content.clocks.find("reverification"), now);
}

Result<MeasureRow> need_measure(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.measures().by_id(id));
  if (!row) return error(Errc::kNotFound, "measure " + id.substr(0, 60), "there is no such measure");
  return std::move(*row);
}

bool is_live(const MeasureRow& measure) {
  return stands(measure, {"approved", "ordered", "in_force", "appealed"});
}

bool decided_on(const MeasureRow& measure, const std::string& person) {
  return measure.proposed_by == person || measure.approved_by == person ||
         std::find(measure.approvals.begin(), measure.approvals.end(), person) != measure.approvals.end();
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
