// One proposal about many numbers. Each number keeps a measure of its own: its approval, notice, expiry, appeal and lifting.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <set>

#include "casework/batch_numbers.h"
#include "casework/case_rows.h"
#include "casework/case_steps.h"
#include "casework/desk_writes.h"
#include "casework/measures.h"
#include "guard/json_writer.h"
#include "platform/random.h"

namespace pandun::casework {
namespace {

using guard::Actor;
using guard::Right;
using store::BatchRow;
using store::MeasureRow;

constexpr std::size_t kSkipReasonMin = 4;

Result<BatchRow> need_batch(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.batches().by_id(id));
  if (!row) return error(Errc::kNotFound, "batch " + id.substr(0, 60), "there is no such batch");
  return std::move(*row);
}

Result<std::vector<MeasureRow>> members_of(const store::View& view, const std::string& batch_id) {
  std::vector<MeasureRow> out;
  store::PageRequest page{0, store::kPageMax, false};
  while (true) {
    TRY_ASSIGN(const auto rows, view.measures().of_batch(batch_id, page));
    out.insert(out.end(), rows.items.begin(), rows.items.end());
    if (!rows.next) return out;
    page.cursor = *rows.next;
  }
}

// The largest measure that was tried on this number before; one that ended because the person passed counts for nothing.
Result<int> tried_rank(const DeskParts& parts, const store::View& view, const std::string& token) {
  TRY_ASSIGN(const auto before, view.measures().of_token(token));
  int tried = 0;
  for (const MeasureRow& measure : before) {
    if (measure.approved_by.empty() || measure.check_result == "passed") continue;
    const guard::MeasureKind* kind = parts.content.laws.kind(measure.kind);
    if (kind != nullptr) tried = std::max(tried, kind->rank);
  }
  return tried;
}

std::optional<LocalText> covered(const DeskParts& parts, const BatchNumber& number, const guard::MeasureKind& kind) {
  const guard::MeasureKind* live = parts.content.laws.kind(number.measure_kind);
  if (number.measure_id.empty() || live == nullptr || live->rank < kind.rank) return std::nullopt;
  if (live->rank == kind.rank && live->id != kind.id) return std::nullopt;  // a label is no warning
  return LocalText{"已有同等或更重的措施：" + live->title.zh, "a measure as large is in force: " + live->title.en};
}

void write_left_out(std::string& out, const std::vector<LeftOut>& left) {
  guard::JsonWriter w(out);
  w.begin_array();
  for (const LeftOut& item : left) {
    w.begin_object().field("value", item.entity.value).field("token", item.entity.token);
    w.field("note", item.entity.note).field("zh", item.why.zh).field("en", item.why.en).end_object();
  }
  w.end_array();
}

Result<std::vector<LeftOut>> read_left_out(const std::string& text) {
  std::vector<LeftOut> out;
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(text).get(list) != simdjson::SUCCESS) return error(Errc::kCorrupt, "left_out", "not readable");
  for (const simdjson::dom::element item : list) {
    const auto field = [&](const char* key) {
      std::string_view value;
      return item[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
    };
    out.push_back(
        {{model::EntityKind::kNumber, field("value"), field("token"), field("note")}, {field("zh"), field("en")}});
  }
  return out;
}

struct Chosen {
  std::vector<BatchNumber> numbers;
  std::vector<LeftOut> left_out;
};

Result<Chosen> choose(const DeskParts& parts, const store::View& view, const std::string& case_id, const NewBatch& wish,
                      const guard::MeasureKind& kind) {
  TRY_ASSIGN(auto all, numbers_of_case(parts, view, case_id));
  const std::set<std::string> wanted(wish.tokens.begin(), wish.tokens.end());
  for (const std::string& token : wanted) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const auto& n) { return n.entity.token == token; });
    if (!known)
      return error(Errc::kUsage, "tokens", fmt::format("'{}' is no number of this case", token.substr(0, 60)));
  }
  Chosen out;
  bool skips = false;
  for (BatchNumber& number : all) {
    if (!wanted.empty() && !wanted.contains(number.entity.token)) continue;
    std::optional<LocalText> why = number.left_out;
    if (!why) why = covered(parts, number, kind);
    if (why) {
      out.left_out.push_back({number.entity, *why});
      continue;
    }
    TRY_ASSIGN(const int tried, tried_rank(parts, view, number.entity.token));
    skips = skips || kind.rank > tried + 1;
    out.numbers.push_back(std::move(number));
  }
  if (out.numbers.empty()) {
    return error(Errc::kConflict, "case " + case_id,
                 out.left_out.empty() ? "the case is about no number"
                                      : "no number is left for this measure: " + out.left_out.front().why.en);
  }
  // A re-verification asks and takes nothing away; what takes away must say why it does not begin with less.
  const bool asks = kind.id == kReverify;
  if (skips && !asks && wish.terms.skip_reason.size() < kSkipReasonMin) {
    return error(Errc::kUsage, "skip_reason",
                 fmt::format("the smallest measure comes first; say why nothing smaller than '{}' will do", kind.id));
  }
  return out;
}

// Notes are "field: value" a line where words would be of one language: who shows them has the words of both.
std::string reason_line(const std::string& reason) {
  return reason.empty() ? std::string() : "\nreason: " + reason;
}

// The case follows where it stands before the step; otherwise the batch runs beside it and the history says so.
Result<> follow(const DeskParts& parts, store::Tx& tx, const Actor& actor, const std::string& case_id, Effect effect,
                const LocalText& title, const std::string& note) {
  TRY_ASSIGN(store::CaseRow row, need_case(tx, case_id));
  if (const WorkflowAction* step = parts.content.workflow.step_with(effect, row.state); step != nullptr) {
    ActionInput input;
    input.version = row.version;
    input.note = note;
    return take_step(parts, tx, actor, row, *step, input, true);
  }
  return add_history(parts, tx, row, actor.name, std::string(name(effect)), title, row.state, note);
}

Result<> refuse_member(const DeskParts& parts, store::Tx& tx, const Actor& actor, MeasureRow& member,
                       const std::string& reason) {
  member.state = "refused";
  member.refused_reason = reason;
  member.ended_at = parts.clock.wall();
  TRY(tx.measures().update(member));
  return parts.audit.record(tx, actor, "measure.refuse", "measure:" + member.id,
                            {{"batch", member.batch_id}, {"reason", reason.substr(0, 500)}});
}

struct Tally {
  std::int64_t approved = 0, waiting = 0, refused = 0;
};

Result<> settle_batch(const DeskParts& parts, store::Tx& tx, BatchRow& row, const std::string& reason) {
  TRY_ASSIGN(const auto counts, std::as_const(tx).measures().counts_of_batch(row.id));
  Tally tally;
  for (const auto& [state, n] : counts) {
    if (state.starts_with("check:")) continue;
    (state == "proposed" ? tally.waiting : state == "refused" ? tally.refused : tally.approved) += n;
  }
  row.state = tally.waiting == 0   ? (tally.approved > 0 ? "approved" : "refused")
              : tally.approved > 0 ? "partly"
                                   : "proposed";
  if (row.state == "refused") row.refused_reason = reason;
  if (tally.waiting == 0) row.decided_at = parts.clock.wall();
  return tx.batches().update(row);
}

Result<> check_pending(const DeskParts& parts, const BatchRow& row) {
  if (row.state != "proposed" && row.state != "partly")
    return error(Errc::kConflict, "batch " + row.id, fmt::format("it is '{}' already", row.state));
  const WallMs now = parts.clock.wall();
  if (row.lapse_at <= now || row.expires_at <= now)
    return error(Errc::kConflict, "batch " + row.id, "the proposal has lapsed");
  return {};
}

Result<> check_approver(const Actor& actor, const BatchRow& row) {
  if (!actor.person.empty() && row.proposed_by != actor.person) return {};
  return error(Errc::kNotAllowed, "second_person", "who proposed a measure cannot approve it");
}

}  // namespace

// From where a case may be proposed on: where its workflow has the step, or while earlier measures of it run.
Result<> may_propose_in(const DeskParts& parts, const store::CaseRow& row) {
  const Workflow& workflow = parts.content.workflow;
  if (workflow.step_with(Effect::kProposeMeasure, row.state) != nullptr) return {};
  if (workflow.step_with(Effect::kLift, row.state) != nullptr && !row.done) return {};
  return error(
      Errc::kConflict, "case " + row.number,
      fmt::format("a measure cannot be proposed from the state '{}': confirm the finding first, or decide on the "
                  "proposal that waits",
                  row.state));
}

Result<BatchSummary> batch_summary(const DeskParts& parts, const store::View& view, const BatchRow& row) {
  BatchSummary out;
  out.id = row.id;
  out.seq = row.seq;
  out.case_id = row.case_id;
  TRY_ASSIGN(const auto of_case, need_case(view, row.case_id));
  out.case_number = of_case.number;
  out.kind = row.kind;
  const guard::MeasureKind* kind = parts.content.laws.kind(row.kind);
  out.title = kind != nullptr ? kind->title : LocalText{row.kind, row.kind};
  out.state = row.state;
  out.proposed_by = row.proposed_by;
  out.members = row.members;
  TRY_ASSIGN(const auto counts, view.measures().counts_of_batch(row.id));
  for (const auto& [name, n] : counts) {
    if (name.starts_with("check:")) {
      out.checks.emplace_back(name.substr(6), n);
    } else {
      out.counts.emplace_back(name, n);
    }
  }
  out.proposed_at = row.proposed_at;
  out.expires_at = row.expires_at;
  out.lapse_at = row.lapse_at;
  return out;
}

namespace {

Result<BatchView> batch_view(const DeskParts& parts, const store::View& view, const Actor& actor,
                             const std::string& id) {
  TRY_ASSIGN(const BatchRow row, need_batch(view, id));
  BatchView out;
  TRY_ASSIGN(out.summary, batch_summary(parts, view, row));
  out.ground = ground_view(parts.content.laws.ground(row.ground_id), row.ground_id);
  out.category = row.category;
  out.scope = row.scope;
  out.reason = row.reason;
  out.skip_reason = row.skip_reason;
  out.notice = row.notice;
  out.appeal_channel = row.appeal_channel;
  out.refused_reason = row.refused_reason;
  TRY_ASSIGN(out.left_out, read_left_out(row.left_out));
  TRY_ASSIGN(const auto members, members_of(view, id));
  bool orderable = false, mine_left = false;
  for (const MeasureRow& member : members) {
    if (!member.protected_group.empty()) ++out.protected_members;
    orderable = orderable || member.state == "approved";
    mine_left = mine_left || (member.state == "proposed" && std::find(member.approvals.begin(), member.approvals.end(),
                                                                      actor.person) == member.approvals.end());
  }
  const bool pending = row.state == "proposed" || row.state == "partly";
  if (!guard::allows(actor, Right::kMeasureApprove)) {
    out.why_not = LocalText{"需要审批角色", "needs the role approver"};
  } else if (actor.person == row.proposed_by) {
    out.why_not = LocalText{"提出人不能审批自己的提议，需由他人办理", "you proposed it: a second person is needed"};
  } else if (const Result<> role = check_approver_role(parts, actor, row.kind); !role.ok()) {
    out.why_not = LocalText{"该措施须由高级审批人批准；您可以整体拒绝",
                            "only a senior approver may approve this measure; you may refuse it as a whole"};
  } else if (!mine_left) {
    out.why_not = LocalText{"您已批准，还需另一人批准", "you approved it already: another approver is needed"};
  }
  out.may_approve = pending && !out.why_not;
  out.may_refuse = pending && guard::allows(actor, Right::kMeasureApprove) && check_approver(actor, row).ok();
  if (!pending) out.why_not.reset();
  out.may_order = orderable && guard::allows(actor, Right::kMeasureOrder);
  return out;
}

}  // namespace

Result<std::vector<BatchNumber>> CaseDesk::case_numbers(const std::string& case_id) const {
  std::vector<BatchNumber> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY(need_case(view, case_id));
    TRY_ASSIGN(out, numbers_of_case(parts_, view, case_id));
    return {};
  }));
  return out;
}

Result<BatchView> CaseDesk::propose_batch(const Actor& actor, const std::string& case_id, const NewBatch& wish) {
  TRY(guard::require(actor, Right::kMeasurePropose));
  BatchView out;
  TRY(write_or_record(parts_, actor, "measures.propose", "case:" + case_id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const store::CaseRow row, need_case(tx, case_id));
    TRY(may_propose_in(parts_, row));
    TRY_ASSIGN(const CheckedTerms checked, check_terms(parts_, wish.terms, "number"));
    TRY_ASSIGN(const Chosen chosen, choose(parts_, tx, case_id, wish, *checked.kind));
    const MeasureRow pattern = proposed_measure(parts_, actor, case_id, wish.terms, checked);
    BatchRow batch;
    batch.id = "B-" + platform::random_hex(8);
    batch.case_id = case_id;
    batch.kind = pattern.kind;
    batch.category = pattern.category;
    batch.ground_id = pattern.ground_id;
    batch.scope = pattern.scope;
    batch.reason = pattern.reason;
    batch.skip_reason = pattern.skip_reason;
    batch.notice = pattern.notice;
    batch.appeal_channel = pattern.appeal_channel;
    batch.state = "proposed";
    batch.proposed_by = actor.person;
    batch.members = static_cast<std::int64_t>(chosen.numbers.size());
    batch.proposed_at = pattern.proposed_at;
    batch.expires_at = pattern.expires_at;
    batch.lapse_at = pattern.lapse_at;
    write_left_out(batch.left_out, chosen.left_out);
    TRY(tx.batches().insert(batch));
    for (const BatchNumber& number : chosen.numbers) {
      MeasureRow member = pattern;
      member.id = "M-" + platform::random_hex(8);
      member.batch_id = batch.id;
      member.entity_kind = "number";
      member.entity_value = number.entity.value;
      member.entity_token = number.entity.token;
      member.risk = number.risk;
      member.risk_basis = number.basis;
      member.protected_group = number.protected_group;
      member.approvals_needed = number.protected_group.empty() ? 1 : 2;  // safeguard 9
      TRY(tx.measures().insert(member));
      // From here on the case is about this number too: later alerts of it join, and the vault's scope covers it.
      TRY(tx.cases().add_entity({case_id, "number", member.entity_token, "subject"}));
      TRY(parts_.audit.record(tx, actor, "measure.propose", "measure:" + member.id,
                              {{"batch", batch.id},
                               {"case", row.number},
                               {"kind", member.kind},
                               {"entity", member.entity_value},
                               {"risk", fmt::to_string(member.risk)},
                               {"protected", member.protected_group}}));
    }
    TRY(parts_.audit.record(tx, actor, "measures.propose", "batch:" + batch.id,
                            {{"case", row.number},
                             {"kind", batch.kind},
                             {"ground", batch.ground_id},
                             {"members", fmt::to_string(batch.members)},
                             {"left_out", fmt::to_string(chosen.left_out.size())},
                             {"reason", batch.reason.substr(0, 500)}}));
    TRY(follow(parts_, tx, actor, case_id, Effect::kProposeMeasure, {"提出批量措施", "Proposed for several numbers"},
               fmt::format("{} × {}\nkind: {}", batch.id, batch.members, batch.kind)));
    TRY_ASSIGN(out, batch_view(parts_, tx, actor, batch.id));
    return {};
  }));
  return out;
}

Result<BatchView> CaseDesk::approve_batch(const Actor& actor, const std::string& id,
                                          const std::vector<std::string>& except, const std::string& reason) {
  TRY(guard::require(actor, Right::kMeasureApprove));
  if (!except.empty() && reason.empty()) return error(Errc::kUsage, "reason", "say why some are excepted");
  BatchView out;
  TRY(write_or_record(parts_, actor, "measures.approve", "batch:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(BatchRow row, need_batch(tx, id));
    TRY(check_approver(actor, row));
    TRY(check_approver_role(parts_, actor, row.kind));
    TRY(check_pending(parts_, row));
    TRY_ASSIGN(auto members, members_of(tx, id));
    const std::set<std::string> excepted(except.begin(), except.end());
    for (const std::string& one : excepted) {
      const bool known = std::any_of(members.begin(), members.end(), [&](const auto& m) { return m.id == one; });
      if (!known) return error(Errc::kUsage, "except", fmt::format("'{}' is not in the batch", one.substr(0, 60)));
    }
    const WallMs now = parts_.clock.wall();
    std::int64_t approved = 0, seen = 0, refused = 0;
    for (MeasureRow& member : members) {
      if (member.state != "proposed") continue;
      if (excepted.contains(member.id)) {
        TRY(refuse_member(parts_, tx, actor, member, reason));
        ++refused;
        continue;
      }
      const bool did =
          std::find(member.approvals.begin(), member.approvals.end(), actor.person) != member.approvals.end();
      if (did || member.proposed_by == actor.person) continue;
      member.approvals.push_back(actor.person);
      ++seen;
      if (static_cast<std::int64_t>(member.approvals.size()) >= member.approvals_needed) {
        member.state = "approved";
        member.approved_by = actor.person;
        member.approved_at = now;
        start_check(parts_, member, now);
        ++approved;
      }
      TRY(tx.measures().update(member));
      TRY(parts_.audit.record(tx, actor, "measure.approve", "measure:" + member.id,
                              {{"batch", id},
                               {"approvals", fmt::format("{}/{}", member.approvals.size(), member.approvals_needed)},
                               {"state", member.state}}));
    }
    if (seen + refused == 0)
      return error(Errc::kNotAllowed, "second_person", "you approved it already; another person must");
    TRY(settle_batch(parts_, tx, row, reason));
    TRY(parts_.audit.record(tx, actor, "measures.approve", "batch:" + id,
                            {{"approved", fmt::to_string(approved)},
                             {"waiting", fmt::to_string(seen - approved)},
                             {"excepted", fmt::to_string(refused)},
                             {"reason", reason.substr(0, 500)}}));
    const std::string note = fmt::format("{}: {}/{}{}", id, approved, members.size(), reason_line(reason));
    if (row.state == "refused") {
      TRY(follow(parts_, tx, actor, row.case_id, Effect::kRefuseMeasure, {"批量措施未获批准", "Refused"}, note));
    } else if (approved > 0) {
      TRY(follow(parts_, tx, actor, row.case_id, Effect::kApproveMeasure, {"批准批量措施", "Approved"}, note));
    }
    TRY_ASSIGN(out, batch_view(parts_, tx, actor, id));
    return {};
  }));
  return out;
}

Result<BatchView> CaseDesk::refuse_batch(const Actor& actor, const std::string& id, const std::string& reason) {
  TRY(guard::require(actor, Right::kMeasureApprove));
  if (reason.empty()) return error(Errc::kUsage, "reason", "this field is required");
  BatchView out;
  TRY(write_or_record(parts_, actor, "measures.refuse", "batch:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(BatchRow row, need_batch(tx, id));
    TRY(check_approver(actor, row));
    TRY(check_pending(parts_, row));
    TRY_ASSIGN(auto members, members_of(tx, id));
    for (MeasureRow& member : members) {
      if (member.state == "proposed") TRY(refuse_member(parts_, tx, actor, member, reason));
    }
    TRY(settle_batch(parts_, tx, row, reason));
    TRY(parts_.audit.record(tx, actor, "measures.refuse", "batch:" + id, {{"reason", reason.substr(0, 500)}}));
    TRY(follow(parts_, tx, actor, row.case_id, Effect::kRefuseMeasure, {"批量措施未获批准", "Refused"},
               id + reason_line(reason)));
    TRY_ASSIGN(out, batch_view(parts_, tx, actor, id));
    return {};
  }));
  return out;
}

Result<BatchView> CaseDesk::order_batch(const Actor& actor, const std::string& id) {
  TRY(guard::require(actor, Right::kMeasureOrder));
  BatchView out;
  TRY(write_or_record(parts_, actor, "measures.order", "batch:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const BatchRow row, need_batch(tx, id));
    TRY_ASSIGN(const store::CaseRow of_case, need_case(tx, row.case_id));
    TRY_ASSIGN(auto members, members_of(tx, id));
    std::int64_t ordered = 0;
    for (MeasureRow& member : members) {
      if (member.state != "approved" || member.expires_at <= parts_.clock.wall()) continue;
      member.state = "ordered";
      TRY(tx.measures().update(member));
      TRY(queue_order(parts_, tx, member, of_case.number, "apply"));
      TRY(parts_.audit.record(tx, actor, "measure.order", "measure:" + member.id, {{"batch", id}}));
      ++ordered;
    }
    if (ordered == 0) return error(Errc::kConflict, "batch " + id, "no approved measure of it waits for its order");
    TRY(parts_.audit.record(tx, actor, "measures.order", "batch:" + id, {{"ordered", fmt::to_string(ordered)}}));
    TRY(follow(parts_, tx, actor, row.case_id, Effect::kOrderMeasure, {"下达批量措施", "Ordered"},
               fmt::format("{}: {}", id, ordered)));
    TRY_ASSIGN(out, batch_view(parts_, tx, actor, id));
    return {};
  }));
  return out;
}

Result<BatchView> CaseDesk::batch(const Actor& actor, const std::string& id) const {
  BatchView out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(out, batch_view(parts_, view, actor, id));
    return {};
  }));
  return out;
}

Result<ViewPage<BatchSummary>> CaseDesk::batches(const std::string& state, const std::string& case_id,
                                                 const store::PageRequest& page) const {
  ViewPage<BatchSummary> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.batches().list(state, case_id, page));
    for (const BatchRow& row : rows.items) {
      TRY_ASSIGN(BatchSummary summary, batch_summary(parts_, view, row));
      out.items.push_back(std::move(summary));
    }
    out.next = rows.next;
    return {};
  }));
  return out;
}

Result<ViewPage<MeasureView>> CaseDesk::batch_members(const std::string& id, const store::PageRequest& page) const {
  ViewPage<MeasureView> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY(need_batch(view, id));
    TRY_ASSIGN(const auto rows, view.measures().of_batch(id, page));
    for (const MeasureRow& row : rows.items) {
      TRY_ASSIGN(MeasureView member, measure_view(parts_, view, row));
      out.items.push_back(std::move(member));
    }
    out.next = rows.next;
    return {};
  }));
  return out;
}

}  // namespace pandun::casework
