#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& foreign_burst_spec();
std::unique_ptr<detect::Detector> make_foreign_burst(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&foreign_burst_spec, &make_foreign_burst}};

TEST(ForeignBurst, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/foreign_burst/cases", "foreign_burst", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
