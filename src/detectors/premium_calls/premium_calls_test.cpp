#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& premium_calls_spec();
std::unique_ptr<detect::Detector> make_premium_calls(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&premium_calls_spec, &make_premium_calls}};

TEST(PremiumCalls, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/premium_calls/cases", "premium_calls", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
