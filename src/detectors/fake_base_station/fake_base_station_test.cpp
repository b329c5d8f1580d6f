#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& fake_base_station_spec();
std::unique_ptr<detect::Detector> make_fake_base_station(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&fake_base_station_spec, &make_fake_base_station}};

TEST(FakeBaseStation, Cases) {
  const auto report = detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/fake_base_station/cases",
                                                 "fake_base_station", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
