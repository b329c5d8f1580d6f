#include "server/decision_findings.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "casework/alert_json.h"
#include "casework/case_rows.h"

namespace pandun::server {
namespace {

constexpr std::int64_t kScoreHoldsMs = 7LL * 86'400'000;
constexpr std::string_view kScoring = "model_score";
// Who keeps company with suspects is none for it: or risk would pass on from hop to hop without ever growing less.
constexpr std::string_view kCompany = "risk_propagation";

bool same(const decide::NumberScore& a, const decide::NumberScore& b) {
  return a.number == b.number && a.score == b.score;
}

// As a model said it, 0..100; 0 where the alert does not tell.
std::uint8_t score_of(const store::AlertRow& row) {
  double score = row.confidence;
  if (const auto alert = casework::parse_stored(row.doc); alert.ok())
    for (const model::Evidence& evidence : alert->evidence)
      if (evidence.feature == kScoring) score = evidence.value;
  return std::isfinite(score) ? static_cast<std::uint8_t>(std::lround(std::clamp(score, 0.0, 1.0) * 100))
                              : std::uint8_t{0};
}

}  // namespace

bool concerns_a_victim(std::string_view detector) {
  return detector == "call_bombing" || detector == "victim_at_risk";
}

void DecisionFindings::note(const std::vector<std::string>& alerts) {
  const std::scoped_lock lock(mutex_);
  noted_.insert(noted_.end(), alerts.begin(), alerts.end());
}

// A case that is done takes its alerts with it.
Result<bool> DecisionFindings::counts(const store::View& view, const store::AlertRow& row) const {
  if (row.entity_kind != "number" || row.entity_token.empty() || concerns_a_victim(row.detector) ||
      row.detector == kCompany)
    return false;
  if (row.state == "open") return true;
  if (row.state != "in_case") return false;
  TRY_ASSIGN(const auto held, view.cases().by_id(row.case_id));
  return held && !held->done;
}

Result<> DecisionFindings::take(const store::View& view, const store::AlertRow& row, Entries& out,
                                bool& changed) const {
  TRY_ASSIGN(const bool counts_now, counts(view, row));
  if (!counts_now) {
    changed = out.erase(row.id) > 0 || changed;
    return {};
  }
  Entry entry;
  if (row.detector == kScoring && clock_.wall().ms - row.updated_at.ms < kScoreHoldsMs) entry.score = score_of(row);
  const auto before = out.find(row.id);
  if (before != out.end()) {
    changed = changed || before->second.score != entry.score;
    before->second.score = entry.score;
    return {};
  }
  // A value that does not open leaves the alert without a number: then nobody is warned of it.
  const auto clear = vault_.open_for_engine(view, row.entity_token);
  if (!clear.ok()) return {};
  entry.number = casework::number_of_text(*clear);
  if (!entry.number.known()) return {};
  out.emplace(row.id, entry);
  changed = true;
  return {};
}

Result<> DecisionFindings::take_all(const store::View& view, store::AlertFilter filter, Entries& out,
                                    bool& changed) const {
  store::PageRequest request{0, store::kPageMax, false};
  for (;;) {
    TRY_ASSIGN(const auto page, view.alerts().list(filter, request));
    for (const store::AlertRow& row : page.items) TRY(take(view, row, out, changed));
    if (!page.next) return {};
    request.cursor = *page.next;
  }
}

Result<bool> DecisionFindings::reload() {
  Entries fresh;
  std::int64_t seen = 0;
  bool changed = false;
  {
    const std::scoped_lock lock(mutex_);
    noted_.clear();  // what they say is in the store already
  }
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto last, view.audit().last());
    if (last) seen = last->seq;
    for (const char* state : {"open", "in_case"}) {
      store::AlertFilter filter;
      filter.state = state;
      filter.entity_kind = "number";
      TRY(take_all(view, std::move(filter), fresh, changed));
    }
    return {};
  }));
  const auto before = findings();
  entries_ = std::move(fresh);
  audit_seen_ = seen;
  const auto now = findings();
  return before.alerted != now.alerted ||
         !std::equal(before.scores.begin(), before.scores.end(), now.scores.begin(), now.scores.end(), same);
}

Result<bool> DecisionFindings::look() {
  std::vector<std::string> noted;
  {
    const std::scoped_lock lock(mutex_);
    noted.swap(noted_);
  }
  bool changed = false;
  auto read = store_.read([&](const store::View& view) -> Result<> {
    std::set<std::string> alerts(noted.begin(), noted.end()), cases;
    std::int64_t seen = audit_seen_;
    TRY_ASSIGN(const auto last, view.audit().last());
    if (last && last->seq > seen)
      TRY(view.audit().walk(seen + 1, [&](const store::AuditRow& row) {
        seen = row.seq;
        if (row.object.starts_with("alert:")) alerts.insert(row.object.substr(6));
        if (row.object.starts_with("case:")) cases.insert(row.object.substr(5));
        return true;
      }));
    for (const std::string& id : alerts) {
      TRY_ASSIGN(const auto row, view.alerts().by_id(id));
      if (row) TRY(take(view, *row, entries_, changed));
    }
    for (const std::string& id : cases) {
      store::AlertFilter filter;
      filter.case_id = id;
      filter.entity_kind = "number";
      TRY(take_all(view, std::move(filter), entries_, changed));
    }
    audit_seen_ = seen;
    return {};
  });
  if (!read.ok()) {
    note(noted);  // looked at again
    return read.error();
  }
  return changed;
}

decide::Findings DecisionFindings::findings() const {
  std::unordered_map<std::uint64_t, std::uint8_t> numbers;
  for (const auto& [id, entry] : entries_) {
    std::uint8_t& score = numbers[entry.number.bits()];
    score = std::max(score, entry.score);
  }
  decide::Findings out;
  out.alerted.reserve(numbers.size());
  for (const auto& [bits, score] : numbers) {
    out.alerted.push_back(model::NumberKey::from_bits(bits));
    if (score != 0) out.scores.push_back({model::NumberKey::from_bits(bits), score});
  }
  std::sort(out.alerted.begin(), out.alerted.end(), [](auto a, auto b) { return a.bits() < b.bits(); });
  std::sort(out.scores.begin(), out.scores.end(),
            [](const auto& a, const auto& b) { return a.number.bits() < b.number.bits(); });
  return out;
}

}  // namespace pandun::server
