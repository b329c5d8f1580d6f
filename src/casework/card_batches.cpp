#include "casework/card_batches.h"

#include <fmt/format.h>

#include <algorithm>

#include "casework/card_reading.h"
#include "casework/case_rows.h"
#include "casework/case_steps.h"
#include "casework/desk_writes.h"
#include "casework/measures.h"
#include "platform/random.h"

namespace pandun::casework {
namespace {

using guard::Actor;
using guard::Right;
using store::CardBatchRow;

constexpr std::size_t kNameMax = 200;
constexpr int kLapsedPerWrite = 5'000, kDroppedPerWrite = 500;

Result<CardBatchRow> need_batch(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.card_batches().by_id(id));
  if (!row) return error(Errc::kNotFound, "batch " + id.substr(0, 60), "there is no such batch");
  return std::move(*row);
}

Result<CardBatchView> view_of(const DeskParts& parts, const store::View& view, const Actor& actor, CardBatchRow row) {
  CardBatchView out;
  TRY_ASSIGN(const auto of_case, need_case(view, row.case_id));
  out.case_number = of_case.number;
  const guard::MeasureKind* kind = parts.content.laws.kind(row.kind);
  out.title = kind != nullptr ? kind->title : LocalText{row.kind, row.kind};
  for (const auto& [name, n] : read_groups(row.groups)) out.groups.emplace_back(name, n);
  out.may_propose = row.state == "loaded" && guard::allows(actor, Right::kMeasurePropose);
  if (row.state == "proposed") {
    if (!guard::allows(actor, Right::kMeasureApprove)) {
      out.why_not = LocalText{"需要审批角色", "needs the role approver"};
    } else if (actor.person == row.proposed_by) {
      out.why_not = LocalText{"提出人不能审批自己的提议，需由他人办理", "you proposed it: a second person is needed"};
    } else if (!check_approver_role(parts, actor, row.kind).ok()) {
      out.why_not = LocalText{"该措施须由高级审批人批准；您可以整体拒绝",
                              "only a senior approver may approve this measure; you may refuse it as a whole"};
    }
    out.may_approve = !out.why_not;
    out.may_refuse =
        guard::allows(actor, Right::kMeasureApprove) && !actor.person.empty() && actor.person != row.proposed_by;
  }
  out.row = std::move(row);
  return out;
}

// Runs of a list that was read, in short transactions.
Result<> drop_unneeded(const DeskParts& parts) {
  std::int64_t dropped = kDroppedPerWrite;
  while (dropped == kDroppedPerWrite) {
    TRY(parts.store.write([&](store::Tx& tx) -> Result<> {
      TRY_ASSIGN(dropped, tx.card_batches().drop_items(kDroppedPerWrite));
      return {};
    }));
  }
  return {};
}

}  // namespace

Result<CardBatchView> CardDesk::load(const Actor& actor, const std::string& case_id, const std::string& name,
                                     const platform::ReadableFile& list, const CardHooks& hooks) {
  TRY(guard::require(actor, Right::kTriage));
  std::uint64_t size = 0;
  TRY_ASSIGN(const std::string digest, digest_of_list(list, size));
  CardBatchRow row;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const store::CaseRow of_case, need_case(tx, case_id));
    if (of_case.done) return error(Errc::kConflict, "case " + of_case.number, "the case is done");
    TRY_ASSIGN(auto known, std::as_const(tx).card_batches().of_digest(case_id, digest));
    if (known) {
      row = std::move(*known);
      return {};
    }
    row.id = "C-" + platform::random_hex(8);
    row.case_id = case_id;
    row.state = "reading";
    row.loaded_by = actor.name;
    row.name = name.substr(0, kNameMax);
    row.digest = digest;
    row.proposed_at = parts_.clock.wall();
    TRY(tx.card_batches().insert(row));
    TRY_ASSIGN(row, need_batch(tx, row.id));
    return {};
  }));
  if (row.state == "reading") {
    TRY(read_cards(parts_, hooks, list, size, row));
    row.state = "loaded";
    TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
      TRY(tx.card_batches().update(row));
      TRY_ASSIGN(const store::CaseRow of_case, need_case(tx, case_id));
      TRY(add_history(parts_, tx, of_case, actor.name, "cards_loaded", {"载入号卡清单", "A list of cards was loaded"},
                      of_case.state, fmt::format("{}: {}", row.id, row.members)));
      return parts_.audit.record(tx, actor, "cards.load", "batch:" + row.id,
                                 {{"case", of_case.number},
                                  {"digest", row.digest},
                                  {"members", fmt::to_string(row.members)},
                                  {"set_aside", row.groups},
                                  {"faulty", fmt::to_string(row.faulty)}});
    }));
    TRY(drop_unneeded(parts_));
  }
  return batch(actor, row.id);
}

Result<CardBatchView> CardDesk::propose(const Actor& actor, const std::string& id, const MeasureTerms& terms) {
  TRY(guard::require(actor, Right::kMeasurePropose));
  CardBatchView out;
  TRY(write_or_record(parts_, actor, "cards.propose", "batch:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(CardBatchRow row, need_batch(tx, id));
    if (row.state != "loaded") return error(Errc::kConflict, "batch " + id, fmt::format("it is '{}'", row.state));
    if (row.members == 0) return error(Errc::kConflict, "batch " + id, "no number is left in it");
    TRY_ASSIGN(const store::CaseRow of_case, need_case(tx, row.case_id));
    TRY(may_propose_in(parts_, of_case));
    TRY_ASSIGN(const CheckedTerms checked, check_terms(parts_, terms, "number"));
    const Groups groups = read_groups(row.groups);
    const auto unknown = groups.find(std::string(kUnknownGroup));
    const bool takes_away = checked.kind->limits_person && checked.kind->id != kReverify;
    if (takes_away && unknown != groups.end())
      return error(
          Errc::kNotAllowed, "protected_group",
          fmt::format("of {} numbers nobody can say whether they are protected; '{}' needs a list that says it",
                      unknown->second, checked.kind->id));
    if (takes_away && terms.skip_reason.size() < 4)
      return error(Errc::kUsage, "skip_reason", "the smallest measure comes first; say why nothing smaller will do");
    const store::MeasureRow pattern = proposed_measure(parts_, actor, row.case_id, terms, checked);
    row.kind = pattern.kind;
    row.category = pattern.category;
    row.ground_id = pattern.ground_id;
    row.scope = pattern.scope;
    row.reason = pattern.reason;
    row.skip_reason = pattern.skip_reason;
    row.notice = pattern.notice;
    row.appeal_channel = pattern.appeal_channel;
    row.state = "proposed";
    row.proposed_by = actor.person;
    row.proposed_at = pattern.proposed_at;
    row.expires_at = pattern.expires_at;
    row.lapse_at = pattern.lapse_at;
    TRY(tx.card_batches().update(row));
    TRY(add_history(parts_, tx, of_case, actor.name, "cards_proposed",
                    {"提出号卡批次措施", "Proposed for a list of cards"}, of_case.state,
                    fmt::format("{} × {}\nkind: {}", id, row.members, row.kind)));
    TRY(parts_.audit.record(tx, actor, "cards.propose", "batch:" + id,
                            {{"case", of_case.number},
                             {"kind", row.kind},
                             {"ground", row.ground_id},
                             {"members", fmt::to_string(row.members)},
                             {"set_aside", row.groups},
                             {"reason", row.reason.substr(0, 500)}}));
    TRY_ASSIGN(out, view_of(parts_, tx, actor, std::move(row)));
    return {};
  }));
  return out;
}

Result<CardBatchView> CardDesk::approve(const Actor& actor, const std::string& id) {
  TRY(guard::require(actor, Right::kMeasureApprove));
  CardBatchView out;
  TRY(write_or_record(parts_, actor, "cards.approve", "batch:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(CardBatchRow row, need_batch(tx, id));
    if (row.state != "proposed") return error(Errc::kConflict, "batch " + id, fmt::format("it is '{}'", row.state));
    if (actor.person.empty() || actor.person == row.proposed_by)
      return error(Errc::kNotAllowed, "second_person", "who proposed a measure cannot approve it");
    TRY(check_approver_role(parts_, actor, row.kind));
    const WallMs now = parts_.clock.wall();
    if (row.lapse_at <= now || row.expires_at <= now)
      return error(Errc::kConflict, "batch " + id, "the proposal has lapsed");
    row.state = "approved";
    row.approvals = {actor.person};
    row.decided_at = now;
    TRY(tx.card_batches().update(row));
    TRY_ASSIGN(const store::CaseRow of_case, need_case(tx, row.case_id));
    TRY(add_history(parts_, tx, of_case, actor.name, "cards_approved",
                    {"批准号卡批次措施", "A list of cards was approved"}, of_case.state,
                    fmt::format("{}: {}", id, row.members)));
    TRY(parts_.audit.record(tx, actor, "cards.approve", "batch:" + id,
                            {{"members", fmt::to_string(row.members)}, {"set_aside", row.groups}}));
    TRY_ASSIGN(out, view_of(parts_, tx, actor, std::move(row)));
    return {};
  }));
  return out;
}

Result<CardBatchView> CardDesk::refuse(const Actor& actor, const std::string& id, const std::string& reason) {
  TRY(guard::require(actor, Right::kMeasureApprove));
  if (reason.empty()) return error(Errc::kUsage, "reason", "this field is required");
  CardBatchView out;
  TRY(write_or_record(parts_, actor, "cards.refuse", "batch:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(CardBatchRow row, need_batch(tx, id));
    if (row.state != "proposed") return error(Errc::kConflict, "batch " + id, fmt::format("it is '{}'", row.state));
    if (actor.person.empty() || actor.person == row.proposed_by)
      return error(Errc::kNotAllowed, "second_person", "who proposed a measure cannot decide on it");
    row.state = "refused";
    row.refused_reason = reason;
    row.decided_at = parts_.clock.wall();
    TRY(tx.card_batches().update(row));
    TRY(parts_.audit.record(tx, actor, "cards.refuse", "batch:" + id, {{"reason", reason.substr(0, 500)}}));
    TRY_ASSIGN(out, view_of(parts_, tx, actor, std::move(row)));
    return {};
  }));
  return out;
}

Result<CardBatchView> CardDesk::batch(const Actor& actor, const std::string& id) const {
  CardBatchView out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(CardBatchRow row, need_batch(view, id));
    TRY_ASSIGN(out, view_of(parts_, view, actor, std::move(row)));
    TRY_ASSIGN(out.counts, view.card_batches().counts(id));
    return {};
  }));
  return out;
}

Result<ViewPage<CardBatchView>> CardDesk::batches(const Actor& actor, const std::string& state,
                                                  const store::PageRequest& page) const {
  ViewPage<CardBatchView> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(auto rows, view.card_batches().list(state, page));
    for (CardBatchRow& row : rows.items) {
      TRY_ASSIGN(CardBatchView one, view_of(parts_, view, actor, std::move(row)));
      out.items.push_back(std::move(one));
    }
    out.next = rows.next;
    return {};
  }));
  return out;
}

namespace {

// From here on every number of the list has its measure: the list's terms and its place (store/card_batches.h).
Result<> make_all(const DeskParts& parts, const std::string& id, CardWork& work) {
  return parts.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(CardBatchRow row, need_batch(tx, id));
    if (row.state != "approved") return {};
    const WallMs now = parts.clock.wall();
    if (row.kind == kReverify)
      row.check_due =
          parts.content.clocks.due(*parts.content.clocks.find("reverification"), row.decided_at.value_or(now));
    work.made += row.members - row.created;
    row.created = row.members;
    row.state = "done";
    row.done_at = now;
    work.done.push_back(id);
    TRY(tx.card_batches().update(row));
    const Actor system = Actor::system("cards");
    TRY_ASSIGN(const store::CaseRow of_case, need_case(tx, row.case_id));
    TRY(add_history(parts, tx, of_case, system.name, "cards_done",
                    {"号卡批次措施已逐号建立", "Every card has its measure"}, of_case.state,
                    fmt::format("{}: {}", id, row.created)));
    return parts.audit.record(tx, system, "cards.done", "batch:" + id,
                              {{"created", fmt::to_string(row.created)}, {"digest", row.digest}});
  });
}

Result<std::vector<std::string>> ids_in(const DeskParts& parts, const std::string& state) {
  std::vector<std::string> out;
  TRY(parts.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.card_batches().list(state, {0, store::kPageMax, false}));
    for (const CardBatchRow& row : rows.items) out.push_back(row.id);
    return {};
  }));
  return out;
}

Result<> lapse_proposals(const DeskParts& parts) {
  TRY_ASSIGN(const auto waiting, ids_in(parts, "proposed"));
  if (waiting.empty()) return {};
  return parts.store.write([&](store::Tx& tx) -> Result<> {
    for (const std::string& id : waiting) {
      TRY_ASSIGN(CardBatchRow row, need_batch(tx, id));
      if (row.state != "proposed" || row.lapse_at > parts.clock.wall()) continue;
      row.state = "lapsed";
      row.decided_at = parts.clock.wall();
      TRY(tx.card_batches().update(row));
      TRY(parts.audit.record(tx, Actor::system("clock"), "cards.lapse", "batch:" + id,
                             {{"reason", "not approved in time"}}));
    }
    return {};
  });
}

}  // namespace

Result<CardWork> CardDesk::work(std::chrono::milliseconds budget) {
  CardWork work;
  TRY(lapse_proposals(parts_));
  TRY_ASSIGN(const auto approved, ids_in(parts_, "approved"));
  for (const std::string& id : approved) TRY(make_all(parts_, id, work));
  bool any = false;  // where there never was a list nothing is written
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.card_batches().list("", {0, 1, true}));
    any = !rows.items.empty();
    return {};
  }));
  if (!any) return work;
  const auto end = parts_.clock.steady() + budget;
  do {
    work.more = false;
    TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
      TRY_ASSIGN(const auto ended, tx.card_batches().lapse_due(parts_.clock.wall(), kLapsedPerWrite));
      for (const auto& [id, n] : ended) {
        work.lapsed += n;
        TRY(parts_.audit.record(tx, Actor::system("clock"), "cards.lapse", "batch:" + id,
                                {{"measures", fmt::to_string(n)}}));
      }
      TRY_ASSIGN(const std::int64_t dropped, tx.card_batches().drop_items(kDroppedPerWrite));
      work.more = !ended.empty() || dropped == kDroppedPerWrite;
      return {};
    }));
  } while (work.more && parts_.clock.steady() < end);
  return work;
}

}  // namespace pandun::casework
