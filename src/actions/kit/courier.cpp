#include "actions/kit/courier.h"

namespace pandun::actions {

Courier::Courier(casework::CaseDesk& desk, const platform::Clock& clock, const std::vector<ActionPart>& parts,
                 const ActionEnvironment& environment)
    : desk_(desk), clock_(clock) {
  for (const ActionPart& part : parts) actions_[std::string(part.spec().name)] = part.make(environment);
}

const Action* Courier::action(const std::string& name) const {
  const auto it = actions_.find(name);
  return it == actions_.end() ? nullptr : it->second.get();
}

Result<CourierReport> Courier::run_once() {
  CourierReport report;
  TRY(deliver(report));
  for (auto& [name, action] : actions_) TRY(collect(*action, report));
  return report;
}

Result<> Courier::deliver(CourierReport& report) {
  TRY_ASSIGN(const auto due, desk_.due_orders());
  for (const casework::CaseDesk::DueOrder& order : due) {
    const auto it = actions_.find(order.action);
    Result<> sent = it == actions_.end()
                        ? Result<>(error(Errc::kNotFound, order.action, "there is no such action in this program"))
                    : order.verb == "lift" ? it->second->undo({order.id, order.doc})
                                           : it->second->apply({order.id, order.doc});
    if (sent.ok()) {
      TRY(desk_.order_sent(order.id));
      ++report.sent;
    } else {
      TRY(desk_.order_not_sent(order.id, sent.error().text()));
      ++report.not_sent;
    }
  }
  return {};
}

Result<> Courier::collect(Action& action, CourierReport& report) {
  Result<std::vector<Receipt>> receipts = action.receipts();
  if (!receipts.ok()) return {};  // nothing readable now; orders that wait for an answer run into their clock
  for (const Receipt& receipt : *receipts) {
    if (!receipt.fault.empty()) {
      ++report.rejected;
      (void)action.rejected(receipt, receipt.fault);
      continue;
    }
    Result<bool> taken = desk_.order_receipt(receipt.order, receipt.state, receipt.detail, receipt.digest,
                                             receipt.at.value_or(clock_.wall()), receipt.carrier);
    if (taken.ok()) {
      ++report.receipts;
      (void)action.accepted(receipt);  // failing that it comes again, and the desk knows it
      continue;
    }
    const Errc code = taken.error().code;
    if (code == Errc::kNotFound || code == Errc::kUsage) {
      ++report.rejected;
      (void)action.rejected(receipt, taken.error().text());
    } else if (code != Errc::kConflict) {
      return std::move(taken).error();
    }
  }
  return {};
}

}  // namespace pandun::actions
