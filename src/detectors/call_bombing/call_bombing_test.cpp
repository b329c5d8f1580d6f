#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& call_bombing_spec();
std::unique_ptr<detect::Detector> make_call_bombing(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&call_bombing_spec, &make_call_bombing}};

TEST(CallBombing, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/call_bombing/cases", "call_bombing", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
