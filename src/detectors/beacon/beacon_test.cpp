#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& beacon_spec();
std::unique_ptr<detect::Detector> make_beacon(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&beacon_spec, &make_beacon}};

TEST(Beacon, Cases) {
  const auto report = detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/beacon/cases", "beacon", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
