#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& burst_calling_spec();
std::unique_ptr<detect::Detector> make_burst_calling(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&burst_calling_spec, &make_burst_calling}};

TEST(BurstCalling, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/burst_calling/cases", "burst_calling", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
