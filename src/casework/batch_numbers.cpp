#include "casework/batch_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "casework/alert_json.h"
#include "casework/case_rows.h"
#include "casework/measures.h"
#include "casework/words.h"

namespace pandun::casework {
namespace {

// A member of a group is known by one alert about all of it: a little less than its subject.
constexpr double kMemberShare = 0.8;

struct Suspect {
  ShownEntity entity;
  double innocent = 1;  // product of 1 - severity x confidence
  int alerts = 0;
  bool subject = false;
  std::set<std::string> detectors;
};
using Suspects = std::map<std::string, Suspect>;

void add(Suspects& out, const ShownEntity& entity, const model::Alert& alert, bool subject) {
  if (entity.kind != model::EntityKind::kNumber || entity.token.empty()) return;
  Suspect& suspect = out[entity.token];
  if (suspect.alerts == 0 || (subject && !suspect.subject)) suspect.entity = entity;
  const double weight = std::clamp(alert.severity / 100.0 * alert.confidence, 0.0, 1.0);
  suspect.innocent *= 1 - weight * (subject ? 1 : kMemberShare);
  ++suspect.alerts;
  suspect.subject = suspect.subject || subject;
  suspect.detectors.insert(alert.detector);
}

Result<Suspects> suspects_of(const DeskParts& parts, const store::View& view, const std::string& case_id) {
  const auto& members_from = parts.content.workflow.batches().members_from;
  const auto& never_from = parts.content.workflow.batches().never_from;
  Suspects out;
  store::AlertFilter filter;
  filter.case_id = case_id;
  store::PageRequest page{0, store::kPageMax, true};
  while (out.size() < kBatchMax * 2) {
    TRY_ASSIGN(const auto alerts, view.alerts().list(filter, page));
    for (const store::AlertRow& row : alerts.items) {
      if (std::find(never_from.begin(), never_from.end(), row.detector) != never_from.end()) continue;
      TRY_ASSIGN(const model::Alert alert, parse_stored(row.doc));
      add(out, alert.entity, alert, true);
      if (std::find(members_from.begin(), members_from.end(), alert.detector) == members_from.end()) continue;
      for (const ShownEntity& peer : alert.peers) add(out, peer, alert, false);
    }
    if (!alerts.next) break;
    page.cursor = *alerts.next;
  }
  return out;
}

// The group is told by the number itself, which is opened in memory only. Absent: it cannot be opened, so nobody can say.
Result<std::optional<std::string>> group_of(const DeskParts& parts, const store::View& view, const std::string& token) {
  if (parts.protected_groups == nullptr) return std::optional<std::string>("");
  const Result<std::string> clear = parts.vault.open_for_engine(view, token);
  if (!clear.ok() && clear.error().code != Errc::kNotFound && clear.error().code != Errc::kCorrupt)
    return clear.error();
  const model::NumberKey number = clear.ok() ? number_of_text(*clear) : model::NumberKey();
  if (!number.known()) return std::optional<std::string>();
  return std::optional<std::string>(parts.protected_groups->group(model::Entity::of(number)));
}

// Why a proposal for all leaves it out.
std::optional<LocalText> left_out(const DeskParts& parts, const BatchNumber& number, bool group_known) {
  const int least = parts.content.workflow.batches().protected_risk_min;
  if (!group_known) {
    return LocalText{"号码无法打开，不能确认是否受保护",
                     "its number cannot be opened, so nobody can say whether it is protected"};
  }
  if (!number.protected_group.empty() && number.risk < least) {
    return LocalText{
        fmt::format("受保护群体，风险 {} 低于其阈值 {}", number.risk, least),
        fmt::format("of a protected group, and its risk {} is below the threshold {} for these", number.risk, least)};
  }
  if (number.measure_state == "proposed")
    return LocalText{"已有待批措施", "another proposal about it waits for approval"};
  return std::nullopt;
}

// In this case somebody looked at this very number and let it go: a proposal for all does not take it in again.
Result<bool> cleared(const store::View& view, const store::MeasureRow& measure) {
  if (measure.state != "lifted") return false;
  if (measure.check_result == "passed") return true;
  TRY_ASSIGN(const auto appeals, view.appeals().of_measure(measure.id));
  return std::any_of(appeals.begin(), appeals.end(),
                     [](const store::AppealRow& row) { return row.state == "upheld" || row.state == "lapsed"; });
}

Result<> add_measures(const store::View& view, const std::string& case_id, BatchNumber& number) {
  TRY_ASSIGN(const auto measures, view.measures().of_token(number.entity.token));
  for (const store::MeasureRow& measure : measures) {  // newest first
    if (number.check_result.empty()) number.check_result = measure.check_result;
    TRY_ASSIGN(const bool let_go, cleared(view, measure));
    if (let_go && measure.case_id == case_id) {
      number.left_out = LocalText{"本案中申诉已获支持或核验已通过",
                                  "in this case its appeal was upheld, or it passed re-verification"};
    }
    if (!number.measure_id.empty() || (!is_live(measure) && measure.state != "proposed")) continue;
    number.measure_id = measure.id;
    number.measure_kind = measure.kind;
    number.measure_state = measure.state;
  }
  return {};
}

}  // namespace

std::string risk_grade(const DeskParts& parts, int risk) {
  const Workflow::BatchRules& rules = parts.content.workflow.batches();
  return risk >= rules.risk_high ? "high" : risk >= rules.risk_medium ? "medium" : "low";
}

Result<std::vector<BatchNumber>> numbers_of_case(const DeskParts& parts, const store::View& view,
                                                 const std::string& case_id) {
  TRY_ASSIGN(const Suspects suspects, suspects_of(parts, view, case_id));
  std::vector<BatchNumber> out;
  for (const auto& [token, suspect] : suspects) {
    BatchNumber number;
    number.entity = suspect.entity;
    number.risk = static_cast<int>(std::lround(100 * (1 - suspect.innocent)));
    number.grade = risk_grade(parts, number.risk);
    number.basis = fmt::format("{} {} ({})", suspect.subject ? "subject" : "member", suspect.alerts,
                               fmt::join(suspect.detectors, ", "));
    TRY_ASSIGN(const auto group, group_of(parts, view, token));
    number.protected_group = group.value_or("");
    TRY(add_measures(view, case_id, number));
    if (!number.left_out) number.left_out = left_out(parts, number, group.has_value());
    out.push_back(std::move(number));
  }
  std::stable_sort(out.begin(), out.end(), [](const BatchNumber& a, const BatchNumber& b) { return a.risk > b.risk; });
  if (out.size() > kBatchMax) out.resize(kBatchMax);
  return out;
}

}  // namespace pandun::casework
