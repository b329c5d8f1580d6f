#include <gtest/gtest.h>

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

// Whatever is found: a warning's weight, a warning's words, and no list of whom the person talked to.
TEST(VictimAtRisk, EndsInAWarning) {
  int signals = 0;
  for (const char* name : {"impostor", "handed_on", "silenced", "dialler"}) {
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
  EXPECT_EQ(signals, 4);
}

}  // namespace
}  // namespace pandun::detectors
