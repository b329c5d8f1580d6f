#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& one_ring_spec();
std::unique_ptr<detect::Detector> make_one_ring(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&one_ring_spec, &make_one_ring}};

TEST(OneRing, Cases) {
  const auto report = detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/one_ring/cases", "one_ring", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
