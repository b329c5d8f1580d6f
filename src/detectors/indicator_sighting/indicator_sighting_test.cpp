#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& indicator_sighting_spec();
std::unique_ptr<detect::Detector> make_indicator_sighting(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&indicator_sighting_spec, &make_indicator_sighting}};

TEST(IndicatorSighting, Cases) {
  const auto report = detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/indicator_sighting/cases",
                                                 "indicator_sighting", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
