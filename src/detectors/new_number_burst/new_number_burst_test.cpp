#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& new_number_burst_spec();
std::unique_ptr<detect::Detector> make_new_number_burst(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&new_number_burst_spec, &make_new_number_burst}};

TEST(NewNumberBurst, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/new_number_burst/cases", "new_number_burst", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
