#include "casework/alert_folder.h"

#include <gtest/gtest.h>

#include <random>

#include "casework/alert_json.h"
#include "casework/incident_grouper.h"
#include "casework/testing/desk.h"

namespace pandun::casework {
namespace {

using namespace testing;

struct Fold {
  guard::NumberTokens tokens{test_key()};
  TokenIdentities identities{tokens, IdentityForm::kMasked};
  NoLines lines;
  DetectorTable detectors{{"burst_calling", {std::chrono::hours(1), {"T1586"}}}};
  std::vector<model::Alert> run(const std::vector<model::Signal>& signals, const Identities* form = nullptr) {
    AlertFolder folder(detectors, form != nullptr ? *form : identities, lines);
    for (const model::Signal& signal : signals) folder.add(signal);
    return folder.finish();
  }
};

TEST(AlertFolder, JoinsWithinTheEpisodeAndBeginsAnewBehindIt) {
  Fold fold;
  auto later = call_signal(2, kStart.ms + 30 * 60'000);
  later.severity = 85;
  const auto alerts = fold.run({call_signal(1), later, call_signal(3, kStart.ms + 5 * 3'600'000)});
  ASSERT_EQ(alerts.size(), 2U);
  EXPECT_EQ(alerts[0].signals, 2U);
  EXPECT_EQ(alerts[0].severity, 85);
  EXPECT_EQ(alerts[0].first.ms, kStart.ms);
  EXPECT_EQ(alerts[0].last.ms, kStart.ms + 31 * 60'000);
  EXPECT_EQ(alerts[0].first_position, 1U);
  EXPECT_EQ(alerts[0].peers.size(), 2U);
  EXPECT_EQ(alerts[0].source_lines, (std::vector<std::string>{"calls.csv:1", "calls.csv:2"}));
  EXPECT_EQ(alerts[1].signals, 1U);
}

TEST(AlertFolder, GapExactlyAtTheEpisodeLimitStillJoins) {
  Fold fold;
  const auto first = call_signal(1);
  EXPECT_EQ(fold.run({first, call_signal(2, first.last.ms + 3'600'000)}).size(), 1U);
  EXPECT_EQ(fold.run({first, call_signal(2, first.last.ms + 3'600'001)}).size(), 2U);
}

TEST(AlertFolder, ShowsMasksAndTokensAndNeverTheNumber) {
  Fold fold;
  const auto alerts = fold.run({call_signal(1)});
  std::string line;
  append_json(line, alerts[0]);
  EXPECT_EQ(alerts[0].entity.value, "+86138******00");
  EXPECT_EQ(alerts[0].entity.token.substr(0, 4), "n26-");
  EXPECT_EQ(line.find("13800138000"), std::string::npos);
  EXPECT_EQ(line.find("13911112223"), std::string::npos);
}

TEST(AlertFolder, IdIsTheSameInEveryFormOfIdentity) {
  Fold fold;
  const TokenIdentities clear(fold.tokens, IdentityForm::kClear), token(fold.tokens, IdentityForm::kToken);
  const auto masked = fold.run({call_signal(1)});
  EXPECT_EQ(masked[0].id, fold.run({call_signal(1)}, &clear)[0].id);
  EXPECT_EQ(masked[0].id, fold.run({call_signal(1)}, &token)[0].id);
  EXPECT_EQ(masked[0].id.size(), 18U);
  EXPECT_EQ(masked[0].id.substr(0, 2), "A-");
}

TEST(AlertFolder, LineHasTheContractsFieldsInTheirOrder) {
  Fold fold;
  std::string line;
  append_json(line, fold.run({call_signal(1)})[0]);
  std::size_t at = 0;
  for (const char* field :
       {"\"id\":", "\"detector\":", "\"topic\":", "\"title\":{\"zh\":", "\"severity\":", "\"confidence\":",
        "\"entity\":{\"kind\":\"number\",\"value\":", "\"peers\":", "\"first\":\"2026-11-23T01:00:00Z\"",
        "\"last\":", "\"evidence\":[{\"feature\":\"calls_1h\",\"value\":120,\"threshold\":60,\"unit\":\"calls\"}]",
        "\"techniques\":[\"T1586\"]", "\"source_lines\":"}) {
    const std::size_t found = line.find(field, at);
    ASSERT_NE(found, std::string::npos) << field << " in " << line;
    at = found;
  }
}

TEST(AlertFolder, StoredFormReadsBack) {
  Fold fold;
  auto signal = call_signal(1);
  signal.confidence = 0.1 + 0.2;
  signal.evidence[0].value = 6.0888888888888888e72;
  signal.title.en = "a \"quoted\"\n\x01 title \xff";
  const model::Alert alert = fold.run({signal})[0];
  std::string text;
  append_stored(text, alert);
  const model::Alert back = must(parse_stored(text));
  EXPECT_EQ(back.id, alert.id);
  EXPECT_EQ(back.entity, alert.entity);
  EXPECT_EQ(back.peers, alert.peers);
  EXPECT_EQ(back.evidence, alert.evidence);
  EXPECT_EQ(back.confidence, 0.1 + 0.2);  // to the last digit
  EXPECT_EQ(back.series, alert.series);
  EXPECT_EQ(back.first.ms, alert.first.ms);
  EXPECT_EQ(back.last_position, alert.last_position);
  EXPECT_EQ(back.title.en, "a \"quoted\"\n\x01 title \xef\xbf\xbd");
  EXPECT_EQ(parse_stored("nonsense").error().code, Errc::kCorrupt);
}

// How the sequence is cut into calls cannot matter, and what is folded is what was given.
TEST(AlertFolder, CountsEverySignalOnceWhateverTheSequence) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    std::vector<model::Signal> signals;
    for (std::uint64_t i = 1; i <= 60; ++i) {
      signals.push_back(call_signal(i, kStart.ms + static_cast<std::int64_t>(random() % 86'400'000),
                                    model::NumberKey::e164(kCaller + random() % 4)));
    }
    Fold fold;
    const auto alerts = fold.run(signals), again = fold.run(signals);
    std::uint32_t total = 0;
    for (std::size_t i = 0; i < alerts.size(); ++i) {
      total += alerts[i].signals;
      std::string a, b;
      append_stored(a, alerts[i]);
      append_stored(b, again[i]);
      EXPECT_EQ(a, b) << "seed " << seed;
      EXPECT_LE(alerts[i == 0 ? 0 : i - 1].first.ms, alerts[i].first.ms) << "seed " << seed;
    }
    EXPECT_EQ(total, 60U) << "seed " << seed;
  }
}

model::Alert ip_alert(const std::string& id, const std::string& ip, const std::string& peer, std::int64_t at_min,
                      int severity = 50) {
  model::Alert alert;
  alert.id = id;
  alert.detector = "beacon";
  alert.title = {"回连", "Beacon"};
  alert.topic = "c2_beacon";
  alert.entity = {model::EntityKind::kIp, ip, "", ""};
  if (!peer.empty()) alert.peers = {{model::EntityKind::kIp, peer, "", ""}};
  alert.first = EventMs{kStart.ms + at_min * 60'000};
  alert.last = alert.first + std::chrono::minutes(5);
  alert.severity = static_cast<std::uint8_t>(severity);
  return alert;
}

const DetectorTable kNames{{"beacon", {std::chrono::hours(1), {}, {"规律回连", "Beaconing"}}}};

TEST(IncidentGrouper, NamesWhoFoundItInBothLanguages) {
  std::vector<model::Alert> alerts{ip_alert("A-1", "10.0.0.1", "", 0), ip_alert("A-2", "10.0.0.1", "", 10)};
  alerts[0].detector = "beacon";
  alerts[1].detector = "nobody_knows";  // a rule that is gone: its id is all there is
  const Incident incident = group_incidents(alerts, shipped_content().grades, kNames).front();
  EXPECT_NE(incident.summary.zh.find("（规律回连、nobody_knows）"), std::string::npos) << incident.summary.zh;
  EXPECT_NE(incident.summary.en.find("(Beaconing, nobody_knows)"), std::string::npos) << incident.summary.en;
  EXPECT_EQ(incident.summary.en.find("beacon,"), std::string::npos);
}

TEST(IncidentGrouper, TiesBySharedEntityAndSharedPeerInsideTheWindow) {
  const std::vector<model::Alert> alerts{ip_alert("A-1", "10.0.0.1", "203.0.113.9", 0),
                                         ip_alert("A-2", "10.0.0.2", "203.0.113.9", 10, 90),
                                         ip_alert("A-3", "10.0.0.2", "", 20), ip_alert("A-4", "10.0.0.7", "", 20),
                                         ip_alert("A-5", "10.0.0.1", "", 60 * 24 * 9)};
  const auto incidents = group_incidents(alerts, shipped_content().grades, kNames);
  ASSERT_EQ(incidents.size(), 3U);
  EXPECT_EQ(incidents[0].alerts, (std::vector<std::string>{"A-1", "A-2", "A-3"}));
  EXPECT_EQ(incidents[0].entities.size(), 2U);
  EXPECT_EQ(incidents[0].severity, 90U);
  EXPECT_NE(incidents[0].summary.en.find("3 alerts about 2 entities"), std::string::npos) << incidents[0].summary.en;
  EXPECT_NE(incidents[0].summary.en.find("IP 203.0.113.9"), std::string::npos) << incidents[0].summary.en;
  EXPECT_NE(incidents[0].summary.zh.find("3 条告警"), std::string::npos);
  const std::vector<model::Alert> one{ip_alert("A-1", "10.0.0.1", "", 0), ip_alert("A-2", "10.0.0.1", "", 10)};
  const auto single = group_incidents(one, shipped_content().grades, kNames);
  EXPECT_NE(single.at(0).summary.en.find("2 alerts about 1 entity ("), std::string::npos) << single[0].summary.en;
  std::string line;
  append_json(line, incidents[0]);
  EXPECT_EQ(line.substr(0, 9), "{\"id\":\"I-");
  EXPECT_NE(line.find("\"owner\":null"), std::string::npos);
}

TEST(IncidentGrouper, EveryAlertIsInExactlyOneIncidentInAnyOrder) {
  std::mt19937 random(7);
  std::vector<model::Alert> alerts;
  for (int i = 0; i < 80; ++i) {
    alerts.push_back(ip_alert("A-" + std::to_string(i), "10.0.0." + std::to_string(random() % 30),
                              random() % 2 == 0 ? "" : "203.0.113." + std::to_string(random() % 9),
                              static_cast<std::int64_t>(random() % 9000)));
  }
  const auto names = [](const std::vector<Incident>& incidents) {
    std::vector<std::vector<std::string>> out;
    for (const Incident& incident : incidents) {
      auto ids = incident.alerts;
      std::sort(ids.begin(), ids.end());
      out.push_back(ids);
    }
    std::sort(out.begin(), out.end());
    return out;
  };
  const auto incidents = group_incidents(alerts, shipped_content().grades, kNames);
  std::size_t total = 0;
  for (const Incident& incident : incidents) total += incident.alerts.size();
  EXPECT_EQ(total, alerts.size());
  auto shuffled = alerts;
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  EXPECT_EQ(names(group_incidents(shuffled, shipped_content().grades, kNames)), names(incidents));
}

TEST(Grades, FileMustEndWithAGradeThatTakesEverything) {
  const auto bad =
      GradeTable::parse("[[grade]]\nid=\"I\"\nzh=\"一\"\nen=\"One\"\ncolour=\"red\"\nseverity_min=101\n", "g.toml");
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("g.toml:"), std::string::npos);
  EXPECT_NE(bad.error().message.find("severity_min"), std::string::npos);
}

}  // namespace
TEST(DetectorTable, KnowsWhoIsGoneAndRenewsWhoIsThere) {
  DetectorTable table{{"old_rule", {std::chrono::hours(2), {}, {"旧规则", "An old rule"}}},
                      {"beacon", {std::chrono::hours(1), {}, {"回连", "Beacon"}}}};
  table.renew(kNames);
  EXPECT_EQ(table.of("old_rule").title.en, "An old rule");
  EXPECT_EQ(table.of("old_rule").episode_gap, std::chrono::hours(2));
  EXPECT_EQ(table.of("beacon").title.en, "Beaconing");
}

}  // namespace pandun::casework
