#include "server/backtest_pass.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace pandun::server {
namespace {

constexpr std::int64_t kBeforeMs = 86'400'000;
constexpr std::size_t kCheckedMax = 20'000;  // people of each subject looked up in the records
constexpr std::size_t kTogether = 200;       // in one read of the store

struct Before {
  EventMs first_hit, first_act{INT64_MAX};
  std::uint64_t acts = 0;
};

BacktestSpread spread(std::vector<double> values) {
  BacktestSpread out;
  out.people = values.size();
  if (values.empty()) return out;
  std::sort(values.begin(), values.end());
  const auto at = [&values](double share) {
    return values[static_cast<std::size_t>(std::floor(share * static_cast<double>(values.size() - 1)))];
  };
  out.median = at(0.5);
  out.p90 = at(0.9);
  out.max = values.back();
  return out;
}

// Who did it: the caller, the sender, the one who began.
bool actor_of(const model::Event& event, TallyKey& out) {
  const auto number = [&out](model::NumberKey key) {
    out = {model::EntityKind::kNumber, model::key_of(key)};
    return key.known();
  };
  const auto address = [&out](const model::IpAddress& ip) {
    out = {model::EntityKind::kIp, model::key_of(ip)};
    return true;
  };
  switch (event.kind()) {
    case model::EventKind::kCall:
      return number(event.as<model::Call>().caller);
    case model::EventKind::kMessage:
      return number(event.as<model::Message>().sender);
    case model::EventKind::kFlow:
      return address(event.as<model::Flow>().src);
    case model::EventKind::kDns:
      return address(event.as<model::Dns>().client);
    default:
      return false;
  }
}

// What one person's records say.
struct Story {
  bool alerted = false, in_case = false, confirmed = false, dismissed = false, lifted = false, verified = false;
  std::set<std::string> by;
  std::optional<EventMs> first_alert;
};

Result<Story> story_of(const store::View& view, const model::ShownEntity& entity, const std::string& self) {
  Story out;
  const std::string& key = entity.token.empty() ? entity.value : entity.token;
  store::AlertFilter filter;
  filter.entity_kind = model::name(entity.kind);
  filter.entity = key;
  TRY_ASSIGN(const auto alerts, view.alerts().list(filter, {0, 100, true}));
  for (const store::AlertRow& alert : alerts.items) {
    if (alert.state == "dismissed") out.dismissed = true;
    if (alert.detector == self) continue;
    out.alerted = true;
    out.by.insert(alert.detector);
    if (!out.first_alert || alert.first < *out.first_alert) out.first_alert = alert.first;
  }
  TRY_ASSIGN(const auto cases, view.cases().of_entity(std::string(model::name(entity.kind)), key));
  for (const store::CaseRow& one : cases) {
    out.in_case = true;
    if (one.state == "dismissed") out.dismissed = true;
    if (one.state != "dismissed" && one.state != "found") out.confirmed = true;
  }
  if (entity.token.empty()) return out;
  TRY_ASSIGN(const auto measures, view.measures().of_token(entity.token));
  for (const store::MeasureRow& measure : measures) {
    if (measure.state == "lifted") out.lifted = true;
    if (measure.check_result == "passed") out.verified = true;
    TRY_ASSIGN(const auto appeals, view.appeals().of_measure(measure.id));
    for (const store::AppealRow& appeal : appeals)
      if (appeal.state == "upheld" || appeal.state == "lapsed") out.lifted = true;
  }
  return out;
}

// Takes up one person's story into the subject's counts.
class KnownCounts {
 public:
  void add(const Story& story, EventMs first_hit) {
    ++known_.checked;
    known_.alerted += story.alerted ? 1 : 0;
    known_.in_case += story.in_case ? 1 : 0;
    known_.confirmed += story.confirmed ? 1 : 0;
    known_.dismissed += story.dismissed ? 1 : 0;
    known_.lifted += story.lifted ? 1 : 0;
    known_.verified += story.verified ? 1 : 0;
    for (const std::string& detector : story.by) ++by_[detector];
    if (!story.first_alert) return;
    const double lead = static_cast<double>(story.first_alert->ms - first_hit.ms) / 60'000;
    if (lead > 0) leads_.push_back(lead);
    (lead > 0 ? known_.earlier : known_.later) += 1;
  }
  BacktestKnown take() {
    known_.lead_minutes = spread(std::move(leads_));
    known_.found_by.assign(by_.begin(), by_.end());
    std::stable_sort(known_.found_by.begin(), known_.found_by.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    return std::move(known_);
  }

 private:
  BacktestKnown known_;
  std::map<std::string, std::uint64_t> by_;
  std::vector<double> leads_;
};

std::vector<const Tally::Person*> to_check(const Tally& tally) {
  std::vector<std::pair<std::size_t, const Tally::Person*>> ranked;
  ranked.reserve(tally.people().size());
  for (const auto& [key, person] : tally.people()) ranked.emplace_back(TallyHash{}(key), &person);
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (ranked.size() > kCheckedMax) ranked.resize(kCheckedMax);
  std::vector<const Tally::Person*> out;
  for (const auto& [rank, person] : ranked) out.push_back(person);
  return out;
}

}  // namespace

Result<> add_delays(const eventlog::LogHistory& history, BacktestReport& report,
                    const std::vector<const Tally*>& tallies, const std::stop_token& stop) {
  std::vector<std::unordered_map<TallyKey, Before, TallyHash>> before(tallies.size());
  std::size_t people = 0;
  EventMs last{INT64_MIN};
  for (std::size_t i = 0; i < tallies.size(); ++i)
    for (const auto& [key, person] : tallies[i]->people()) {
      before[i][key].first_hit = person.first_hit;
      last = std::max(last, person.first_hit);
      ++people;
    }
  if (people == 0) return {};
  const EventMs from = std::max(report.warm_from, EventMs{report.from.ms - kBeforeMs});
  TRY_ASSIGN(const auto reader, history.read_from(history.position_before(from)));
  eventlog::Record record;
  while (true) {
    TRY_ASSIGN(const bool more, reader->next(record, std::chrono::milliseconds(0)));
    if (!more || (!record.batch.events.empty() && record.batch.events.front().watermark.ms > last.ms + 900'000)) break;
    if (stop.stop_requested()) return error(Errc::kUnavailable, "back-test", "was cancelled; nothing was kept");
    for (const model::Event& event : record.batch.events) {
      TallyKey actor;
      if (event.time < from || !actor_of(event, actor)) continue;
      for (auto& people_of : before) {
        const auto it = people_of.find(actor);
        if (it == people_of.end()) continue;
        Before& one = it->second;
        if (event.time > one.first_hit || event.time.ms < one.first_hit.ms - kBeforeMs) continue;
        ++one.acts;
        one.first_act = std::min(one.first_act, event.time);
      }
    }
  }
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    std::vector<double> acts, minutes;
    for (const auto& [key, one] : before[i]) {
      if (one.acts == 0) continue;
      acts.push_back(static_cast<double>(one.acts));
      minutes.push_back(static_cast<double>(one.first_hit.ms - one.first_act.ms) / 60'000);
    }
    report.subjects[i].acts_before = spread(std::move(acts));
    report.subjects[i].minutes_before = spread(std::move(minutes));
  }
  return {};
}

Result<> add_known(const store::Store& store, const casework::Identities& identities, BacktestReport& report,
                   const std::vector<const Tally*>& tallies, const std::stop_token& stop) {
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const std::vector<const Tally::Person*> people = to_check(*tallies[i]);
    KnownCounts counts;
    for (std::size_t at = 0; at < people.size(); at += kTogether) {
      if (stop.stop_requested()) return error(Errc::kUnavailable, "back-test", "was cancelled; nothing was kept");
      TRY(store.read([&](const store::View& view) -> Result<> {
        for (std::size_t j = at; j < std::min(people.size(), at + kTogether); ++j) {
          const model::ShownEntity entity = identities.show(people[j]->entity, people[j]->first_hit);
          TRY_ASSIGN(const Story story, story_of(view, entity, report.subjects[i].id));
          counts.add(story, people[j]->first_hit);
        }
        return {};
      }));
    }
    report.subjects[i].known = counts.take();
  }
  return {};
}

}  // namespace pandun::server
