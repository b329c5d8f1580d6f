#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& ring_spec();
std::unique_ptr<detect::Detector> make_ring(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&ring_spec, &make_ring}};

TEST(Ring, Cases) {
  const auto report = detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/ring/cases", "ring", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
