#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& spoofed_caller_spec();
std::unique_ptr<detect::Detector> make_spoofed_caller(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&spoofed_caller_spec, &make_spoofed_caller}};

TEST(SpoofedCaller, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/spoofed_caller/cases", "spoofed_caller", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
