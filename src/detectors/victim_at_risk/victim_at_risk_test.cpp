#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& victim_at_risk_spec();
std::unique_ptr<detect::Detector> make_victim_at_risk(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&victim_at_risk_spec, &make_victim_at_risk}};

TEST(VictimAtRisk, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/victim_at_risk/cases", "victim_at_risk", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

// A case whose last line, a call's record, comes when the call is over: behind the reports, and late by its own time.
detect::testing::Outcome with_late_record(std::string text) {
  text = "why: test\nstart: 2026-03-02T02:00:00Z\n" + text + "----\nnone\n";
  auto parsed = detect::testing::parse_case(text, "late.case");
  EXPECT_TRUE(parsed.ok());
  auto& events = parsed->events.events;
  const auto call = std::find_if(events.begin(), events.end(), [](const model::Event& e) {
    return e.kind() == model::EventKind::kCall && e.as<model::Call>().duration_s > 1000;
  });
  std::rotate(call, call + 1, events.end());
  events.back().late = true;
  std::uint64_t position = 0;
  EventMs watermark{INT64_MIN};
  for (model::Event& event : events) {
    event.position = ++position;
    event.watermark = watermark = std::max(watermark, event.time);
  }
  return detect::testing::run(*parsed, "victim_at_risk", kParts, detect::testing::weathers().front());
}

constexpr const char* kReported =
    "call +85512345678 -> +8613600000001 answered dur=1560 intl\n"
    "+5s repeat 25 every 60s : progress +85512345678 -> +8613600000001 id=x since={i*60+60} lasts intl\n";

TEST(VictimAtRisk, ATalkThatWasToldOfIsNotCountedAgainWhenItsRecordComes) {
  // 1,560 s in one contact warn of nothing; counted twice they would be 3,060 s in two.
  const auto once = with_late_record(std::string(kReported) + "@10m repeat 6 every 2m : msg 95588 -> +8613600000001\n");
  EXPECT_TRUE(once.failure.empty()) << once.failure;
  EXPECT_TRUE(once.alerts.empty());
  // Of a caller who dials many: one long talk is no repeated one.
  const std::string dialler =
      "repeat 60 every 20s : call +8617000000001 -> +86139{i:08} unanswered dur=0\n"
      "@30m call +8617000000001 -> +8613600000001 answered dur=1500\n"
      "@30m5s repeat 24 every 60s : progress +8617000000001 -> +8613600000001 id=x since={i*60+60} lasts\n";
  EXPECT_TRUE(with_late_record(dialler).alerts.empty());
  const auto again = with_late_record(
      dialler + "@2h repeat 10 every 60s : progress +8617000000001 -> +8613600000001 id=z since={i*60+60} lasts\n");
  EXPECT_EQ(again.alerts.size(), 1U) << "the second one is";
}

// The record says more than the last report did: the rest counts, and what was heard from banks meanwhile with it.
TEST(VictimAtRisk, ARecordCompletesWhatWasToldOf) {
  const auto outcome = with_late_record(
      "call +85512345678 -> +8613600000001 answered dur=1900 intl\n"
      "+5s repeat 2 every 60s : progress +85512345678 -> +8613600000001 id=x since={i*60+60} lasts intl\n"
      "@10m repeat 4 every 2m : msg 95588 -> +8613600000001\n");
  ASSERT_EQ(outcome.alerts.size(), 1U);
  EXPECT_EQ(outcome.alerts[0].entity, "+8613600000001");
  for (const std::string& name : outcome.alerts[0].evidence) EXPECT_NE(name, "risk_call_lasts");
}

// Whatever is found: a warning's weight, a warning's words, and no list of whom the person talked to.
TEST(VictimAtRisk, EndsInAWarning) {
  int signals = 0;
  for (const char* name : {"impostor", "handed_on", "silenced", "dialler", "still_talking", "still_talking_dialler"}) {
    std::ifstream in(std::string(PANDUN_SOURCE_DIR "/src/detectors/victim_at_risk/cases/") + name + ".case");
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto parsed = detect::testing::parse_case(text, name);
    ASSERT_TRUE(parsed.ok()) << name;
    const auto outcome = detect::testing::run(*parsed, "victim_at_risk", kParts, detect::testing::weathers().front());
    for (const model::Signal& signal : outcome.signals) {
      ++signals;
      EXPECT_LE(signal.severity, 60);
      EXPECT_EQ(signal.title.en, "Warn and protect: this person may be talked into a fraud right now");
      EXPECT_NE(signal.title.zh.find("提醒"), std::string::npos);
      EXPECT_LE(signal.peers.size(), 1U);    // the caller alone
      EXPECT_LE(signal.records.size(), 1U);  // the record that made it
      EXPECT_TRUE(signal.series.empty());
    }
  }
  EXPECT_EQ(signals, 6);
}

}  // namespace
}  // namespace pandun::detectors
