// The outgoing queue as actions see it: what is due, what was sent, what came back.
#include <fmt/format.h>

#include <algorithm>

#include "casework/case_steps.h"
#include "casework/measures.h"

namespace pandun::casework {
namespace {

constexpr int kDueMax = 100;
constexpr std::int64_t kRetryFirstMs = 5'000, kRetryMaxMs = 3'600'000;

Result<store::OrderRow> need_order(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.orders().by_id(id));
  if (!row) return error(Errc::kNotFound, "order " + id.substr(0, 60), "there is no such order");
  return std::move(*row);
}

std::int64_t retry_after_ms(std::int64_t attempts) {
  const auto doublings = std::min<std::int64_t>(attempts, 20);
  return std::min(kRetryMaxMs, kRetryFirstMs << doublings);
}

bool later(const std::string& from, const std::string& to) {
  constexpr std::array<std::string_view, 4> kOrder{"pending", "sent", "acknowledged", "done"};
  const auto rank = [&](const std::string& state) {
    return std::find(kOrder.begin(), kOrder.end(), state) - kOrder.begin();
  };
  if (from == "done" || from == "failed") return false;
  return to == "failed" || rank(to) > rank(from);
}

// Of a batch only the measure that was acknowledged is in force by it. True while others of the batch wait for theirs.
Result<bool> member_acknowledged(store::Tx& tx, const store::OrderRow& order) {
  TRY_ASSIGN(store::MeasureRow measure, need_measure(tx, order.measure_id));
  if (measure.batch_id.empty()) return false;
  if (measure.state == "ordered") {
    measure.state = "in_force";
    TRY(tx.measures().update(measure));
  }
  TRY_ASSIGN(const auto counts, std::as_const(tx).measures().counts_of_batch(measure.batch_id));
  return std::any_of(counts.begin(), counts.end(), [](const auto& count) { return count.first == "ordered"; });
}

// An acknowledged order moves its case on, exactly as the step `acknowledge` would: it states a fact, decides nothing.
Result<> case_acknowledged(const DeskParts& parts, store::Tx& tx, const store::OrderRow& order,
                           const std::string& detail) {
  TRY_ASSIGN(const bool others_wait, member_acknowledged(tx, order));
  if (others_wait) return {};
  TRY_ASSIGN(store::CaseRow row, need_case(tx, order.case_id));
  TRY_ASSIGN(const auto measures, std::as_const(tx).measures().of_case(row.id));
  const bool any = std::any_of(measures.begin(), measures.end(), [](const auto& measure) {
    return measure.state == "ordered" || measure.state == "in_force";
  });
  if (!any) return {};  // lifted or appealed before the carrier answered
  const WorkflowAction* step = parts.content.workflow.step_with(Effect::kAcknowledge, row.state);
  if (step == nullptr) return {};
  const guard::Actor system = guard::Actor::system("receipts");
  TRY(apply_effect(parts, tx, system, row, *step, {}));
  TRY(stop_clocks(parts, tx, row, step->stops));
  return move_by_rule(parts, tx, "receipts", row, {step->to, step->id, step->title, order.id + " " + detail});
}

}  // namespace

Result<std::vector<CaseDesk::DueOrder>> CaseDesk::due_orders() const {
  std::vector<DueOrder> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.orders().due(parts_.clock.wall(), kDueMax));
    for (const store::OrderRow& row : rows) out.push_back({row.id, row.verb, row.action, row.doc, row.attempts});
    return {};
  }));
  return out;
}

Result<> CaseDesk::order_sent(const std::string& id) {
  return parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto row, need_order(tx, id));
    if (row.state != "pending") return {};
    row.state = "sent";
    ++row.attempts;
    row.last_error.clear();
    row.updated_at = parts_.clock.wall();
    TRY(tx.orders().update(row));
    return parts_.audit.record(tx, guard::Actor::system("actions"), "order.sent", "order:" + id,
                               {{"action", row.action}, {"attempt", fmt::to_string(row.attempts)}});
  });
}

Result<> CaseDesk::order_not_sent(const std::string& id, const std::string& why) {
  return parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto row, need_order(tx, id));
    if (row.state != "pending") return {};
    row.updated_at = parts_.clock.wall();
    row.next_try_at = WallMs{row.updated_at.ms + retry_after_ms(row.attempts)};
    ++row.attempts;
    row.last_error = why.substr(0, 1000);
    TRY(tx.orders().update(row));
    return parts_.audit.record(tx, guard::Actor::system("actions"), "order.not_sent", "order:" + id,
                               {{"error", row.last_error}, {"attempt", fmt::to_string(row.attempts)}});
  });
}

Result<bool> CaseDesk::order_receipt(const std::string& id, const std::string& state, const std::string& detail,
                                     const std::string& digest, WallMs at, const std::string& carrier) {
  if (state != "acknowledged" && state != "done" && state != "failed") {
    return error(Errc::kUsage, "state", "acknowledged, done or failed");
  }
  bool fresh = false;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto row, need_order(tx, id));
    if (row.state == "pending") return error(Errc::kConflict, "order " + id, "it was not sent yet");
    const std::string note = detail.substr(0, 1000);
    TRY_ASSIGN(fresh, tx.orders().insert_receipt(
                          {0, id, state, note, digest, at, parts_.clock.wall(), carrier.substr(0, 60)}));
    if (!fresh) return {};
    TRY(parts_.audit.record(
        tx, guard::Actor::system("receipts"), "order.receipt", "order:" + id,
        {{"state", state}, {"detail", note}, {"carrier", carrier.substr(0, 60)}, {"digest", digest}}));
    if (!later(row.state, state)) return {};
    row.state = state;
    row.updated_at = parts_.clock.wall();
    row.last_error = state == "failed" ? note : "";
    TRY(tx.orders().update(row));
    if (state != "failed" && row.verb == "apply") return case_acknowledged(parts_, tx, row, note);
    TRY_ASSIGN(store::CaseRow of_case, need_case(tx, row.case_id));
    const LocalText title = state == "failed" ? LocalText{"指令执行失败", "The order failed"}
                                              : LocalText{"解除指令已回执", "The lifting was acknowledged"};
    return add_history(parts_, tx, of_case, "system:receipts", "order_" + state, title, of_case.state, id + " " + note);
  }));
  return fresh;
}

}  // namespace pandun::casework
