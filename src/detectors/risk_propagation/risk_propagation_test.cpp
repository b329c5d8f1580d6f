#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& risk_propagation_spec();
std::unique_ptr<detect::Detector> make_risk_propagation(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&risk_propagation_spec, &make_risk_propagation}};

TEST(RiskPropagation, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/risk_propagation/cases", "risk_propagation", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
