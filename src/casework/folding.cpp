#include "casework/folding.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "casework/alert_json.h"
#include "casework/case_rows.h"
#include "casework/case_steps.h"
#include "guard/number_tokens.h"

namespace pandun::casework {
namespace {

using model::Alert;
using model::Signal;

// A sighting during verification is noted at most this often; it always restarts the period.
constexpr std::int64_t kNoteEveryMs = 3'600'000;

struct Working {
  store::AlertRow row;
  Alert alert;
  bool fresh = false;
  std::uint64_t newest_position = 0;
};

class Batch {
 public:
  // `outside`: facts of findings that no detector made, and that are no sightings.
  Batch(const DeskParts& parts, store::Tx& tx, const DetectorFacts* outside = nullptr)
      : parts_(parts), tx_(tx), outside_(outside) {}

  Result<> add(const Signal& signal) {
    const DetectorFacts facts = outside_ != nullptr ? *outside_ : parts_.detectors.of(signal.detector);
    TRY_ASSIGN(Working * work, find(signal, facts));
    if (work == nullptr) {
      TRY(begin(signal, facts));
      work = &alerts_.back();
    } else {
      fold(work->alert, signal, parts_.identities, parts_.lines);
    }
    if (outside_ == nullptr) work->newest_position = std::max(work->newest_position, signal.position);
    return seal(signal, work->alert);
  }

  Result<> write(IngestReport& report) {
    for (Working& work : alerts_) {
      TRY(write_alert(work));
      (work.fresh ? report.new_alerts : report.changed_alerts).push_back(work.alert.id);
      TRY(follow_cases(work, report));
    }
    std::sort(report.changed_cases.begin(), report.changed_cases.end());
    report.changed_cases.erase(std::unique(report.changed_cases.begin(), report.changed_cases.end()),
                               report.changed_cases.end());
    return {};
  }

 private:
  static std::string batch_key(const Signal& signal) {
    return fmt::format("{}\n{}\n{}", signal.detector, name(signal.entity.kind), signal.entity.value);
  }

  Result<Working*> find(const Signal& signal, const DetectorFacts& facts) {
    const auto known = newest_.find(batch_key(signal));
    if (known != newest_.end()) {
      Working& work = alerts_[known->second];
      return same_episode(work.alert, signal, facts) ? &work : nullptr;
    }
    // Around New Year the running episode may still carry last year's token.
    std::set<std::string> keys;
    for (const EventMs at : {signal.first, signal.first - facts.episode_gap}) {
      keys.insert(key_of(parts_.identities.show(signal.entity, at)));
    }
    std::optional<store::AlertRow> newest;
    for (const std::string& key : keys) {
      TRY_ASSIGN(auto row, std::as_const(tx_).alerts().newest_of(std::string(signal.detector),
                                                                 std::string(name(signal.entity.kind)), key));
      if (row && (!newest || row->seq > newest->seq)) newest = std::move(row);
    }
    if (!newest) return nullptr;
    TRY_ASSIGN(Alert alert, parse_stored(newest->doc));
    if (!same_episode(alert, signal, facts)) return nullptr;
    newest_[batch_key(signal)] = alerts_.size();
    alerts_.push_back({std::move(*newest), std::move(alert), false, 0});
    return &alerts_.back();
  }

  Result<> begin(const Signal& signal, const DetectorFacts& facts) {
    Working work;
    work.alert = begin_alert(signal, facts, parts_.identities, parts_.lines);
    work.fresh = true;
    work.row.state = "open";
    work.row.created_at = parts_.clock.wall();
    if (parts_.protected_groups != nullptr) work.row.protected_group = parts_.protected_groups->group(signal.entity);
    newest_[batch_key(signal)] = alerts_.size();
    alerts_.push_back(std::move(work));
    return {};
  }

  // Safeguard 3: clear values are sealed because this signal concerns them, and only then.
  Result<> seal(const Signal& signal, const Alert& alert) {
    if (guard::is_personal(signal.entity.kind) && sealed_.insert(alert.entity.token).second) {
      TRY(parts_.vault.keep(tx_, signal.entity, alert.entity.token, alert.id));
    }
    for (const model::Entity& peer : signal.peers) {
      if (!guard::is_personal(peer.kind)) continue;
      const std::string token = parts_.identities.show(peer, alert.first).token;
      if (sealed_.insert(token).second) TRY(parts_.vault.keep(tx_, peer, token, alert.id));
    }
    return {};
  }

  Result<> write_alert(Working& work) {
    fill_row(work.row, work.alert);
    work.row.updated_at = parts_.clock.wall();
    if (work.fresh) {
      TRY(place_in_incident(parts_, tx_, work.row));
      TRY_ASSIGN(work.row.seq, tx_.alerts().insert(work.row));
    } else {
      TRY(tx_.alerts().update(work.row));
    }
    TRY(tx_.alerts().set_links(work.alert.id, link_keys(work.alert)));
    return describe_incident(parts_, tx_, work.row.incident_id);
  }

  // A new alert about the subject of a running case joins it; about a verified or closed one it is a relapse.
  Result<> follow_cases(Working& work, IngestReport& report) {
    TRY_ASSIGN(const auto cases, std::as_const(tx_).cases().of_entity(work.row.entity_kind, key_of(work.alert.entity)));
    for (store::CaseRow row : cases) {
      const WorkflowState* state = parts_.content.workflow.state(row.state);
      if (state == nullptr) continue;
      const bool seen_later = static_cast<std::int64_t>(work.newest_position) > row.sighting_position;
      if (state->relapse && seen_later) {
        TRY(relapse(work, row));
      } else if (row.verify_until && seen_later) {
        TRY(restart_verification(work, row));
      } else if (row.done || !work.row.case_id.empty()) {
        continue;
      } else {
        TRY(join(work, row));
      }
      report.changed_cases.push_back(row.id);
      return {};  // the newest fitting case only
    }
    return {};
  }

  Result<> join(Working& work, store::CaseRow& row) {
    TRY(attach_alert(parts_, tx_, row, work.row));
    TRY(tx_.alerts().update(work.row));
    row.updated_at = parts_.clock.wall();
    TRY(tx_.cases().update(row));
    ++row.version;
    return add_history(parts_, tx_, row, "system:folding", "alert_joined", {"新告警并入", "A new alert joined"},
                       row.state, work.alert.id);
  }

  Result<> relapse(Working& work, store::CaseRow& row) {
    if (work.row.case_id.empty()) {
      TRY(attach_alert(parts_, tx_, row, work.row));
      TRY(tx_.alerts().update(work.row));
    }
    row.verify_until.reset();
    row.sighting_position = static_cast<std::int64_t>(work.newest_position);
    for (const std::string& clock : parts_.content.workflow.initial_clocks()) {
      TRY(start_clock(parts_, tx_, row, clock));
    }
    return move_by_rule(
        parts_, tx_, "sighting", row,
        {parts_.content.workflow.relapse_to(), "relapse", {"复发，重新打开", "Relapsed and reopened"}, work.alert.id});
  }

  Result<> restart_verification(Working& work, store::CaseRow& row) {
    if (work.row.case_id.empty()) {
      TRY(attach_alert(parts_, tx_, row, work.row));
      TRY(tx_.alerts().update(work.row));
    }
    const WallMs until = parts_.content.clocks.due(*parts_.content.clocks.find("verification"), parts_.clock.wall());
    const bool note = until.ms - row.verify_until->ms >= kNoteEveryMs || work.fresh;
    row.verify_until = until;
    row.sighting_position = static_cast<std::int64_t>(work.newest_position);
    row.updated_at = parts_.clock.wall();
    TRY(tx_.cases().update(row));
    ++row.version;
    if (!note) return {};
    return add_history(parts_, tx_, row, "system:sighting", "sighted",
                       {"核验期内再次发现，重新计时", "Seen again: the verification period starts anew"}, row.state,
                       work.alert.id);
  }

  const DeskParts& parts_;
  store::Tx& tx_;
  const DetectorFacts* outside_;
  std::vector<Working> alerts_;
  std::map<std::string, std::size_t> newest_;
  std::set<std::string> sealed_;
};

}  // namespace

Result<> attach_alert(const DeskParts& parts, store::Tx& tx, store::CaseRow& row, store::AlertRow& alert) {
  (void)parts;
  alert.case_id = row.id;
  alert.state = "in_case";
  row.severity = std::max(row.severity, alert.severity);
  if (row.protected_group.empty()) row.protected_group = alert.protected_group;
  TRY_ASSIGN(const Alert whole, parse_stored(alert.doc));
  TRY(tx.cases().add_entity({row.id, std::string(name(whole.entity.kind)), key_of(whole.entity), "subject"}));
  for (const ShownEntity& peer : whole.peers) {
    TRY(tx.cases().add_entity({row.id, std::string(name(peer.kind)), key_of(peer), "peer"}));
  }
  return {};
}

Result<IngestReport> fold_batch(const DeskParts& parts, store::Tx& tx, std::span<const Signal> signals,
                                const std::string& consumer, std::uint64_t position) {
  IngestReport report;
  TRY_ASSIGN(const std::uint64_t done, std::as_const(tx).consumers().position(consumer));
  Batch batch(parts, tx);
  for (const Signal& signal : signals) {
    if (signal.position <= done) {
      ++report.skipped;
      continue;
    }
    CHECK(signal.position <= position);
    TRY(batch.add(signal));
    ++report.signals;
  }
  TRY(batch.write(report));
  if (position > done) {
    TRY(tx.consumers().advance(consumer, position));
    TRY(tx.values().put("casework.position", fmt::to_string(position)));
  }
  if (!report.new_alerts.empty()) {
    TRY(parts.audit.record(tx, guard::Actor::system("folding"), "alerts.fold", "consumer:" + consumer,
                           {{"new", fmt::to_string(report.new_alerts.size())},
                            {"changed", fmt::to_string(report.changed_alerts.size())},
                            {"position", fmt::to_string(position)}}));
  }
  return report;
}

Result<IngestReport> fold_finding(const DeskParts& parts, store::Tx& tx, const Signal& finding,
                                  const DetectorFacts& facts) {
  CHECK(finding.position >= kFindingPositions);
  IngestReport report;
  Batch batch(parts, tx, &facts);
  TRY(batch.add(finding));
  report.signals = 1;
  TRY(batch.write(report));
  return report;
}

Result<IngestReport> CaseDesk::take_finding(store::Tx& tx, const Signal& finding, const DetectorFacts& facts) const {
  return fold_finding(parts_, tx, finding, facts);
}

}  // namespace pandun::casework
