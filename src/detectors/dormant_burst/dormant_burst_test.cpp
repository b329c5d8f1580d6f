#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& dormant_burst_spec();
std::unique_ptr<detect::Detector> make_dormant_burst(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&dormant_burst_spec, &make_dormant_burst}};

TEST(DormantBurst, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/dormant_burst/cases", "dormant_burst", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
